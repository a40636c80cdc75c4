"""Connecting a store: asked who it is, kept with its secrets sealed, told where to deliver, and its products read.

A new store is in shadow, and so is one that was connected before: it takes up its old connection. By the platform's own
page: `consents.py`. The back office: `backoffice.py`. What is done to a connection later: `connections.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlmodel import Session, col, select, update

from connectors.sdk.contract import Role
from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import AccountInfo
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    Location,
    Merchant,
    Order,
    PoolLocation,
    RecordPolicy,
)
from syncd.engine import accounts, catalogue, golive, pull, webhooks
from syncd.engine.audit import audit
from syncd.engine.catalogue import Progress, no_progress
from syncd.engine.context import Engine
from syncd.engine.desired import refresh_all
from syncd.engine.failures import regained_access
from syncd.engine.hands import store_hand
from syncd.engine.leases import Held
from syncd.engine.locations import places_of
from syncd.engine.vault import new_token
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRequest:
    """What a person wants connected. `settings` are not secret; `locations` are the back office's, by id or name (none:
    the default one); `record` is `paid` or `placed` (None: as before where it was connected before, else `paid`);
    `live`: go live at once; `reconnects`: the connection that only gets a new key.
    """

    merchant_id: int
    platform: str
    settings: Mapping[str, str]
    name: str = ""
    locations: Sequence[str] = ()
    record: str | None = None
    starting_point: str = "backoffice"
    live: bool = False
    actor: str = ""
    reconnects: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A connection as it was made: what its catalogue came to, and sentences for the person who connected it."""

    connection_id: int
    name: str
    listings: int
    warnings: tuple[str, ...]
    is_live: bool = False


def connect_store(
    engine: Engine, wanted: StoreRequest, credentials: Mapping[str, str], progress: Progress = no_progress
) -> Connected:
    """Connect a store; in shadow unless it is wanted live. Raises NotPossible and ConnectorError, and then nothing is
    kept; what fails after the store is known is a warning.
    """
    with engine.database.reading() as session:
        require_authority(session, wanted.merchant_id)
    probed = accounts.probe(engine, Role.STORE, wanted.platform, wanted.settings, credentials)
    settings = accounts.choose_store_location(probed, wanted.platform)
    connection_id, name = _keep(engine, wanted, probed, settings)
    with store_hand(engine, connection_id) as held:
        listings, warnings = _first_steps(engine, held, connection_id, progress)
        is_live = wanted.live and listings is not None
        if is_live:
            golive.go_live(engine, held, connection_id, actor=wanted.actor)
    log.info("store_connected", connection=name, platform=wanted.platform, listings=listings)
    return Connected(
        connection_id=connection_id,
        name=name,
        listings=listings or 0,
        warnings=(*probed.info.warnings, *_currency_warning(engine, wanted, probed.info), *warnings),
        is_live=is_live,
    )


def require_authority(session: Session, merchant_id: int) -> None:
    """Raise NotPossible where nobody has been named who knows what is on the shelf."""
    if session.get(BackOffice, merchant_id) is None:
        raise NotPossible(
            "Say first who knows what is on the shelf: `syncd backoffice set PLATFORM …`, "
            "or `syncd backoffice set ledger` where there is no back office."
        )


def _keep(
    engine: Engine, wanted: StoreRequest, probed: accounts.Probed, settings: Mapping[str, str]
) -> tuple[int, str]:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        accounts.refuse_twice(session, wanted.merchant_id, wanted.platform, probed.info.account_id)
        earlier = accounts.disconnected(session, wanted.merchant_id, wanted.platform, probed.info.account_id)
        if earlier is not None:
            _take_up(engine, session, wanted, earlier, probed, settings)
            return earlier.id or 0, earlier.name
        name = accounts.free_name(session, wanted.merchant_id, wanted.name, probed.info.name, now)
        connection = Connection(
            merchant_id=wanted.merchant_id,
            name=name,
            code=accounts.free_code(session, name),
            public_id=new_token(),
            platform=wanted.platform,
            role=ConnectionRole.STORE,
            state=ConnectionState.SHADOW,
            record=RecordPolicy(wanted.record or RecordPolicy.PAID),
            account_id=probed.info.account_id,
            currency=probed.info.currency,
            settings=dict(settings),
            credentials=engine.keyring.seal(probed.credentials),
            starting_point=wanted.starting_point,
            created_at=now,
        )
        session.add(connection)
        session.flush()
        set_pool(session, connection, wanted.locations)
        audit(session, wanted.merchant_id, wanted.actor, "connect", name, {"platform": wanted.platform}, now)
        return connection.id or 0, name


def _take_up(
    engine: Engine,
    session: Session,
    wanted: StoreRequest,
    row: Connection,
    probed: accounts.Probed,
    settings: Mapping[str, str],
) -> None:
    """The same store again: its products, matches and orders go on where they were, and going live is a T0 anew.

    What counted while it was live stays ours, whatever its dates will say then; unpaid orders are judged anew.
    """
    now = engine.clock.now()
    if row.live_at is not None:
        _keep_what_was_live(session, row)
    row.name = accounts.free_name(session, row.merchant_id, wanted.name, accounts.plain_name(row.name), now)
    row.state, row.live_at, row.live_since = ConnectionState.SHADOW, None, None
    row.record = RecordPolicy(wanted.record or row.record)
    row.currency = probed.info.currency
    row.settings = dict(settings)
    row.credentials = engine.keyring.seal(probed.credentials)
    row.starting_point = wanted.starting_point
    row.catalogue_at = row.webhooks_at = row.reconciled_at = row.pulled_at = None
    row.webhook_report = {}
    regained_access(session, row, now)
    session.flush()
    if wanted.locations or not _sells_from_somewhere(session, row):
        set_pool(session, row, wanted.locations)
    details = {"platform": wanted.platform, "again": True}
    audit(session, wanted.merchant_id, wanted.actor, "connect", row.name, details, now)
    refresh_all(session, row.merchant_id)


