"""Connecting a store by its platform's own page, in three steps that may be far apart.

`begin` says where to send the person, `finish` keeps what comes back (quickly: WooCommerce waits for the answer and may
have one worker only), `complete` connects. What became of it is in the row of `OAuthState`.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from connectors.sdk.doorstep import Looked, LooksAtAddress, SignsLinks
from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionState, Listing, OAuthState
from syncd.engine.accounts import LOCATION
from syncd.engine.catalogue import Progress, no_progress
from syncd.engine.connect import Connected, StoreRequest, connect_store, reconnect, require_authority
from syncd.engine.connectors import merged_settings, plugin_of
from syncd.engine.context import Engine
from syncd.engine.hands import trying
from syncd.engine.vault import new_token
from syncd.engine.wake import wake
from syncd.errors import ChooseLocation, NotPossible, SyncdError

CONSENT_FOR = timedelta(minutes=10)
_BOUND = "bound-"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentBegun:
    """Where to send the person, and the one-time word by which the answer is known."""

    url: str
    state: str
    expires_at: datetime


def begin(
    engine: Engine,
    wanted: StoreRequest,
    credentials: Mapping[str, str],
    *,
    return_url: str = "",
    browser: str = "",
) -> ConsentBegun:
    """Begin connecting. `credentials` are the app's own, where the operator's settings have none. An answer that comes
    by a browser must come by the one that holds the cookie `browser`, if one is given.

    Raises NotPossible where there is no such page or no address to come back to, Refused where a setting is wrong.
    """
    flow = plugin_of(engine, wanted.platform).consent
    if flow is None:
        raise NotPossible(f"{wanted.platform} has no page to approve on; give its key instead.")
    if not engine.settings.web.public_url:
        raise NotPossible("Set web.public_url first: the approval comes back to that address.")
    now = engine.clock.now()
    with engine.database.reading() as session:
        require_authority(session, wanted.merchant_id)
    consent = flow.begin(
        _flow_settings(engine, wanted, credentials),
        callback_url=callback_address(engine, wanted.platform),
        return_url=return_url or f"{engine.settings.web.public_url.rstrip('/')}/app/stores",
        state=_new_state(browser),
    )
    body = _body(wanted, credentials)
    with engine.database.transaction() as session:
        session.add(
            OAuthState(
                state=consent.state,
                merchant_id=wanted.merchant_id,
                platform=wanted.platform,
                request=engine.keyring.seal(body),
                created_at=now,
                expires_at=now + CONSENT_FOR,
            )
        )
    return ConsentBegun(url=consent.url, state=consent.state, expires_at=now + CONSENT_FOR)


def look_at(engine: Engine, platform: str, settings: Mapping[str, str]) -> Looked | None:
    """What a store's address is found to be, before anything is approved; None where the platform cannot look.

    Raises Refused where it is no address.
    """
    flow: object = plugin_of(engine, platform).consent
    if not isinstance(flow, LooksAtAddress):
        return None
    merged = merged_settings(engine, platform, settings)
    return flow.look_at(merged, transport=engine.connectors.transport(engine), now=engine.clock.now())


def check_link(engine: Engine, platform: str, query: Mapping[str, str]) -> None:
    """Whether a link by which a platform asks to be connected is its own. Raises Refused."""
    flow: object = plugin_of(engine, platform).consent
    if isinstance(flow, SignsLinks):
        flow.check_link(merged_settings(engine, platform, {}), query=query, now=engine.clock.now())


def is_from_browser(state: str, browser: str) -> bool:
    """Whether an answer that came by this browser was begun in it; True for one that was begun without a browser."""
    is_bound, mark = state.startswith(_BOUND), state.rpartition("-")[2]
    return not is_bound or hmac.compare_digest(mark.encode(), _mark(browser).encode())


def _new_state(browser: str) -> str:
    """A one-time word of letters, digits, - and _ (WordPress keeps nothing else), with the mark of its browser."""
    return f"{_BOUND}{new_token()}-{_mark(browser)}" if browser else f"free-{new_token()}"


def _mark(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()[:20]


def callback_address(engine: Engine, platform: str) -> str:
    """Where a platform's consent page answers to."""
    return f"{engine.settings.web.public_url.rstrip('/')}/connections/callback/{platform}"


