"""A forced sync: the same steps as the schedule, now, for what somebody asked for.

`want` writes the wish, whoever begins it (`runs.begin_wanted`) takes the steps under the leases that the daemon's loops
take: record what is owed, read the back office, then for each store pull, compare, look, push. A dry run reads only and
says what would be pushed.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionRole, ConnectionState, Listing, Match, RunState, StockItem, SyncRun
from syncd.domain import publish
from syncd.domain.observed import mark_for_look
from syncd.engine import catalogue, causes, intake, items, look, match, poll, pull, push, reconcile, record
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.hands import backoffice_hand, reading_hand, store_hand
from syncd.engine.wake import wake
from syncd.errors import LeaseLost, NotPossible

log = structlog.get_logger(__name__)

KIND = "sync"
SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE)
MOST_ROUNDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldPush:
    """A number that a dry run would have set."""

    connection: str
    sku: str
    before: int
    after: int
    reason: str


# ------------------------------------------------------------------------------------------- asking


def want(
    engine: Engine,
    merchant_id: int,
    *,
    connection_ids: Sequence[int] = (),
    skus: Sequence[str] = (),
    full: bool = False,
    dry_run: bool = False,
    actor: str,
) -> int:
    """Ask for a sync of these stores and SKUs, or of all; `full` reads whole catalogues too. Returns the run's id."""
    now = engine.clock.now()
    wants = {"connections": list(connection_ids), "skus": list(skus), "full": full}
    with engine.database.transaction() as session:
        if skus and (unknown := set(skus) - match.known_skus(session, merchant_id, list(skus))):
            raise NotPossible(f"The back office knows no SKU {', '.join(sorted(unknown))}.")
        run = SyncRun(
            merchant_id=merchant_id,
            connection_id=connection_ids[0] if len(connection_ids) == 1 else None,
            kind=KIND,
            cause=f"asked for by {actor}",
            state=RunState.WANTED,
            is_dry=dry_run,
            wants=wants,
            started_at=now,
        )
        session.add(run)
        session.flush()
        audit(session, merchant_id, actor, "sync", f"run {run.id}", {**wants, "dry_run": dry_run}, now)
        wake(session)
        return run.id or 0


# ------------------------------------------------------------------------------------------- the steps


@dataclass(slots=True)
class _Run:
    """A run as it goes: what it wants, how far it is, what failed."""

    engine: Engine
    run_id: int
    merchant_id: int
    skus: list[str]
    is_full: bool
    is_dry: bool
    counts: dict[str, int]
    failures: list[str]

    def attempt(self, name: str, step: Callable[[], None]) -> None:
        """Take one step; a platform that fails ends the step, not the run."""
        try:
            step()
        except (ConnectorError, NotPossible, LeaseLost) as error:
            self.failures.append(f"{name}: {error}")
        with self.engine.database.transaction() as session:
            session.get_one(SyncRun, self.run_id).done += 1
            wake(session)

    def add(self, name: str, count: int) -> None:
        """Count what a step did."""
        self.counts[name] = self.counts.get(name, 0) + count


def take_steps(engine: Engine, run_id: int) -> None:
    """Take every step of a run, whose row tells how far it is and, at its end, what came of it."""
    with engine.database.transaction() as session:
        row = session.get_one(SyncRun, run_id)
        stores = _stores(session, row)
        row.total = 3 + 2 * len(stores)
        run = _Run(
            engine=engine,
            run_id=run_id,
            merchant_id=row.merchant_id,
            skus=list(row.wants.get("skus", [])),
            is_full=bool(row.wants.get("full")),
            is_dry=row.is_dry,
            counts={},
            failures=[],
        )
    run.attempt("the back office", lambda: _record(run))
    run.attempt("the back office", lambda: _read_authority(run))
    for store in stores:
        run.attempt(store.name, partial(_pull, run, store))
    run.attempt("the back office", lambda: _record(run))
    for store in stores:
        run.attempt(store.name, partial(_push_and_look, run, store))
    _end(run, stores)


def _stores(session: Session, row: SyncRun) -> Sequence[Connection]:
    query = select(Connection).where(
        Connection.merchant_id == row.merchant_id,
        Connection.role == ConnectionRole.STORE,
        col(Connection.state).in_(SPEAKS),
    )
    if row.wants.get("connections"):
        query = query.where(col(Connection.id).in_(row.wants["connections"]))
    return session.exec(query.order_by(col(Connection.name))).all()


