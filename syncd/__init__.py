"""syncd keeps one truth about stock for a merchant who sells the same goods in several stores."""
