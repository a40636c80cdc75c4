"""What the answer to a push changes: the push's row, the belief, and what a person is told."""

from datetime import datetime, timedelta

from sqlmodel import Session

from connectors.sdk.values import WriteOutcome, WriteResult
from schema.tables import Connection, Push, PushState, StockItem
from syncd.domain import border, drift, publish
from syncd.engine import items
from syncd.engine.context import Engine
from syncd.engine.issues import raise_issue
from syncd.engine.linking import end_refusal, refused_key
from syncd.engine.listing_checks import check_listings_of

LONGEST_WAIT = timedelta(hours=1)


def answered(
    engine: Engine,
    session: Session,
    push: Push,
    item: StockItem,
    result: WriteResult,
    *,
    compares: bool,
    platform_at: datetime,
    now: datetime,
) -> None:
    """Book one outcome, under the row's lock. `platform_at` is the platform's time of the answer."""
    push.words = border.text(result.words)
    push.answered_at = now
    match result.outcome:
        case WriteOutcome.WRITTEN:
            _written(push, item, compares=compares, platform_at=platform_at, now=now)
            end_refusal(session, item, now)
        case WriteOutcome.MISMATCH:
            push.state = PushState.REFUSED
            push.before = result.found
            state = publish.after_push_refused(items.belief(item), was_doubtful=push.is_doubtful)
            items.keep(item, state, look_at=now, reason="the store showed another number than we believed")
        case WriteOutcome.UNKNOWN:
            lost(engine, push, item, result.words, now)
        case WriteOutcome.NOT_SENT:
            push.state = PushState.NOT_SENT
        case WriteOutcome.GONE | WriteOutcome.UNTRACKED:
            push.state = PushState.NOT_SENT
            _check_listings(session, item, now)
        case WriteOutcome.REFUSED:
            push.state = PushState.NOT_SENT
            _refused(session, push, item, now)


def lost(engine: Engine, push: Push, item: StockItem, words: str, now: datetime) -> None:
    """No answer: nothing is concluded until the quarantine is over and a look has closed."""
    push.state = PushState.UNKNOWN
    push.words = border.text(words)
    push.answered_at = now
    settings = engine.settings.push
    until = push.intent_at + settings.begin_within + settings.unknown_quarantine
    state = publish.after_push_lost(items.belief(item), at=now)
    items.keep(item, state, look_at=now, reason="a push got no answer", unknown_until=until)


def _written(push: Push, item: StockItem, *, compares: bool, platform_at: datetime, now: datetime) -> None:
    push.state = PushState.ACKNOWLEDGED
    push.before = push.expected
    push.after = push.target
    if push.is_undo:
        undo = drift.UndoWrite(expected=push.expected, quantity=push.target)
        state = drift.after_undo_ok(
            items.belief(item), undo, moves_at_plan=push.moves, store_compares=compares, answered_at=platform_at
        )
    else:
        write = publish.PushWrite(expected=push.expected, quantity=push.target, full=push.difference)
        state = publish.after_push_ok(
            items.belief(item), write, moves_at_plan=push.moves, store_compares=compares, answered_at=platform_at
        )
    items.keep(item, state, look_at=now, reason="an order came in while we wrote")
    item.confirmed_at = now
    item.not_before = None


def _check_listings(session: Session, item: StockItem, now: datetime) -> None:
    """The store says that the figure is gone or no longer tracked: read its listings again before we believe it."""
    item.not_before = now + timedelta(minutes=1)
    check_listings_of(session, item, now)


def _refused(session: Session, push: Push, item: StockItem, now: datetime) -> None:
    item.attempts += 1
    item.not_before = now + min(LONGEST_WAIT, timedelta(seconds=15) * 2**item.attempts)
    connection = session.get_one(Connection, item.connection_id)
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="push_refused",
        key=refused_key(item),
        title=f"{connection.name} did not take the number of {push.sku}.",
        why=push.words,
        what_to_do="Look at the product in the store; syncd tries again by itself.",
        connection_id=connection.id,
        sku=push.sku,
        now=now,
    )
