"""Joining listings to SKUs: by the SKU they say, or by hand. The rule is `syncd/domain/matching.py`.

What that entails is `linking.py`; `match_view.py` lists what there is.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select

from schema.tables import BackOffice, Connection, ConnectionRole, ConnectionState, InventoryCache, Listing, Match
from syncd.domain import border, matching
from syncd.engine.audit import audit
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import lock_behind
from syncd.engine.issues import raise_issue, resolve_issue
from syncd.engine.linking import count_earlier_orders, resolve_unknown, set_match
from syncd.engine.listing_checks import check_listing
from syncd.engine.wake import wake
from syncd.errors import NotPossible

BY_RULE = {
    matching.Result.LINKED: Match.LINKED,
    matching.Result.UNMATCHED: Match.UNMATCHED,
    matching.Result.DUPLICATE: Match.DUPLICATE,
}


# ------------------------------------------------------------------------------------------- by the SKU they say


def rematch(session: Session, connection: Connection, skus: Iterable[str], now: datetime) -> None:
    """Judge again every listing of a store that says one of these SKUs, but those that a person has judged."""
    session.flush()
    for batch in batched(sorted(set(skus))):
        _rematch_some(session, connection, batch, now)


def _rematch_some(session: Session, connection: Connection, skus: Sequence[str], now: datetime) -> None:
    listings = session.exec(
        select(Listing)
        .where(
            Listing.connection_id == connection.id, col(Listing.external_sku).in_(skus), col(Listing.gone_at).is_(None)
        )
        .order_by(col(Listing.id))
    ).all()
    known = known_skus(session, connection.merchant_id, skus)
    groups: dict[str, list[Listing]] = defaultdict(list)
    for listing in listings:
        groups[listing.external_sku or ""].append(listing)
    lock_behind(session, connection.merchant_id, skus, {listing.stock_item_id for listing in listings})
    for sku in skus:
        group = groups[sku]
        result = matching.judge(is_known=sku in known, figures=_figures(group))
        for listing in group:
            if not listing.is_by_hand:
                is_linked = result is matching.Result.LINKED
                if result is matching.Result.DUPLICATE and listing.match is not Match.DUPLICATE:
                    check_listing(session, connection.id or 0, listing.external_id, due_at=now)  # is it there still?
                set_match(session, connection, listing, BY_RULE[result], sku if is_linked else None, now)
        _tell_duplicate(session, connection, sku, group, now, is_duplicate=result is matching.Result.DUPLICATE)


def match_alone(session: Session, connection: Connection, listing: Listing, now: datetime) -> None:
    """Judge a listing that is gone: it shows nothing that could contradict another's, and what was sold of it was the
    SKU that it said. Made anew under its SKU, the two were duplicates until the old one was seen to be gone.
    """
    if listing.match is Match.DUPLICATE and not listing.is_by_hand and listing.external_sku:
        is_known = bool(known_skus(session, connection.merchant_id, [listing.external_sku]))
        result = matching.judge(is_known=is_known, figures=1)
        set_match(session, connection, listing, BY_RULE[result], listing.external_sku if is_known else None, now)


def _figures(group: Sequence[Listing]) -> int:
    return len({listing.stock_item_id for listing in group if listing.match is not Match.IGNORED})


def known_skus(session: Session, merchant_id: int, skus: Sequence[str]) -> set[str]:
    """Which of these the authority knows: it has given a figure for them, or lists them."""
    return {sku for batch in batched(skus) for sku in _known_of(session, merchant_id, batch)}


def _known_of(session: Session, merchant_id: int, skus: Sequence[str]) -> set[str]:
    by_figure = select(InventoryCache.sku).where(
        InventoryCache.merchant_id == merchant_id, col(InventoryCache.sku).in_(skus)
    )
    by_list = (
        select(Listing.external_sku)
        .join(BackOffice, col(BackOffice.connection_id) == col(Listing.connection_id))
        .where(
            BackOffice.merchant_id == merchant_id, col(Listing.external_sku).in_(skus), col(Listing.gone_at).is_(None)
        )
    )
    listed = {sku for sku in session.exec(by_list) if sku is not None}
    return set(session.exec(by_figure)) | listed


def match_waiting(engine: Engine, merchant_id: int) -> int:
    """Link what waited for an SKU that the authority has come to know; returns for how many SKUs of stores."""
    with engine.database.reading() as session:
        waiting = session.exec(
            select(Listing.connection_id, Listing.external_sku)
            .join(Connection, col(Connection.id) == col(Listing.connection_id))
            .where(
                Listing.merchant_id == merchant_id,
                Listing.match == Match.UNMATCHED,
                col(Listing.is_by_hand).is_(False),
                col(Listing.gone_at).is_(None),
                Connection.role == ConnectionRole.STORE,
                Connection.state != ConnectionState.DISCONNECTED,
            )
        ).all()
        known = known_skus(session, merchant_id, sorted({sku for _, sku in waiting if sku}))
    stores: dict[int, set[str]] = defaultdict(set)
    for connection_id, sku in waiting:
        if sku in known:
            stores[connection_id].add(sku or "")
    for connection_id, skus in stores.items():
        with engine.database.transaction() as session:
            rematch(session, session.get_one(Connection, connection_id), skus, engine.clock.now())
            wake(session)
        count_earlier_orders(engine, connection_id)
    return sum(len(skus) for skus in stores.values())


def _tell_duplicate(
    session: Session,
    connection: Connection,
    sku: str,
    group: Sequence[Listing],
    now: datetime,
    *,
    is_duplicate: bool,
) -> None:
    key = f"duplicate_sku:{connection.id}:{sku}"[:255]
    if not is_duplicate:
        resolve_issue(session, connection.merchant_id, key, by="syncd", now=now)
        return
    if all(listing.is_by_hand for listing in group):
        resolve_issue(session, connection.merchant_id, key, by="a person", now=now)
        return
    names = ", ".join(f"{listing.title} ({listing.external_id})" for listing in group)
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="duplicate_sku",
        key=key,
        title=f"{len(group)} products of {connection.name} have the SKU {sku}.",
        why=f"Which of them is meant cannot be told: {names}. None of them is kept right.",
        what_to_do="Give each its own SKU in the store, or choose: "
        f"`syncd match link --connection {connection.name} LISTING {sku}`.",
        connection_id=connection.id,
        sku=sku,
        details={"listings": [listing.external_id for listing in group]},
        now=now,
    )


# ------------------------------------------------------------------------------------------- by hand


def link(engine: Engine, connection_id: int, external_id: str, sku: str, *, actor: str) -> int:
    """Join a listing to an SKU that the authority knows; returns how many orders taken in before are counted now."""
    wanted = border.sku(sku)
    now = engine.clock.now()
    with engine.database.transaction() as session:
        connection, listing = _listing(session, connection_id, external_id)
        if wanted is None or wanted not in known_skus(session, connection.merchant_id, [wanted]):
            raise NotPossible(f"The back office knows no SKU {sku!r}. `syncd stock` lists what it knows.")
        _by_hand(session, connection, listing, Match.LINKED, wanted, now)
        _note(session, connection, listing, "match.link", actor, now, sku=wanted)
    return count_earlier_orders(engine, connection_id)


def unlink(engine: Engine, connection_id: int, external_id: str, *, actor: str) -> None:
    """Take a listing's SKU away: its number in the store stays as it is from now on."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        connection, listing = _listing(session, connection_id, external_id)
        _by_hand(session, connection, listing, Match.UNMATCHED if listing.external_sku else Match.NO_SKU, None, now)
        _note(session, connection, listing, "match.unlink", actor, now)


