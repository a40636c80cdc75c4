"""Ending a connection to a store: its last orders, our webhooks, its key. What is connected again: `connect.py`."""

import structlog
from sqlmodel import select

from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionRole, ConnectionState, ListingCheck
from syncd.engine import creation, intake, items, pull, webhooks
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.desired import refresh_all
from syncd.engine.hands import store_hand
from syncd.engine.issues import resolve_issue
from syncd.engine.leases import Held
from syncd.engine.linking import forget_belief, let_go
from syncd.engine.people import notices
from syncd.engine.wake import wake
from syncd.errors import NotPossible, PluginMissing, VaultError

log = structlog.get_logger(__name__)

UNREACHABLE = (ConnectorError, PluginMissing, VaultError)
"""Why a store cannot be spoken to: it can be left all the same."""


def disconnect(engine: Engine, connection_id: int, *, actor: str) -> tuple[str, ...]:
    """Remove our webhooks, forget the key, publish nothing more; history is kept, and open orders count until they are
    recorded. Returns sentences about what could not be done.
    """
    with engine.database.reading() as session:
        row = session.get_one(Connection, connection_id)
    if row.role is ConnectionRole.BACKOFFICE:
        raise NotPossible(f"{row.name} is the back office. `syncd backoffice set` puts another one in its place.")
    if row.state is ConnectionState.DISCONNECTED:
        raise NotPossible(f"{row.name} is disconnected already.")
    with store_hand(engine, connection_id) as held:
        warnings = (*_pull_once_more(engine, held, row), *_remove_webhooks(engine, row))
        _forget(engine, connection_id, actor)
    engine.connectors.forget(connection_id)
    log.info("store_disconnected", connection=row.name)
    return warnings


def _pull_once_more(engine: Engine, held: Held, row: Connection) -> tuple[str, ...]:
    """What it sold while it was connected is ours; afterwards it is the merchant's."""
    if row.state not in pull.SPEAKS:
        return (_unread("it no longer accepts our key."),)
    try:
        pull.pull_orders(engine, held, row.id or 0)
        intake.reread_due(engine, row.id or 0)
    except UNREACHABLE as error:
        return (_unread(str(error)),)
    return ()


def _unread(why: str) -> str:
    return f"Its last orders could not be read; record by hand what syncd does not show: {why}"


def _remove_webhooks(engine: Engine, row: Connection) -> tuple[str, ...]:
    if not engine.settings.web.public_url:
        return ()
    try:
        engine.connectors.store(engine, row).remove_webhooks(webhooks.address(engine, row))
    except UNREACHABLE as error:
        return (f"Our webhooks could not be removed; delete them in {row.name} yourself: {error}",)
    return ()


def _forget(engine: Engine, connection_id: int, actor: str) -> None:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        row.state = ConnectionState.DISCONNECTED
        row.credentials = engine.keyring.seal({})
        row.failing_since = row.not_before = None
        for check in session.exec(select(ListingCheck).where(ListingCheck.connection_id == connection_id)):
            session.delete(check)
        for item in items.all_locked(session, connection_id):
            if item.held or item.is_kept or item.attempts:
                let_go(session, row, item, now)
            else:
                forget_belief(item)
        for kind in ("needs_auth", "webhooks_broken", "connection_refuses", "stuck:store"):
            resolve_issue(session, row.merchant_id, f"{kind}:{connection_id}", by=actor, now=now)
        creation.leave_off(session, connection_id, now)
        audit(session, row.merchant_id, actor, "connection.disconnect", row.name, {}, now)
        notices.tell_disconnected(session, engine, row, actor=actor, now=now)
        session.flush()
        refresh_all(session, row.merchant_id)
        wake(session)
