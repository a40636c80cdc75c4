"""What is done to a connection after it was made: shown, set, paused, resumed, tested.

Making one is `connect.py`, going live `golive.py`, ending it `leaving.py`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.contract import Role
from connectors.sdk.values import AccountInfo, WebhookReport
from schema.tables import (
    Connection,
    ConnectionRole,
    ConnectionState,
    Location,
    Order,
    PoolLocation,
    RecordPolicy,
)
from syncd.engine import accounts, catalogue, items, pull, webhooks
from syncd.engine.audit import audit
from syncd.engine.connect import set_pool
from syncd.engine.context import Engine
from syncd.engine.desired import refresh_all
from syncd.engine.hands import store_hand
from syncd.engine.linking import forget_belief
from syncd.engine.store_places import ask_places
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """A connection as people see it; nothing secret. Times are ours, but `live_at`, which is the platform's."""

    id: int
    name: str
    platform: str
    role: str
    state: str
    code: str
    account: str
    record: str
    currency: str
    locations: tuple[str, ...]
    settings: Mapping[str, str]
    live_at: datetime | None
    pulled_at: datetime | None
    catalogue_at: datetime | None
    reconciled_at: datetime | None
    webhooks_at: datetime | None
    webhooks: Mapping[str, str]
    last_delivery_at: datetime | None
    failing_since: datetime | None
    failure: str


def list_connections(session: Session, merchant_id: int, *, all_of_them: bool = False) -> list[ConnectionView]:
    """A merchant's connections by name; the disconnected ones only if `all_of_them`."""
    rows = session.exec(
        select(Connection).where(Connection.merchant_id == merchant_id).order_by(col(Connection.name))
    ).all()
    return _views(session, [row for row in rows if all_of_them or row.state is not ConnectionState.DISCONNECTED])


def view(session: Session, row: Connection) -> ConnectionView:
    """One connection."""
    return _views(session, [row])[0]


def _views(session: Session, rows: Sequence[Connection]) -> list[ConnectionView]:
    places: dict[int, list[str]] = defaultdict(list)
    pools = session.exec(
        select(PoolLocation.connection_id, Location.external_id)
        .join(Location, col(Location.id) == col(PoolLocation.location_id))
        .where(col(PoolLocation.connection_id).in_([row.id for row in rows]))
        .order_by(col(PoolLocation.position))
    )
    for connection_id, place in pools:
        places[connection_id].append(place)
    return [_view(row, places[row.id or 0]) for row in rows]


def _view(row: Connection, places: Sequence[str]) -> ConnectionView:
    return ConnectionView(
        id=row.id or 0,
        name=row.name,
        platform=row.platform,
        role=row.role.value,
        state=row.state.value,
        code=row.code,
        account=row.account_id,
        record=row.record.value,
        currency=row.currency,
        locations=tuple(places),
        settings={name: str(value) for name, value in row.settings.items()},
        live_at=row.live_at,
        pulled_at=row.pulled_at,
        catalogue_at=row.catalogue_at,
        reconciled_at=row.reconciled_at,
        webhooks_at=row.webhooks_at,
        webhooks={name: str(value) for name, value in row.webhook_report.items()},
        last_delivery_at=row.last_delivery_at,
        failing_since=row.failing_since,
        failure=row.failure,
    )


def find(session: Session, merchant_id: int, name: str) -> Connection:
    """A connection by its code or its name, or by its platform where it is the only one there.

    Raises NotPossible that names those there are.
    """
    rows = session.exec(
        select(Connection).where(Connection.merchant_id == merchant_id).order_by(col(Connection.name))
    ).all()
    present = [row for row in rows if row.state is not ConnectionState.DISCONNECTED]
    for candidates in (present, rows):
        exactly = [row for row in candidates if row.code == name] or [row for row in candidates if row.name == name]
        if exactly:
            return exactly[0]
    named_so = [row for row in present if row.name.casefold() == name.casefold()]
    for loosely in (named_so, [row for row in present if row.platform == name]):
        if len(loosely) == 1:
            return loosely[0]
    raise NotPossible(
        f"There is no connection {name!r}. There are: {', '.join(r.name for r in present) or 'none yet'}."
    )


# ------------------------------------------------------------------------------------------- changing


