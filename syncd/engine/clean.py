"""Deleting what nobody needs any more, by the times of `[retention]`. Ledger, orders and sales are kept for ever.

Rows go in small portions, so that no webhook waits behind a long transaction.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlmodel import col

from schema.tables import (
    Connection,
    ConnectionState,
    Creation,
    Delivery,
    DeliveryState,
    Drift,
    FigureSeen,
    Invitation,
    Issue,
    IssueState,
    IssueTold,
    Lease,
    Mail,
    MailState,
    OAuthState,
    PasswordReset,
    Push,
    PushBatch,
    PushState,
    RunState,
    StockItem,
    SyncRun,
    WebSession,
)
from syncd.config import RetentionSettings
from syncd.engine.context import Engine

log = structlog.get_logger(__name__)

PORTION = 500
LEFTOVERS = timedelta(days=1)
"""How long a consent that was not finished and a lease of a process that is gone are left lying."""

Rule = tuple[type, Any, ColumnElement[bool]]


def clean(engine: Engine) -> int:
    """Delete what is too old; how many rows."""
    counts: dict[str, int] = {}
    for table, key, is_old in _rules(engine.clock.now(), engine.settings.retention):
        counts[table.__name__] = counts.get(table.__name__, 0) + _delete(engine, table, key, is_old)
    found = {name: rows for name, rows in counts.items() if rows}
    if found:
        log.info("cleaned", rows=found)
    return sum(found.values())


def _delete(engine: Engine, table: type, key: InstrumentedAttribute[Any], is_old: ColumnElement[bool]) -> int:
    count = 0
    while True:
        with engine.database.transaction() as session:
            portion = session.execute(select(key).where(is_old).limit(PORTION)).scalars().all()
            session.execute(delete(table).where(key.in_(portion)))
        count += len(portion)
        if len(portion) < PORTION:
            return count


def _rules(now: datetime, kept: RetentionSettings) -> Iterator[Rule]:
    """What is too old, in an order in which nothing still points to what goes."""
    done = col(Delivery.state).in_((DeliveryState.APPLIED, DeliveryState.IGNORED))
    yield Delivery, Delivery.id, and_(done, col(Delivery.received_at) < now - kept.deliveries)
    is_dead = col(Delivery.state) == DeliveryState.DEAD
    yield Delivery, Delivery.id, and_(is_dead, col(Delivery.received_at) < now - kept.dead_deliveries)
    yield Push, Push.id, _old_push(now - kept.runs)
    without_pushes = ~exists().where(col(Push.batch_id) == col(PushBatch.id))
    yield PushBatch, PushBatch.id, and_(without_pushes, col(PushBatch.intent_at) < now - kept.runs)
    yield Creation, Creation.id, col(Creation.ended_at) < now - kept.runs
    yield SyncRun, SyncRun.id, _old_run(now - kept.runs)
    yield Issue, Issue.id, and_(col(Issue.state) == IssueState.RESOLVED, col(Issue.resolved_at) < now - kept.issues)
    is_done = col(Mail.state) != MailState.WAITING
    still_told = exists().where(col(IssueTold.mail_id) == col(Mail.id))
    yield Mail, Mail.id, and_(is_done, ~still_told, col(Mail.created_at) < now - kept.runs)
    in_shadow = select(col(Connection.id)).where(col(Connection.state) == ConnectionState.SHADOW)
    watched = select(col(StockItem.id)).where(col(StockItem.connection_id).in_(in_shadow))
    is_over = col(FigureSeen.stock_item_id).not_in(watched)
    yield FigureSeen, FigureSeen.id, and_(is_over, col(FigureSeen.heard_at) < now - kept.runs)
    yield OAuthState, OAuthState.state, col(OAuthState.expires_at) < now - LEFTOVERS
    yield Lease, Lease.name, col(Lease.expires_at) < now - LEFTOVERS
    for table in (WebSession, PasswordReset, Invitation):
        yield table, table.id, col(table.expires_at) < now - LEFTOVERS


def _old_push(before: datetime) -> ColumnElement[bool]:
    """The last one of a figure stays: it says who set the number that is shown."""
    later = aliased(Push)
    return and_(
        col(Push.intent_at) < before,
        col(Push.state) != PushState.INTENT,
        exists().where(col(later.stock_item_id) == col(Push.stock_item_id), col(later.id) > col(Push.id)),
    )


def _old_run(before: datetime) -> ColumnElement[bool]:
    undoing = aliased(SyncRun)
    pointed_at = (
        exists().where(col(Push.run_id) == col(SyncRun.id)),
        exists().where(col(PushBatch.run_id) == col(SyncRun.id)),
        exists().where(col(Drift.run_id) == col(SyncRun.id)),
        exists().where(col(Creation.run_id) == col(SyncRun.id)),
        exists().where(col(undoing.undone_by) == col(SyncRun.id)),
    )
    return and_(
        col(SyncRun.state).in_((RunState.DONE, RunState.FAILED)),
        func.coalesce(col(SyncRun.ended_at), col(SyncRun.started_at)) < before,
        ~or_(*pointed_at),
    )
