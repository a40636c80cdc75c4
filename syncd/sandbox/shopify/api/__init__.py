"""The GraphQL Admin API of the simulated store."""
