"""Migrations, run by Alembic from inside the package: `upgrade` before anything else touches a database.

The first migration is made from the tables; `python -m schema.migrate && make format` writes it anew until the first
release. Later ones are written by hand and never changed once they are released.
"""

import tempfile
import warnings
from importlib.resources import files
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex
from sqlmodel import SQLModel

from schema.tables import APPEND_ONLY

FOLDER = Path(str(files("schema") / "migrations"))


def upgrade(url: str) -> None:
    """Bring the database at this url to the newest form; nothing to do is fine. One process at a time."""
    _make_private(url)
    config = _config()
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(7083)"))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def current(url: str) -> str | None:
    """The revision that the database is at; None for an empty one."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str:
    """The newest revision that we know."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if newest is None:
        raise RuntimeError("the package holds no migrations")
    return newest


def _make_private(url: str) -> None:
    # Customers' orders are in it. SQLite gives the files beside it the same rights.
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(str(parsed.database)).touch(mode=0o600)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def _engine(url: str) -> sqlalchemy.Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(parsed, poolclass=sqlalchemy.NullPool)
    if parsed.get_backend_name() == "sqlite":
        sqlalchemy.event.listen(engine, "connect", _leave_transactions_to_us)
    return engine


def _leave_transactions_to_us(connection: object, _record: object) -> None:
    # Python's sqlite3 would commit before each CREATE TABLE; a migration must happen whole or not at all.
    connection.isolation_level = None  # type: ignore[attr-defined]


def _write_first() -> None:
    """Write the first migration anew from the tables."""
    for old in (FOLDER / "versions").glob("0001_*.py"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        engine = _engine(f"sqlite:///{folder}/empty.sqlite")
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            warnings.filterwarnings("ignore", "autogenerate skipping metadata-specified expression-based index")
            command.revision(config, "Initial", autogenerate=True, rev_id="0001")
        engine.dispose()
    written = next((FOLDER / "versions").glob("0001_*.py"))
    lines = [line for line in written.read_text().splitlines() if "Alembic" not in line.partition("#")[2]]
    lines += [f"    op.execute({statement!r})" for statement in _expression_indexes()]
    lines += [f"    for statement in forbid_changes(op.get_context().dialect.name, {APPEND_ONLY!r}):"]
    lines += ["        op.execute(statement)"]
    written.write_text("\n".join(lines) + "\n")


def _expression_indexes() -> list[str]:
    """Indexes on expressions, which Alembic leaves out because SQLite does not tell of them."""
    indexes = (index for table in SQLModel.metadata.sorted_tables for index in table.indexes)
    found = [index for index in indexes if not all(isinstance(part, sqlalchemy.Column) for part in index.expressions)]
    return [str(CreateIndex(index).compile(dialect=sqlite.dialect())) for index in found]


if __name__ == "__main__":
    _write_first()
