"""Making products in a store: the intent is stored and committed, the store is called, its answer is stored.

A connector finds a SKU that is there before it makes one, so a call whose answer was lost is made again, once it cannot
happen late any more. New products are read like any that a store tells of (`catalogue.recheck_due`), matched by their
SKU, looked at, and stocked by an ordinary push.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, bindparam
from sqlmodel import Session, col, exists, or_, select

from connectors.sdk.contract import ItemMaker
from connectors.sdk.errors import ConnectorError, OutcomeUnknown, RefusalKind, Refused
from connectors.sdk.values import CreateOutcome, CreateResult, NewItem, NewItems
from schema.tables import Connection, Creation, CreationState, RunState, SyncRun
from syncd.domain import border
from syncd.domain.retry import full_jitter
from syncd.engine.context import Engine
from syncd.engine.creation import MAKES_IN, count_up
from syncd.engine.failures import note_failure, note_success
from syncd.engine.leases import Held, confirm
from syncd.engine.listing_checks import check_listing
from syncd.engine.new_products import OPEN
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)

AT_ONCE = timedelta(seconds=5)
"""How long one step makes products before pushes get their turn."""
MOST_ATTEMPTS = 5
NEVER_ANSWERED = "No answer came, several times. Look in the store whether the product is there; if so, it is matched."


def _is_due(session: Session, connection: Connection, now: datetime) -> bool:
    """Whether products are to be made in a store now."""
    if connection.state not in MAKES_IN:
        return False
    question = select(exists().where(*to_make()))
    return bool(session.exec(question, params={"store": connection.id, "now": now}).one())


def to_make() -> tuple[ColumnElement[bool], ...]:
    """What a product fulfils that is to be made in the store `:store` at the time `:now`."""
    ripe = or_(col(Creation.not_before).is_(None), col(Creation.not_before) <= bindparam("now"))
    return col(Creation.connection_id) == bindparam("store"), col(Creation.state).in_(OPEN), ripe


def create_due(engine: Engine, held: Held, connection_id: int) -> int:
    """Make products in one store for a few seconds; returns how many came to an end."""
    now = engine.clock.now()
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        if connection.not_before and connection.not_before > now:
            return 0
        if not _is_due(session, connection, now):
            return 0
    store = engine.connectors.store(engine, connection)
    if not isinstance(store, ItemMaker):
        _refuse_all(engine, connection, "No products can be made in this store from here.")
        return 0
    _take_over(engine, held, connection_id)
    done, until = 0, now + AT_ONCE
    while engine.clock.now() <= until:
        batch = _store_intent(engine, held, connection_id, store.traits.create_rows)
        if batch is None:
            break
        ended = _send(engine, connection, store, batch)
        done += ended or 0
        if ended is None:
            break
    return done


def _take_over(engine: Engine, held: Held, connection_id: int) -> None:
    """The hand before us is gone: what it sent without an answer is unknown. What was unknown long enough is wanted."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        rows = session.exec(
            select(Creation).where(
                Creation.connection_id == connection_id,
                col(Creation.state).in_((CreationState.SENT, CreationState.UNKNOWN)),
            )
        ).all()
        for row in rows:
            if row.state is CreationState.SENT and row.lease_token != held.token:
                _lose(engine, row, "syncd stopped before the answer came")
            if row.state is CreationState.UNKNOWN and row.not_before is not None and row.not_before <= now:
                _try_again(row, now)
        session.flush()
        for run in _runs(session, rows):
            count_up(session, run, now)


def _lose(engine: Engine, row: Creation, words: str) -> None:
    """Whether it was made is not known, and it may still be, until the quarantine is over."""
    push = engine.settings.push
    row.state, row.words = CreationState.UNKNOWN, border.text(words)
    row.not_before = (row.sent_at or engine.clock.now()) + push.begin_within + push.unknown_quarantine


def _try_again(row: Creation, now: datetime) -> None:
    """What could have happened late has happened by now. A connector looks for the SKU before it makes it again."""
    row.not_before = None
    if row.attempts < MOST_ATTEMPTS:
        row.state = CreationState.WANTED
    else:
        row.state, row.words, row.ended_at = CreationState.REFUSED, NEVER_ANSWERED, now


def _store_intent(engine: Engine, held: Held, connection_id: int, rows: int) -> NewItems | None:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        ends_at = confirm(session, held, now)
        ripe = or_(col(Creation.not_before).is_(None), col(Creation.not_before) <= now)
        wanted = session.exec(
            select(Creation)
            .where(Creation.connection_id == connection_id, Creation.state == CreationState.WANTED, ripe)
            .order_by(col(Creation.is_draft), col(Creation.id))
            .limit(max(1, rows))
            .with_for_update()
        ).all()
        taken = [row for row in wanted if row.is_draft == wanted[0].is_draft]
        if not taken:
            return None
        key = str(uuid.UUID(int=engine.random.getrandbits(128), version=4))
        for row in taken:
            row.state, row.key, row.lease_token = CreationState.SENT, key, held.token
            row.sent_at, row.not_before = now, None
            row.attempts += 1
        for run in _runs(session, taken):
            run.state = RunState.RUNNING if run.state is RunState.WANTED else run.state
        wake(session)
        items = tuple(NewItem(sku=row.sku, title=row.title, price=row.price, image_url=row.image_url) for row in taken)
        not_after = min(ends_at, now + engine.settings.push.begin_within)
        return NewItems(items=items, is_draft=taken[0].is_draft, key=key, not_after=not_after)


