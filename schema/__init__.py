"""The database: tables in `tables.py`, column types in `types.py`, migrations in `migrations/`, run by `migrate.py`."""
