"""Correcting syncd's own ledger by hand: a count, or units more or less. Never where a back office is the authority."""

from sqlmodel import Session, col, or_, select

from schema.tables import InventoryCache, Listing, Location, MovementKind
from syncd.domain import border, stock
from syncd.engine import settling
from syncd.engine.audit import audit
from syncd.engine.authority import LEDGER, authority_of
from syncd.engine.context import Engine
from syncd.engine.desired import lock_behind, refresh
from syncd.engine.ledger import StockAt, add_movement, cache_row
from syncd.engine.wake import wake
from syncd.errors import NotPossible


def adjust(
    engine: Engine,
    merchant_id: int,
    sku: str,
    *,
    delta: int | None = None,
    to: int | None = None,
    location: str | None = None,
    reason: str,
    actor: str,
) -> StockAt:
    """Change what lies at a location by `delta`, or set it to what was counted; gives the stock after it.

    `location` is its external id or name; it may be left out where there is one, or a default. Raises NotPossible.
    """
    if (delta is None) == (to is None):
        raise NotPossible("Say either by how many units, or how many there are.")
    wanted = border.sku(sku)
    if wanted is None:
        raise NotPossible(f"{border.text(sku, 40)!r} cannot be an SKU.")
    with engine.database.transaction() as session:
        _check_authority(session, merchant_id)
        place = _location(session, merchant_id, location)
        if to is None:
            _check_known(session, merchant_id, wanted)
        return book(engine, session, place, wanted, delta=delta, to=to, reason=reason, actor=actor)


def book(
    engine: Engine,
    session: Session,
    place: Location,
    sku: str,
    *,
    delta: int | None = None,
    to: int | None = None,
    reason: str,
    actor: str,
) -> StockAt:
    """The same within the caller's transaction, where the own ledger is the authority. Raises NotPossible."""
    now = engine.clock.now()
    merchant_id = place.merchant_id
    _check_units(delta if to is None else to)
    lock_behind(session, merchant_id, {sku})
    cache = cache_row(session, merchant_id, place.id or 0, sku, now=now)
    before = stock.Cache(on_hand=cache.on_hand, open=cache.open)
    movement = stock.adjustment_to(before, to) if to is not None else _by(before, delta or 0, sku, place)
    note = border.text(reason)
    add_movement(
        session,
        merchant_id=merchant_id,
        location_id=cache.location_id,
        sku=sku,
        kind=MovementKind.ADJUSTMENT,
        on_hand_delta=movement.on_hand or 0,
        value=to,
        source=LEDGER,
        event=f"adjustment-{engine.random.getrandbits(64):016x}",
        note=note,
        actor=actor,
        occurred_at=now,
        now=now,
    )
    settling.end(session, cache.location_id, sku)
    details = {"location": place.external_id, "delta": movement.on_hand, "to": to, "reason": note}
    audit(session, merchant_id, actor, "adjust", sku, details, now)
    refresh(session, merchant_id, {sku})
    wake(session)
    return StockAt(location_id=cache.location_id, on_hand=cache.on_hand, open=cache.open)


def _check_authority(session: Session, merchant_id: int) -> None:
    authority = authority_of(session, merchant_id)
    if authority.connection is not None:
        raise NotPossible(f"{authority.name} says what is in stock: change it there. syncd reads it again soon.")


def _check_units(told: int | None) -> None:
    try:
        border.units(told or 0, "This count")
    except border.Unfit as error:
        raise NotPossible(f"{error}.") from error


def _by(before: stock.Cache, delta: int, sku: str, place: Location) -> stock.Movement:
    if before.on_hand is None:
        raise NotPossible(f"Nobody has counted {sku} at {place.name} yet: say how many there are (=N).")
    return stock.adjustment(delta)


def _location(session: Session, merchant_id: int, wanted: str | None) -> Location:
    places = session.exec(
        select(Location)
        .where(Location.merchant_id == merchant_id, col(Location.is_active).is_(True))
        .order_by(col(Location.id))
    ).all()
    if wanted is None:
        found = [place for place in places if place.is_default] or list(places)
    else:
        found = [place for place in places if place.external_id == wanted]
        found = found or [place for place in places if place.name == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(place.name or place.external_id for place in places) or "none"
    if not found:
        raise NotPossible(f"There is no location {wanted!r}; there are: {names}.")
    raise NotPossible(f"Say which location; there are: {names}.")


def _check_known(session: Session, merchant_id: int, sku: str) -> None:
    """By how many units, only of an SKU that somebody knows; a count makes one known, also before any store has it."""
    listed = select(Listing.id).where(
        Listing.merchant_id == merchant_id, or_(Listing.sku == sku, Listing.external_sku == sku)
    )
    kept = select(InventoryCache.id).where(InventoryCache.merchant_id == merchant_id, InventoryCache.sku == sku)
    if session.exec(listed.limit(1)).first() is None and session.exec(kept.limit(1)).first() is None:
        raise NotPossible(f"No store has an SKU {sku!r}. Mind capitals and spaces.")
