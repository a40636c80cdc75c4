"""Asking that products be made in a store, and the run that tells how far it is.

What they will be is `new_products.py`; the steps are `creating.py`, taken by the hand of the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog
from sqlmodel import Session, col, func, select

from connectors.sdk.contract import ItemMaker
from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionState, Creation, CreationState, RunState, SyncRun
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.new_products import (
    OPEN,
    NewProduct,
    absent_skus,
    count_absent,
    count_in_work,
    count_priceless,
    new_products,
)
from syncd.engine.wake import wake
from syncd.errors import NotPossible, PluginMissing

log = structlog.get_logger(__name__)

KIND = "create"
MAKES_IN = (ConnectionState.SHADOW, ConnectionState.LIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a wish comes to: what is made, and what is left with the problem of each."""

    makes: tuple[NewProduct, ...]
    leaves: tuple[NewProduct, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A plan in figures, as drafts: `made` products of which `priceless` have no price, `in_work` left. `first` are
    the first of those that are made.
    """

    made: int
    priceless: int
    in_work: int
    first: tuple[NewProduct, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationView:
    """One product of a run. `state`: wanted, sent, unknown, made, found (it was there), refused, stopped."""

    sku: str
    title: str
    price: Decimal | None
    state: str
    words: str
    not_before: datetime | None


def can_create(engine: Engine, store: Connection) -> bool:
    """Whether products can be made in this store at all."""
    try:
        connector = engine.connectors.store(engine, store)
    except (ConnectorError, PluginMissing):
        return False
    return connector.traits.create_rows > 0 and isinstance(connector, ItemMaker)


def plan(session: Session, store: Connection, skus: Sequence[str] = (), *, is_draft: bool = True) -> Plan:
    """What making these SKUs would come to, or all that the store lacks if none is named. Raises NotPossible."""
    lacks = absent_skus(session, store)
    named = set(skus)
    if unknown := named.difference(lacks):
        those = ", ".join(sorted(unknown)[:5])
        raise NotPossible(f"{store.name} has {those} already, or the back office knows no such SKU.")
    found = new_products(session, store, [sku for sku in lacks if not named or sku in named], is_draft=is_draft)
    return Plan(
        makes=tuple(each for each in found if not each.problem), leaves=tuple(each for each in found if each.problem)
    )


def outline(session: Session, store: Connection, skus: Sequence[str], most: int) -> Outline:
    """The same in figures, with the first `most` products. Raises NotPossible."""
    if skus:
        chosen = plan(session, store, skus)
        return Outline(
            made=len(chosen.makes),
            priceless=sum(1 for product in chosen.makes if product.price is None),
            in_work=len(chosen.leaves),
            first=chosen.makes[:most],
        )
    in_work = count_in_work(session, store)
    shown = absent_skus(session, store, limit=most, without_work=True)
    return Outline(
        made=count_absent(session, store) - in_work,
        priceless=count_priceless(session, store),
        in_work=in_work,
        first=tuple(new_products(session, store, shown, is_draft=True)),
    )


def want(
    engine: Engine,
    connection_id: int,
    skus: Sequence[str] = (),
    *,
    is_draft: bool = True,
    with_images: bool = True,
    actor: str,
) -> int:
    """Ask that these SKUs, or all that a store lacks, be made products of it. Returns the run's id; NotPossible."""
    now = engine.clock.now()
    with engine.database.reading() as session:
        store = session.get_one(Connection, connection_id)
    if store.state not in MAKES_IN:
        raise NotPossible(f"{store.name} is {store.state.value}; no product is made there now.")
    if not can_create(engine, store):
        raise NotPossible(f"No products can be made in {store.name} from here. Take the file, and import it there.")
    with engine.database.transaction() as session:
        store = session.exec(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        wanted = plan(session, store, skus, is_draft=is_draft).makes
        if not wanted:
            raise NotPossible(f"There is nothing to make in {store.name}.")
        run = SyncRun(
            merchant_id=store.merchant_id,
            connection_id=connection_id,
            kind=KIND,
            cause=f"asked for by {actor}"[:200],
            state=RunState.WANTED,
            wants={"draft": is_draft, "images": with_images},
            total=len(wanted),
            started_at=now,
        )
        session.add(run)
        session.flush()
        session.add_all(_row(run, store, product, is_draft=is_draft, with_images=with_images) for product in wanted)
        details = {"run": run.id, "products": len(wanted), "draft": is_draft}
        audit(session, store.merchant_id, actor, "match.create", store.name, details, now)
        wake(session)
        return run.id or 0


def _row(run: SyncRun, store: Connection, product: NewProduct, *, is_draft: bool, with_images: bool) -> Creation:
    return Creation(
        connection_id=store.id or 0,
        run_id=run.id or 0,
        sku=product.sku,
        title=product.title,
        price=product.price,
        image_url=product.image_url if with_images else None,
        is_draft=is_draft,
        state=CreationState.WANTED,
    )


def stop(engine: Engine, merchant_id: int, run_id: int, *, actor: str) -> int:
    """Make nothing more of a run; returns how many are left out. What was sent already is still followed up."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        run = session.get(SyncRun, run_id)
        if run is None or run.merchant_id != merchant_id or run.kind != KIND:
            raise NotPossible(f"No products are being made by run {run_id}.")
        waiting = session.exec(
            select(Creation).where(Creation.run_id == run_id, Creation.state == CreationState.WANTED).with_for_update()
        ).all()
        for row in waiting:
            row.state, row.ended_at = CreationState.STOPPED, now
        session.flush()
        session.refresh(run, with_for_update=True)
        count_up(session, run, now)
        audit(session, merchant_id, actor, "match.create.stop", f"run {run_id}", {"left": len(waiting)}, now)
        wake(session)
    return len(waiting)


def leave_off(session: Session, connection_id: int, now: datetime) -> None:
    """The store is being left: nothing more is made in it, and what became of the last calls is not asked any more."""
    rows = session.exec(
        select(Creation)
        .where(Creation.connection_id == connection_id, col(Creation.state).in_(OPEN))
        .order_by(col(Creation.id))
        .with_for_update()
    ).all()
    for row in rows:
        if row.state is not CreationState.WANTED:
            row.words = "The store was disconnected before its answer came."
        row.state, row.ended_at = CreationState.STOPPED, now
    session.flush()
    for run_id in sorted({row.run_id for row in rows}):
        count_up(session, session.exec(select(SyncRun).where(SyncRun.id == run_id).with_for_update()).one(), now)


def count_up(session: Session, run: SyncRun, now: datetime) -> None:
    """Bring a run up to what its products came to; it ends with the last of them."""
    rows = session.exec(
        select(Creation.state, func.count()).where(Creation.run_id == run.id).group_by(col(Creation.state))
    ).all()
    counts: Mapping[CreationState, int] = {CreationState(state): count for state, count in rows}
    left = sum(counts.get(state, 0) for state in OPEN)
    run.counts = {state.value: count for state, count in counts.items() if state not in OPEN}
    run.done = (run.total or 0) - left
    if left or run.state in (RunState.DONE, RunState.FAILED):
        return
    refused = counts.get(CreationState.REFUSED, 0)
    run.state = RunState.FAILED if refused == run.total else RunState.DONE
    run.words = f"{refused} could not be made" if refused else ""
    run.ended_at = now
    log.info("products_made", run=run.id, **run.counts)


# ------------------------------------------------------------------------------------------- showing


def latest_run(session: Session, store: Connection) -> SyncRun | None:
    """The last run that made products in a store, or makes them now."""
    return session.exec(
        select(SyncRun)
        .where(SyncRun.connection_id == store.id, SyncRun.kind == KIND)
        .order_by(col(SyncRun.id).desc())
        .limit(1)
    ).first()


def creations(session: Session, run_id: int, states: Sequence[CreationState] = ()) -> list[CreationView]:
    """The products of a run; only those in some states if any are named."""
    query = select(Creation).where(Creation.run_id == run_id).order_by(col(Creation.sku))
    if states:
        query = query.where(col(Creation.state).in_(states))
    return [
        CreationView(
            sku=row.sku,
            title=row.title,
            price=row.price,
            state=row.state.value,
            words=row.words,
            not_before=row.not_before,
        )
        for row in session.exec(query)
    ]