def ignore(engine: Engine, connection_id: int, external_id: str, *, actor: str) -> None:
    """Leave a listing alone: neither its stock nor its sales are counted from now on, and no issue is raised."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        connection, listing = _listing(session, connection_id, external_id)
        _by_hand(session, connection, listing, Match.IGNORED, None, now)
        resolve_unknown(session, connection, listing, actor, now)
        _note(session, connection, listing, "match.ignore", actor, now)


def _listing(session: Session, connection_id: int, external_id: str) -> tuple[Connection, Listing]:
    """A listing by its id in the store, or by an SKU that only one of them says. Raises NotPossible."""
    connection = session.get_one(Connection, connection_id)
    found = session.exec(
        select(Listing).where(
            Listing.connection_id == connection_id,
            col(Listing.gone_at).is_(None),
            or_(Listing.external_id == external_id, Listing.external_sku == external_id),
        )
    ).all()
    exact = [listing for listing in found if listing.external_id == external_id] or found
    if len(exact) == 1:
        return connection, exact[0]
    if not exact:
        raise NotPossible(f"{connection.name} has no listing {external_id!r}. `syncd match list` shows what it has.")
    ids = ", ".join(listing.external_id for listing in exact)
    raise NotPossible(f"{connection.name} has several listings that say {external_id!r}: name one of {ids}.")


def _by_hand(
    session: Session, connection: Connection, listing: Listing, match: Match, sku: str | None, now: datetime
) -> None:
    skus = {name for name in (sku, listing.sku, listing.external_sku) if name}
    lock_behind(session, connection.merchant_id, skus, [listing.stock_item_id])
    listing.is_by_hand = True
    set_match(session, connection, listing, match, sku, now)
    if listing.external_sku:
        rematch(session, connection, [listing.external_sku], now)
    wake(session)


def _note(
    session: Session, connection: Connection, listing: Listing, deed: str, actor: str, now: datetime, sku: str = ""
) -> None:
    details = {"listing": listing.external_id, "sku": sku}
    audit(session, connection.merchant_id, actor, deed, connection.name, details, now)