def _keep_what_was_live(session: Session, row: Connection) -> None:
    """Orders that were ours to record before the store was disconnected are so still."""
    ours = [
        col(Order.connection_id) == row.id,
        col(Order.version).is_not(None),
        col(Order.is_baseline).is_(False),
        col(Order.is_test).is_(False),
    ]
    if row.record is RecordPolicy.PAID:
        ours.append(col(Order.is_paid).is_(True))
    session.exec(update(Order).where(*ours).values(is_wanted=True))


def _sells_from_somewhere(session: Session, row: Connection) -> bool:
    pool = select(PoolLocation.location_id).join(Location, col(Location.id) == col(PoolLocation.location_id))
    active = pool.where(PoolLocation.connection_id == row.id, col(Location.is_active).is_(True))
    return session.exec(active.limit(1)).first() is not None


def set_pool(session: Session, connection: Connection, wanted: Sequence[str]) -> None:
    """Have a store sell from these locations, by id or name, the first one first; from the default one if none is
    named. Raises NotPossible for one that there is not.
    """
    for row in session.exec(select(PoolLocation).where(PoolLocation.connection_id == connection.id)):
        session.delete(row)
    session.flush()
    for position, place in enumerate(_pool(session, connection.merchant_id, wanted)):
        session.add(PoolLocation(connection_id=connection.id or 0, location_id=place.id or 0, position=position))
    session.flush()


def _pool(session: Session, merchant_id: int, wanted: Sequence[str]) -> list[Location]:
    if wanted:
        return places_of(session, merchant_id, wanted)
    default = session.exec(select(Location).where(Location.merchant_id == merchant_id, Location.is_default)).first()
    if default is None:
        raise NotPossible("No location is set. Name one with --location, or set the back office again.")
    return [default]


def _first_steps(
    engine: Engine, held: Held, connection_id: int, progress: Progress
) -> tuple[int | None, tuple[str, ...]]:
    """Subscribe to webhooks and read the catalogue; returns how many listings were read, None where that failed.

    What fails is told, and tried again by the daemon.
    """
    warnings = []
    try:
        if webhooks.check(engine, held, connection_id) is None:
            warnings.append("web.public_url is not set, so the store cannot tell us of its sales: they are pulled.")
    except ConnectorError as error:
        warnings.append(f"It does not tell us of its sales yet, so they are pulled: {error}")
    try:
        return catalogue.refresh(engine, held, connection_id, progress).read, tuple(warnings)
    except ConnectorError as error:
        warnings.append(f"Its products could not be read yet: {error}")
    return None, tuple(warnings)


def _currency_warning(engine: Engine, wanted: StoreRequest, info: AccountInfo) -> tuple[str, ...]:
    with engine.database.reading() as session:
        currency = session.get_one(Merchant, wanted.merchant_id).currency
    if not currency or not info.currency or currency == info.currency:
        return ()
    return (f"It sells in {info.currency}, the back office counts in {currency}: its sales wait for a person.",)


# ------------------------------------------------------------------------------------------- again


def reconnect(engine: Engine, connection_id: int, credentials: Mapping[str, str], *, actor: str) -> None:
    """Give a connection new credentials and take up again where it stopped: its orders are pulled, its figures are
    compared by the daemon. Raises NotPossible where they belong to another account or the connection was ended,
    ConnectorError where they fail.
    """
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        _refuse_ended(connection)
    role = Role(connection.role.value)
    settings = {name: str(value) for name, value in connection.settings.items()}
    probed = accounts.probe(engine, role, connection.platform, settings, credentials)
    if probed.info.account_id != connection.account_id:
        raise NotPossible(
            f"These credentials are {probed.info.name}'s ({probed.info.account_id}), but {connection.name} is "
            f"{connection.account_id}. Nothing was changed."
        )
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        _refuse_ended(row)
        row.credentials = engine.keyring.seal(probed.credentials)
        row.settings = {**row.settings, **probed.info.settings}
        row.catalogue_at = row.webhooks_at = row.reconciled_at = None
        if row.state is not ConnectionState.PAUSED:
            regained_access(session, row, now)
        audit(session, row.merchant_id, actor, "reconnect", row.name, {}, now)
        wake(session)
    if connection.role is ConnectionRole.STORE:
        with store_hand(engine, connection_id) as held:
            _first_steps(engine, held, connection_id, no_progress)
            pull.pull_orders(engine, held, connection_id)


def _refuse_ended(row: Connection) -> None:
    """A key is not enough: what it shows and sold since is not known any more, so it begins in shadow."""
    if row.state is ConnectionState.DISCONNECTED:
        begins = "Set it as the back office" if row.role is ConnectionRole.BACKOFFICE else "Connect it"
        raise NotPossible(f"{row.name} was disconnected. {begins} again; what syncd knows of it is taken up.")
