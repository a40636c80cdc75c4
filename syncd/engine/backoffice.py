"""Setting who knows what is on the shelf: a back office connection, or syncd's own ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, select

from connectors.sdk.contract import Role
from connectors.sdk.values import Location as ToldLocation
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    Location,
    Merchant,
)
from syncd.engine import accounts, poll
from syncd.engine.audit import audit
from syncd.engine.authority import LEDGER, back_office
from syncd.engine.change_over import change_over
from syncd.engine.context import Engine
from syncd.engine.desired import refresh_all
from syncd.engine.failures import regained_access
from syncd.engine.hands import reading_hand
from syncd.engine.locations import store_locations
from syncd.engine.match import match_waiting
from syncd.engine.vault import new_token
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)

OWN_PLACE = ToldLocation(location_id="main", name="Main")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoritySet:
    """The authority as it was set; `connection_id` None is syncd's own ledger."""

    connection_id: int | None
    name: str
    location: str
    warnings: tuple[str, ...] = ()


def set_ledger(engine: Engine, merchant_id: int, *, location: str | None = None, actor: str) -> AuthoritySet:
    """Make syncd's own ledger the authority, with one location unless there are some. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        settings = back_office(session, merchant_id, lock=True)
        if settings.connection_id is not None:
            change_over(session, settings, now)
        place = store_locations(session, merchant_id, _own_places(session, merchant_id, location), location)
        settings.connection_id = None
        audit(session, merchant_id, actor, "backoffice.set", LEDGER, {"location": place.external_id}, now)
        refresh_all(session, merchant_id)
        wake(session)
        return AuthoritySet(connection_id=None, name=LEDGER, location=place.external_id)


def _own_places(session: Session, merchant_id: int, wanted: str | None) -> list[ToldLocation]:
    """The locations that there are, with what lies there; one more where another one is wanted, one where none is."""
    known = session.exec(select(Location).where(Location.merchant_id == merchant_id, Location.is_active)).all()
    places = [ToldLocation(location_id=place.external_id, name=place.name) for place in known]
    if wanted and not any(wanted in (place.location_id, place.name) for place in places):
        places.append(ToldLocation(location_id=wanted, name=wanted))
    return places or [OWN_PLACE]


def connect_backoffice(
    engine: Engine,
    merchant_id: int,
    platform: str,
    settings: Mapping[str, str],
    credentials: Mapping[str, str],
    *,
    name: str = "",
    location: str | None = None,
    actor: str,
) -> AuthoritySet:
    """Make a back office the authority and read it once. The same account again gets the new credentials.

    `location` is its id or name, needed where it has several. Raises NotPossible and ConnectorError, and then nothing
    is changed; a reading that fails is a warning, for the daemon tries again.
    """
    told = {**settings, **({"location": location} if location else {})}
    probed = accounts.probe(engine, Role.BACKOFFICE, platform, told, credentials)
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = back_office(session, merchant_id, lock=True)
        connection = _same_account(session, row, platform, probed.info.account_id)
        if connection is None:
            change_over(session, row, now)
            connection = accounts.disconnected(session, merchant_id, platform, probed.info.account_id)
            connection = connection or _new(engine, session, merchant_id, platform, probed, name, now)
        connection.credentials = engine.keyring.seal(probed.credentials)
        connection.settings = {**connection.settings, **probed.settings}
        regained_access(session, connection, now)
        place = store_locations(session, merchant_id, probed.info.locations, location)
        connection.settings = {**connection.settings, "location": place.external_id}
        _learn(session.get_one(Merchant, merchant_id), probed)
        row.connection_id = connection.id
        row.swept_at = row.catalogue_at = None
        audit(session, merchant_id, actor, "backoffice.set", connection.name, {"location": place.external_id}, now)
        session.flush()
        refresh_all(session, merchant_id)
        wake(session)
    warnings = (*probed.info.warnings, *_first_reading(engine, merchant_id))
    log.info("backoffice_set", connection=connection.name, location=place.external_id)
    return AuthoritySet(
        connection_id=connection.id, name=connection.name, location=place.external_id, warnings=warnings
    )


def _same_account(session: Session, row: BackOffice, platform: str, account_id: str) -> Connection | None:
    if row.connection_id is None:
        return None
    present = session.exec(select(Connection).where(Connection.id == row.connection_id).with_for_update()).one()
    return present if (present.platform, present.account_id) == (platform, account_id) else None


def _new(
    engine: Engine,
    session: Session,
    merchant_id: int,
    platform: str,
    probed: accounts.Probed,
    name: str,
    now: datetime,
) -> Connection:
    accounts.refuse_twice(session, merchant_id, platform, probed.info.account_id)
    own_name = accounts.free_name(session, merchant_id, name, probed.info.name, now)
    connection = Connection(
        merchant_id=merchant_id,
        name=own_name,
        code=accounts.free_code(session, own_name),
        public_id=new_token(),
        platform=platform,
        role=ConnectionRole.BACKOFFICE,
        state=ConnectionState.LIVE,
        account_id=probed.info.account_id,
        currency=probed.info.currency,
        settings={},
        credentials=engine.keyring.seal(probed.credentials),
        live_at=now,
        live_since=now,
        created_at=now,
    )
    session.add(connection)
    session.flush()
    return connection


def _learn(merchant: Merchant, probed: accounts.Probed) -> None:
    """A merchant of whom nothing else was said has the currency and the time zone of the back office."""
    merchant.currency = merchant.currency or probed.info.currency
    if merchant.time_zone == "UTC":
        merchant.time_zone = probed.info.time_zone or "UTC"


def _first_reading(engine: Engine, merchant_id: int) -> tuple[str, ...]:
    try:
        with reading_hand(engine, merchant_id) as held:
            failure = poll.catalogue(engine, held, merchant_id).failure
    except NotPossible as busy:
        failure = str(busy)
    match_waiting(engine, merchant_id)
    return (f"Its stock could not be read yet: {failure}",) if failure else ()
