"""The back office's locations: kept, found by id or name, one of them the default."""

from collections.abc import Sequence

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from connectors.sdk import values
from schema.tables import Location
from syncd.errors import NotPossible


def places_of(session: Session, merchant_id: int, wanted: Sequence[str]) -> list[Location]:
    """These locations, by id or name, in this order. Raises NotPossible for one that there is not."""
    known = session.exec(select(Location).where(Location.merchant_id == merchant_id, Location.is_active)).all()
    found = []
    for word in dict.fromkeys(wanted):
        matching = [place for place in known if word == place.external_id] or [
            place for place in known if word == place.name
        ]
        if len(matching) != 1:
            listed = "; ".join(f"{place.external_id} ({place.name})" for place in known) or "none yet"
            raise NotPossible(f"There is no location {word!r}. There are: {listed}.")
        found.append(matching[0])
    return found


def store_locations(
    session: Session, merchant_id: int, told: Sequence[values.Location], default: str | None
) -> Location:
    """Keep what a back office tells of its locations and make one the default; returns that one.

    `default` is an id or a name; None is fine where there is only one active, or the present default still exists.
    Raises NotPossible that lists them.
    """
    known = {place.external_id: place for place in session.exec(_all_of(merchant_id))}
    for place in told:
        row = known.get(place.location_id)
        if row is None:
            row = Location(merchant_id=merchant_id, external_id=place.location_id)
            session.add(row)
        row.name, row.is_active = place.name, place.is_active
    ids = {place.location_id for place in told}
    for external_id, row in known.items():
        row.is_active = row.is_active and external_id in ids
    session.flush()
    return _make_default(session, merchant_id, default)


def _make_default(session: Session, merchant_id: int, wanted: str | None) -> Location:
    places = session.exec(_all_of(merchant_id)).all()
    active = [place for place in places if place.is_active]
    if wanted:
        chosen = places_of(session, merchant_id, [wanted])[0]
    elif len(active) == 1:
        chosen = active[0]
    elif not (current := [place for place in active if place.is_default]):
        listed = "; ".join(f"{place.external_id} ({place.name})" for place in active) or "none at all"
        raise NotPossible(f"Say which location the stores sell from: --location ID. There are: {listed}.")
    else:
        chosen = current[0]
    for place in places:
        place.is_default = place is chosen
    session.flush()
    return chosen


def _all_of(merchant_id: int) -> SelectOfScalar[Location]:
    return select(Location).where(Location.merchant_id == merchant_id).order_by(col(Location.id))
