"""Connectors translate between a platform and syncd's values; `connectors.sdk` is their contract."""
