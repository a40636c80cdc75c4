"""Tables whose rows stay as they were written: the database itself refuses UPDATE, DELETE and TRUNCATE."""

from collections.abc import Iterable

_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def forbid_changes(dialect: str, tables: Iterable[str]) -> list[str]:
    """The statements that make these tables append-only."""
    if dialect == "postgresql":
        return [_REFUSE, *(_on_postgresql(table, event) for table in tables for event in ("row", "truncate"))]
    return [_on_sqlite(table, event) for table in tables for event in ("update", "delete")]


def _on_postgresql(table: str, event: str) -> str:
    name = f"{table}_append_only_{event}"
    when = "TRUNCATE" if event == "truncate" else "UPDATE OR DELETE"
    each = "STATEMENT" if event == "truncate" else "ROW"
    return f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH {each} EXECUTE FUNCTION refuse_change()"


def _on_sqlite(table: str, event: str) -> str:
    return (
        f"CREATE TRIGGER {table}_append_only_{event} BEFORE {event.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
