"""Rows written past the ORM, in portions: millions in a minute, alike on SQLite and PostgreSQL.

Ids are given here, so that rows can point at each other before any of them is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import sqlalchemy
from sqlmodel import SQLModel

from schema.types import UtcDateTime

PORTION = 20_000


@dataclass(slots=True)
class Sheet:
    """One table: its columns with what stands in them unless told otherwise, and rows that are not written yet."""

    table: sqlalchemy.Table
    blank: dict[str, Any]
    times: frozenset[str]
    next_id: int
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class Books:
    """Every table that something was added to."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._sheets: dict[type[SQLModel], Sheet] = {}

    def add(self, kind: type[SQLModel], /, **values: Any) -> int:
        """One more row; returns its id. Money and JSON are given as text, states by their word."""
        sheet = self._sheets.get(kind) or self._open(kind)
        if "id" in sheet.blank and "id" not in values:
            values["id"] = self.reserve(kind)
        if self._is_sqlite:
            for name in sheet.times & values.keys():
                if values[name] is not None:
                    values[name] = values[name].replace(tzinfo=None).isoformat(" ", "microseconds")
        sheet.rows.append(tuple([values.get(name, usual) for name, usual in sheet.blank.items()]))
        if len(sheet.rows) >= PORTION:
            self._write(sheet)
        return values.get("id", 0)

    def reserve(self, kind: type[SQLModel]) -> int:
        """The id of a row that is added later."""
        sheet = self._sheets.get(kind) or self._open(kind)
        sheet.next_id += 1
        return sheet.next_id - 1

    def close(self) -> None:
        """Write what is left, and let the database count on from there."""
        for sheet in self._sheets.values():
            self._write(sheet)
            if not self._is_sqlite and sheet.table.autoincrement_column is not None:
                name = sheet.table.name
                words = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                self._connection.exec_driver_sql(words)

    def _open(self, kind: type[SQLModel]) -> Sheet:
        table, example = kind.__table__, kind()
        columns = [column for column in table.columns if column.name != "id" or "id" in kind.model_fields]
        blank = {column.name: _plain(getattr(example, column.name, None)) for column in columns}
        times = frozenset(column.name for column in columns if isinstance(column.type, UtcDateTime))
        newest = 0
        if "id" in blank:
            newest = self._connection.execute(sqlalchemy.select(sqlalchemy.func.max(table.c.id))).scalar() or 0
        self._sheets[kind] = Sheet(table=table, blank=blank, times=times, next_id=newest + 1)
        return self._sheets[kind]

    def _write(self, sheet: Sheet) -> None:
        names = ", ".join(f'"{name}"' for name in sheet.blank)
        cursor = self._connection.connection.cursor()
        if self._is_sqlite:
            holders = ", ".join("?" for _ in sheet.blank)
            cursor.executemany(f"INSERT INTO {sheet.table.name} ({names}) VALUES ({holders})", sheet.rows)
        else:
            with cursor.copy(f"COPY {sheet.table.name} ({names}) FROM STDIN") as copy:
                for row in sheet.rows:
                    copy.write_row(row)
        sheet.rows.clear()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return None
    match value:
        case dict():
            return "{}"
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case _:
            return value


@contextmanager
def opened_books(url: str) -> Iterator[Books]:
    """Write into a migrated database, all or nothing, without asking whether what rows point at is there yet."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            for setting in ("synchronous=OFF", "cache_size=-200000", "foreign_keys=OFF"):
                connection.exec_driver_sql(f"PRAGMA {setting}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        books = Books(connection)
        yield books
        books.close()
        connection.commit()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")  # autovacuum does it a minute later
            connection.commit()
    engine.dispose()