def change(
    engine: Engine,
    connection_id: int,
    *,
    name: str | None = None,
    locations: Sequence[str] = (),
    record: str | None = None,
    store_location: str | None = None,
    actor: str,
) -> None:
    """Rename a store, or set the locations it sells from, when its orders are recorded, or its own location.

    Raises NotPossible, and ConnectorError where its own locations cannot be read.
    """
    settings = None if store_location is None else _at_location(engine, connection_id, store_location)
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = _locked(session, connection_id)
        if name is not None and name != row.name:
            row.name = accounts.free_name(session, row.merchant_id, name, name, now)
        if locations:
            set_pool(session, row, locations)
        if record is not None and RecordPolicy(record) is not row.record:
            row.record = RecordPolicy(record)
            _ask_what_is_owed(session, row)
        if settings is not None:
            row.settings = settings
            _forget_figures(session, connection_id)
        details = {"name": name, "locations": list(locations), "record": record, "store_location": store_location}
        told = {key: value for key, value in details.items() if value}
        audit(session, row.merchant_id, actor, "connection.set", row.name, told, now)
        session.flush()
        refresh_all(session, row.merchant_id)
        wake(session)
    if settings is not None:
        with store_hand(engine, connection_id) as held:
            catalogue.refresh(engine, held, connection_id)


def _at_location(engine: Engine, connection_id: int, store_location: str) -> dict[str, object]:
    with engine.database.reading() as session:
        row = session.get_one(Connection, connection_id)
    info = ask_places(engine, connection_id)
    settings = {name: str(value) for name, value in row.settings.items()}
    probed = accounts.Probed(info=info, settings={**settings, accounts.LOCATION: store_location}, credentials={})
    return dict(accounts.choose_store_location(probed, row.platform))


def _forget_figures(session: Session, connection_id: int) -> None:
    """At another location the store shows other numbers."""
    for item in items.all_locked(session, connection_id):
        forget_belief(item)


def _ask_what_is_owed(session: Session, connection: Connection) -> None:
    """Another policy may owe other orders; the recording step finds out which."""
    if connection.live_at is None:
        return
    orders = select(Order).where(
        Order.connection_id == connection.id, col(Order.is_baseline).is_(False), col(Order.version).is_not(None)
    )
    for order in session.exec(orders.order_by(col(Order.id)).with_for_update()):
        order.is_owed = True


def _locked(session: Session, connection_id: int) -> Connection:
    return session.exec(select(Connection).where(Connection.id == connection_id).with_for_update()).one()


# ------------------------------------------------------------------------------------------- pausing


def pause(engine: Engine, connection_id: int, *, actor: str) -> None:
    """Push nothing and record nothing more until it is resumed; what it sells is still taken in."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = _locked(session, connection_id)
        if row.state not in (ConnectionState.SHADOW, ConnectionState.LIVE):
            raise NotPossible(
                f"{row.name} is {row.state.value}; only a connection that is live or in shadow is paused."
            )
        row.state = ConnectionState.PAUSED
        audit(session, row.merchant_id, actor, "connection.pause", row.name, {}, now)
        wake(session)


def resume(engine: Engine, connection_id: int, *, actor: str) -> None:
    """Go on. A store's orders are pulled first, so that nothing is pushed over a sale that we have not heard of."""
    with engine.database.reading() as session:
        row = session.get_one(Connection, connection_id)
    if row.state is not ConnectionState.PAUSED:
        raise NotPossible(f"{row.name} is {row.state.value}, not paused.")
    if row.role is ConnectionRole.STORE:
        with store_hand(engine, connection_id) as held:
            pull.pull_orders(engine, held, connection_id)
            _resumed(engine, connection_id, actor)
    else:
        _resumed(engine, connection_id, actor)


def _resumed(engine: Engine, connection_id: int, actor: str) -> None:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = _locked(session, connection_id)
        if row.state is not ConnectionState.PAUSED:
            return
        row.state = ConnectionState.LIVE if row.live_at else ConnectionState.SHADOW
        row.reconciled_at = None
        audit(session, row.merchant_id, actor, "connection.resume", row.name, {}, now)
        wake(session)


# ------------------------------------------------------------------------------------------- testing


def test(engine: Engine, connection_id: int) -> AccountInfo:
    """Ask the platform who we are, by the stored credentials. Raises ConnectorError."""
    with engine.database.reading() as session:
        row = session.get_one(Connection, connection_id)
    if row.state is ConnectionState.DISCONNECTED:
        raise NotPossible(f"{row.name} is disconnected; its key was forgotten.")
    if row.role.value == Role.STORE.value:
        return engine.connectors.store(engine, row).probe()
    return engine.connectors.backoffice(engine, row).probe()


def check_webhooks(engine: Engine, connection_id: int) -> WebhookReport:
    """Compare and mend a store's subscriptions now. Raises NotPossible where there are none to be had."""
    with store_hand(engine, connection_id) as held:
        report = webhooks.check(engine, held, connection_id)
    if report is None:
        raise NotPossible("There is no public address for the store to call: set web.public_url.")
    return report
