"""Settings: one's own account; for owners also users, messages by e-mail, tokens, rules, and who did what."""
