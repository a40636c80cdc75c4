"""Keeping a store's webhook subscriptions as they should be: made, verified, repaired, told."""

import structlog
from sqlmodel import select

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import WebhookReport, WebhookState
from schema.tables import Connection, ConnectionState
from syncd.engine.context import Engine
from syncd.engine.failures import note_failure
from syncd.engine.issues import raise_issue, resolve_issue
from syncd.engine.leases import Held, confirm

log = structlog.get_logger(__name__)

BROKEN = (WebhookState.MISSING, WebhookState.FAILED)


def address(engine: Engine, connection: Connection) -> str:
    """Where a store delivers to: under our public address, with the connection's unguessable id."""
    return (
        f"{engine.settings.web.public_url.rstrip('/')}/connections/webhook/{connection.platform}/{connection.public_id}"
    )


def check(engine: Engine, held: Held, connection_id: int) -> WebhookReport | None:
    """Compare and repair a store's subscriptions; None where there is no public address or nothing to speak to.

    After a repair the orders' cursor reaches back to the last delivery that came, for what was lost meanwhile.
    """
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
    speaks = connection.state in (ConnectionState.SHADOW, ConnectionState.LIVE, ConnectionState.PAUSED)
    if not engine.settings.web.public_url or not speaks:
        return None
    store = engine.connectors.store(engine, connection)
    try:
        report = store.check_webhooks(address(engine, connection), repair=True)
    except ConnectorError as error:
        note_failure(engine, connection, error)
        raise
    _store(engine, held, connection_id, report)
    return report


def _store(engine: Engine, held: Held, connection_id: int, report: WebhookReport) -> None:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        row = session.exec(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        is_first = row.webhooks_at is None
        row.webhooks_at = now
        row.webhook_report = {topic: state.value for topic, state in report.states.items()}
        mended = [topic for topic, state in report.states.items() if state is WebhookState.REPAIRED]
        if not is_first:
            mended += [topic for topic, state in report.states.items() if state is WebhookState.MADE]
        broken = [topic for topic, state in report.states.items() if state in BROKEN]
        if mended:
            log.warning("webhooks_repaired", connection=row.name, topics=mended)
        key = f"webhooks_broken:{row.id}"
        if not broken:
            resolve_issue(session, row.merchant_id, key, by="the hourly check", now=now)
            return
        raise_issue(
            session,
            merchant_id=row.merchant_id,
            kind="webhooks_broken",
            key=key,
            title=f"{row.name} does not tell us of its orders at once.",
            why="; ".join(f"{topic}: {report.words.get(topic, 'missing')}" for topic in broken),
            what_to_do="Its orders are still found by pulling, minutes later. Check the public address of syncd "
            f"(`syncd check`), then `syncd connections webhooks {row.name}`.",
            connection_id=row.id,
            now=now,
        )