def _read_authority(run: _Run) -> None:
    with reading_hand(run.engine, run.merchant_id) as held:
        read = poll.catalogue if run.is_full else poll.sweep
        polled = read(run.engine, held, run.merchant_id)
    if polled.failure:
        run.failures.append(f"the back office: {polled.failure}")
    if polled.is_held:
        run.failures.append("the back office: its reading is held, `syncd issues list` says why")
    run.add("matched", match.match_waiting(run.engine, run.merchant_id))


def _record(run: _Run) -> None:
    if run.is_dry:
        return
    with backoffice_hand(run.engine, run.merchant_id) as held:
        run.add("recorded", record.record_due(run.engine, held, run.merchant_id))


def _pull(run: _Run, store: Connection) -> None:
    """What the store has to tell: deliveries that wait, orders, and of a full run its products."""
    engine, connection_id = run.engine, store.id or 0
    intake.apply_new(engine)
    with store_hand(engine, connection_id) as held:
        if run.is_full:
            catalogue.refresh(engine, held, connection_id)
        run.add("orders", pull.pull_orders(engine, held, connection_id))
        intake.reread_due(engine, connection_id)


def _push_and_look(run: _Run, store: Connection) -> None:
    """Compare, or look at the SKUs that were named, then push and look until nothing more can be done now; what has to
    settle first is the daemon's.
    """
    if run.is_dry or store.state is not ConnectionState.LIVE:
        return
    engine, connection_id = run.engine, store.id or 0
    with store_hand(engine, connection_id) as held:
        if run.skus:
            _ask_for_looks(run, store)
        else:
            run.add("differ", reconcile.reconcile(engine, held, connection_id, "a forced sync").get("differ", 0))
        for _ in range(MOST_ROUNDS):
            looked = look.look_due(engine, held, connection_id)
            pushed = push.push_owed(engine, held, connection_id)
            run.add("looked", looked)
            run.add("pushed", pushed)
            if not looked and not pushed:
                return


def _ask_for_looks(run: _Run, store: Connection) -> None:
    now = run.engine.clock.now()
    with run.engine.database.transaction() as session:
        ids = session.exec(
            select(Listing.stock_item_id).where(
                Listing.connection_id == store.id, col(Listing.sku).in_(run.skus), col(Listing.gone_at).is_(None)
            )
        ).all()
        for item in lock_items(session, ids):
            items.keep(item, mark_for_look(items.belief(item)), look_at=now, reason="somebody asked for it")


def _end(run: _Run, stores: Sequence[Connection]) -> None:
    now = run.engine.clock.now()
    with run.engine.database.transaction() as session:
        row = session.get_one(SyncRun, run.run_id)
        row.counts = dict(run.counts)
        if run.is_dry:
            row.counts = {**row.counts, "would_push": [asdict(each) for each in _would_push(session, run, stores)]}
        row.state = RunState.FAILED if run.failures else RunState.DONE
        row.words = "; ".join(run.failures)
        row.total = row.done
        row.ended_at = now
        wake(session)
    log.info("run_ended", run=run.run_id, failures=len(run.failures), **run.counts)


def _would_push(session: Session, run: _Run, stores: Sequence[Connection]) -> list[WouldPush]:
    would: list[WouldPush] = []
    for store in stores:
        owed = session.exec(
            select(StockItem, Listing.sku)
            .join(Listing, col(Listing.stock_item_id) == col(StockItem.id))
            .where(
                StockItem.connection_id == store.id,
                Listing.match == Match.LINKED,
                col(StockItem.desired) != col(StockItem.observed),
            )
            .order_by(col(Listing.sku))
        ).all()
        wanted = [(item, sku or "") for item, sku in owed if not run.skus or sku in run.skus]
        labels = causes.labels(session, store, [item.id or 0 for item, _ in wanted])
        for item, sku in wanted:
            plan = publish.plan_push(items.belief(item), item.desired)
            if plan is not None and store.state is ConnectionState.LIVE:
                cause = labels.get(item.id or 0, causes.Label()).cause
                would.append(
                    WouldPush(connection=store.name, sku=sku, before=plan.observed, after=plan.desired, reason=cause)
                )
    return would