def _flow_settings(engine: Engine, wanted: StoreRequest, credentials: Mapping[str, str]) -> dict[str, str]:
    return {**merged_settings(engine, wanted.platform, wanted.settings), **credentials}


def finish(engine: Engine, platform: str, state: str, query: Mapping[str, str], body: bytes) -> None:
    """Keep what came back from a consent page; it is used once. Connecting is `complete`.

    Raises NotPossible for a state that did not begin here, is used, or is too old, and Refused for a forged answer.
    """
    now = engine.clock.now()
    with engine.database.reading() as session:
        row = session.get(OAuthState, state)
    if row is None or row.platform != platform or row.used_at is not None or row.expires_at <= now:
        raise NotPossible(
            "This approval did not start here, or is older than 10 minutes. Nothing was connected. Start again."
        )
    wanted, credentials = _opened(engine, row)
    flow = plugin_of(engine, platform).consent
    assert flow is not None, "a consent was begun"
    granted = flow.finish(
        _flow_settings(engine, wanted, credentials),
        query=query,
        body=body,
        state=state,
        callback_url=callback_address(engine, platform),
        transport=engine.connectors.transport(engine),
        now=now,
    )
    kept = _body(wanted, {**credentials, **granted})
    with engine.database.transaction() as session:
        row = session.exec(select(OAuthState).where(OAuthState.state == state).with_for_update()).one()
        if row.used_at is not None:
            raise NotPossible("This approval was used already.")
        row.used_at = now
        row.request = engine.keyring.seal(kept)
        wake(session)


def complete_all(engine: Engine) -> int:
    """Connect every store whose owner has approved; returns how many were dealt with. The daemon calls it."""
    with engine.database.reading() as session:
        granted = session.exec(
            select(OAuthState.state).where(
                col(OAuthState.used_at).is_not(None),
                col(OAuthState.connection_id).is_(None),
                OAuthState.failure == "",
            )
        ).all()
    for state in granted:
        complete(engine, state)
    return len(granted)


def complete(engine: Engine, state: str, progress: Progress = no_progress) -> None:
    """Connect the store of one approval, once; its row tells the connection, or the failure in words."""
    with trying(engine, f"consent:{state}") as held:
        if held is None:
            return
        with engine.database.reading() as session:
            row = session.get_one(OAuthState, state)
        if row.used_at is None or row.connection_id is not None or row.failure:
            return
        wanted, credentials = _opened(engine, row)
        connection_id, failure, kept = None, "", b""
        try:
            connection_id = _connect(engine, wanted, credentials, progress)
        except ChooseLocation as error:
            failure = str(error)
            kept = _body(wanted, credentials, places=error.places)
        except (ConnectorError, SyncdError) as error:
            failure = str(error)
        with engine.database.transaction() as session:
            row = session.get_one(OAuthState, state)
            row.connection_id, row.failure = connection_id, failure
            row.request = engine.keyring.seal(kept)


def choices(engine: Engine, merchant_id: int, state: str) -> tuple[tuple[str, str], ...]:
    """Ids and names of the store's locations, where an approval waits for a person to choose one; else empty."""
    with engine.database.reading() as session:
        row = session.get(OAuthState, state)
    if row is None or row.merchant_id != merchant_id or not row.failure:
        return ()
    kept = engine.keyring.open_bytes(row.request)
    return tuple((place, name) for place, name in json.loads(kept).get("places", ())) if kept else ()


def choose(engine: Engine, merchant_id: int, state: str, location_id: str) -> None:
    """Sell from this location of the store, and connect. Raises NotPossible for one that there is not."""
    if location_id not in dict(choices(engine, merchant_id, state)):
        raise NotPossible("This store has no such location. Choose one of the list.")
    with engine.database.transaction() as session:
        row = session.exec(select(OAuthState).where(OAuthState.state == state).with_for_update()).one()
        wanted, credentials = _opened(engine, row)
        settings = {**wanted.settings, LOCATION: location_id}
        row.request = engine.keyring.seal(_body(replace(wanted, settings=settings), credentials))
        row.failure = ""
        wake(session)


