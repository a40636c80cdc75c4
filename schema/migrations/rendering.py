"""How our own column types are written in a migration."""

from typing import Literal

from sqlmodel.sql.sqltypes import AutoString

from schema.types import Money, UtcDateTime


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """The source text of a type; False leaves it to Alembic."""
    if kind != "type":
        return False
    if isinstance(item, AutoString):
        return f"sa.String({item.length})"
    if isinstance(item, UtcDateTime):
        return "UtcDateTime()"
    if isinstance(item, Money):
        return "Money()"
    if isinstance(item, AutoString):
        return f"sa.String({item.length})"
    return False
