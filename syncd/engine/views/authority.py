"""Who knows what is on the shelf, and where it may lie."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from schema.tables import BackOffice, Location
from syncd.engine.authority import authority_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationView:
    """A location; `id` is the back office's."""

    id: str
    name: str
    is_active: bool
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityView:
    """The authority; `connection` None is syncd's own ledger. `is_set`: somebody has chosen."""

    is_set: bool
    connection: str | None
    name: str
    currency: str
    locations: tuple[LocationView, ...]


def authority_view(session: Session, merchant_id: int) -> AuthorityView:
    """As it is now."""
    authority = authority_of(session, merchant_id)
    rows = session.exec(
        select(Location)
        .where(Location.merchant_id == merchant_id)
        .order_by(col(Location.is_default).desc(), col(Location.name))
    )
    return AuthorityView(
        is_set=session.get(BackOffice, merchant_id) is not None,
        connection=authority.connection.name if authority.connection else None,
        name=authority.name,
        currency=authority.currency,
        locations=tuple(
            LocationView(id=row.external_id, name=row.name, is_active=row.is_active, is_default=row.is_default)
            for row in rows
        ),
    )