def _connect(engine: Engine, wanted: StoreRequest, credentials: Mapping[str, str], progress: Progress) -> int:
    if wanted.reconnects is None:
        return connect_store(engine, wanted, credentials, progress).connection_id
    reconnect(engine, wanted.reconnects, credentials, actor=wanted.actor)
    return wanted.reconnects


def keep_grant(engine: Engine, wanted: StoreRequest, credentials: Mapping[str, str]) -> str:
    """Have a store connected by keys that a person has given: the daemon does it, as after an approval.

    Returns the word by which `arrival` tells what came of it.
    """
    now, state = engine.clock.now(), _new_state("")
    kept = _body(wanted, credentials)
    with engine.database.transaction() as session:
        session.add(
            OAuthState(
                state=state,
                merchant_id=wanted.merchant_id,
                platform=wanted.platform,
                request=engine.keyring.seal(kept),
                created_at=now,
                expires_at=now + CONSENT_FOR,
                used_at=now,
            )
        )
        wake(session)
    return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How far an approval has come: waited for, arrived and being connected, connected, or failed in words."""

    platform: str
    has_arrived: bool
    connection: str | None
    code: str
    failure: str
    listings: int
    waited: timedelta


def arrival(session: Session, merchant_id: int, state: str, now: datetime) -> Arrival | None:
    """How far this approval of this merchant is; None where there is none."""
    row = session.get(OAuthState, state)
    if row is None or row.merchant_id != merchant_id:
        return None
    connection = session.get(Connection, row.connection_id) if row.connection_id else _newest(session, row)
    count = select(func.count()).select_from(Listing)
    return Arrival(
        platform=row.platform,
        has_arrived=row.used_at is not None,
        connection=connection.name if connection is not None and row.connection_id else None,
        code=connection.code if connection is not None else "",
        failure=row.failure,
        listings=session.exec(count.where(Listing.connection_id == connection.id)).one() if connection else 0,
        waited=now - row.created_at,
    )


def _newest(session: Session, row: OAuthState) -> Connection | None:
    """The connection that is just being made of an approval."""
    return session.exec(
        select(Connection)
        .where(
            Connection.merchant_id == row.merchant_id,
            Connection.platform == row.platform,
            col(Connection.created_at) >= row.created_at,
        )
        .order_by(col(Connection.id).desc())
    ).first()


def outcome(engine: Engine, state: str) -> Connected | None:
    """What became of an approval, helping it along; None while it is still waited for.

    Raises NotPossible in words, ChooseLocation where the store has several (`choose` goes on).
    """
    complete(engine, state)
    with engine.database.reading() as session:
        row = session.get_one(OAuthState, state)
        if row.failure:
            places = choices(engine, row.merchant_id, state)
            raise ChooseLocation(row.failure, places=places) if places else NotPossible(row.failure)
        if row.connection_id is None:
            return None
        connection = session.get_one(Connection, row.connection_id)
        listings = select(func.count()).select_from(Listing).where(Listing.connection_id == connection.id)
        return Connected(
            connection_id=row.connection_id,
            name=connection.name,
            listings=session.exec(listings).one(),
            warnings=(),
            is_live=connection.state is ConnectionState.LIVE,
        )


def _body(wanted: StoreRequest, credentials: Mapping[str, str], places: Sequence[tuple[str, str]] = ()) -> bytes:
    kept = {"wanted": asdict(wanted), "credentials": dict(credentials)}
    return json.dumps({**kept, "places": list(places)} if places else kept).encode()


def _opened(engine: Engine, row: OAuthState) -> tuple[StoreRequest, dict[str, str]]:
    kept = json.loads(engine.keyring.open_bytes(row.request))
    return StoreRequest(**kept["wanted"]), dict(kept["credentials"])
