"""What SQLite and PostgreSQL both can, and SQLAlchemy spells for each apart."""

from typing import Literal

from sqlalchemy import TableClause
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Dialect = Literal["sqlite", "postgresql"]


def dialect_of(session: Session) -> Dialect:
    """Which of the two a session speaks."""
    return "postgresql" if session.get_bind().dialect.name == "postgresql" else "sqlite"


def insert_into(table: TableClause | type[SQLModel], dialect: Dialect) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that may have an ON CONFLICT."""
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
