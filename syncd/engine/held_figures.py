"""What a person decides about a figure that is held: ours, theirs, or kept until a time. The rule: `domain/drift.py`.

One transaction: the number in the ledger, the belief, the issue and the record of the deed change together or not at
all, so that trying again after a crash takes the store's number over once.
"""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from schema.tables import Drift, Issue, Listing, Location, Match, PoolLocation, StockItem
from syncd.domain import drift
from syncd.domain.observed import Observed
from syncd.engine import adjust, items
from syncd.engine.audit import audit
from syncd.engine.authority import authority_of
from syncd.engine.context import Engine
from syncd.engine.desired import lock_behind
from syncd.engine.issues import resolve_by_id
from syncd.engine.wake import wake
from syncd.errors import NotPossible


class Choice(StrEnum):
    """What to do with a figure that is held."""

    OURS = "ours"
    THEIRS = "theirs"
    KEEP = "keep"


def release_figure(engine: Engine, issue: Issue, choice: Choice | None, until: datetime | None, *, actor: str) -> str:
    """Do what a person chose; returns what happens now, in words. Raises NotPossible."""
    item_id = issue.details.get("stock_item")
    if choice is None or not isinstance(item_id, int):
        raise NotPossible(
            "Say what to do with it: --ours sets our number, --theirs takes the store's, --keep-until TIME."
        )
    now = engine.clock.now()
    with engine.database.transaction() as session:
        if not resolve_by_id(session, issue.merchant_id, issue.id or 0, by=actor, now=now):
            raise NotPossible(f"Issue {issue.id} is resolved already.")
        _lock(session, issue.merchant_id, item_id)
        item = items.locked(session, item_id)
        match choice:
            case Choice.KEEP:
                item.kept_until = until
                items.keep(item, drift.keep(items.belief(item)), look_at=now)
            case Choice.OURS:
                _let_go(session, item, drift.take_ours(items.belief(item)), choice, now)
            case Choice.THEIRS:
                _take_over(engine, session, issue, item, actor)
        details = {"issue": issue.id, "choice": choice.value}
        audit(session, issue.merchant_id, actor, "figure.release", issue.sku or "", details, now)
        wake(session)
    return _words(choice, until)


def _lock(session: Session, merchant_id: int, item_id: int) -> None:
    """The caches and figures of the SKU behind it, in the order in which everybody locks them."""
    skus = session.exec(select(Listing.sku).where(Listing.stock_item_id == item_id, Listing.match == Match.LINKED))
    lock_behind(session, merchant_id, {sku for sku in skus if sku}, [item_id])


def _let_go(session: Session, item: StockItem, state: Observed, choice: Choice, now: datetime) -> None:
    """What the store shows is believed from now on."""
    believed = item.observed or 0
    session.add(
        Drift(
            stock_item_id=item.id or 0,
            believed=believed,
            found=believed + item.held,
            verdict=f"released_{choice.value}",
            found_at=now,
        )
    )
    item.kept_until = None
    items.keep(item, state, look_at=now)


def _take_over(engine: Engine, session: Session, issue: Issue, item: StockItem, actor: str) -> None:
    """Book the difference in the own ledger; with another authority say what to change there."""
    sku, place = _shelf(session, item)
    authority = authority_of(session, issue.merchant_id)
    if authority.connection is not None:
        raise NotPossible(
            f"{authority.name} says what is in stock, so nothing was changed. Change {sku} at {place.name} there by "
            f"{item.held:+d}; once that has been read the number fits, and this issue closes by itself."
        )
    state, units = drift.accept_theirs(items.belief(item))
    _let_go(session, item, state, Choice.THEIRS, engine.clock.now())
    session.flush()
    reason = f"taken from the store, issue {issue.id}"
    adjust.book(engine, session, place, sku, delta=units, reason=reason, actor=actor)


def _shelf(session: Session, item: StockItem) -> tuple[str, Location]:
    sku = session.exec(
        select(Listing.sku).where(Listing.stock_item_id == item.id, Listing.match == Match.LINKED).limit(1)
    ).first()
    place = session.exec(
        select(Location)
        .join(PoolLocation, col(PoolLocation.location_id) == col(Location.id))
        .where(PoolLocation.connection_id == item.connection_id)
        .order_by(col(PoolLocation.position))
        .limit(1)
    ).first()
    if sku is None or place is None:
        raise NotPossible("This number belongs to no SKU any more.")
    return sku, place


def _words(choice: Choice, until: datetime | None) -> str:
    match choice:
        case Choice.OURS:
            return "Our number is set now."
        case Choice.THEIRS:
            return "The ledger has the store's number now, and the other stores follow."
        case Choice.KEEP:
            return f"It stays as it is{f' until {until.isoformat()}' if until else ''}; sales elsewhere still lower it."