def _runs(session: Session, rows: Sequence[Creation]) -> Sequence[SyncRun]:
    ids = sorted({row.run_id for row in rows})
    return session.exec(
        select(SyncRun).where(col(SyncRun.id).in_(ids)).order_by(col(SyncRun.id)).with_for_update()
    ).all()


def _send(engine: Engine, connection: Connection, store: ItemMaker, batch: NewItems) -> int | None:
    """Call the store and store its answer; None when it is not to be called again now."""
    try:
        results = store.create_items(batch)
    except OutcomeUnknown as error:
        _record(engine, connection, batch, _all(batch, CreateOutcome.UNKNOWN, str(error)))
        return None
    except Refused as error:
        _record(engine, connection, batch, _all(batch, CreateOutcome.REFUSED, str(error)))
        if error.kind is RefusalKind.CONFIGURATION:
            _refuse_all(engine, connection, str(error))
        return None
    except ConnectorError as error:
        _put_back(engine, connection, batch)
        note_failure(engine, connection, error)
        return None
    except Exception:
        _record(
            engine, connection, batch, _all(batch, CreateOutcome.UNKNOWN, "the connector broke while it was making")
        )
        raise
    note_success(engine, connection)
    return _record(engine, connection, batch, results)


def _all(batch: NewItems, outcome: CreateOutcome, words: str) -> Mapping[str, CreateResult]:
    return {item.sku: CreateResult(outcome=outcome, words=words) for item in batch.items}


def _record(engine: Engine, connection: Connection, batch: NewItems, results: Mapping[str, CreateResult]) -> int:
    """Store each product's outcome; returns how many came to an end."""
    now = engine.clock.now()
    missing = CreateResult(outcome=CreateOutcome.UNKNOWN, words="the store's answer does not mention it")
    with engine.database.transaction() as session:
        sent = _sent(session, connection, batch)
        for row in sent:
            result = results.get(row.sku, missing)
            _conclude(engine, row, result, now)
            if result.item is not None:
                check_listing(session, connection.id or 0, result.item.external_id, due_at=now)
        session.flush()
        for run in _runs(session, sent):
            count_up(session, run, now)
        wake(session)
        return sum(row.ended_at is not None for row in sent)


def _put_back(engine: Engine, connection: Connection, batch: NewItems) -> None:
    """Nothing was done, and it is no product's fault: they wait until the store may be called again."""
    with engine.database.transaction() as session:
        for row in _sent(session, connection, batch):
            row.state = CreationState.WANTED
            row.attempts -= 1
        wake(session)


def _sent(session: Session, connection: Connection, batch: NewItems) -> Sequence[Creation]:
    """What of a batch still waits for its answer: the next hand may have declared it unknown."""
    return session.exec(
        select(Creation)
        .where(
            Creation.connection_id == connection.id,
            Creation.key == batch.key,
            Creation.state == CreationState.SENT,
        )
        .order_by(col(Creation.id))
        .with_for_update()
    ).all()


def _conclude(engine: Engine, row: Creation, result: CreateResult, now: datetime) -> None:
    row.words = border.text(result.words)
    if result.item is not None:
        row.external_id = result.item.external_id
    match result.outcome:
        case CreateOutcome.CREATED:
            row.state, row.ended_at = CreationState.MADE, now
        case CreateOutcome.EXISTS:
            row.state = CreationState.MADE if row.attempts > 1 else CreationState.FOUND
            row.ended_at = now
        case CreateOutcome.REFUSED:
            row.state, row.ended_at = CreationState.REFUSED, now
        case CreateOutcome.UNKNOWN:
            _lose(engine, row, result.words)
        case CreateOutcome.NOT_SENT if row.attempts >= MOST_ATTEMPTS:
            row.state, row.ended_at = CreationState.REFUSED, now
        case CreateOutcome.NOT_SENT:
            row.state = CreationState.WANTED
            row.not_before = now + timedelta(seconds=full_jitter(row.attempts, engine.random.random()))


def _refuse_all(engine: Engine, connection: Connection, words: str) -> None:
    """What is wrong with the connection is wrong for every product: none of the others need be tried."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        rows = session.exec(
            select(Creation)
            .where(Creation.connection_id == connection.id, Creation.state == CreationState.WANTED)
            .with_for_update()
        ).all()
        for row in rows:
            row.state, row.words, row.ended_at = CreationState.REFUSED, border.text(words), now
        session.flush()
        for run in _runs(session, rows):
            count_up(session, run, now)
        wake(session)
