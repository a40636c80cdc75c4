"""Connecting a store by its platform's own page, in three steps that may be far apart.

`begin` says where to send the person, `finish` keeps what comes back (quickly: WooCommerce waits for the answer and may
have one worker only), `complete` connects. What became of it is in the row of `OAuthState`.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlmodel import col, func, select

from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionState, Listing, OAuthState
from syncd.engine.catalogue import Progress, no_progress
from syncd.engine.connect import Connected, StoreRequest, connect_store, require_authority
from syncd.engine.connectors import merged_settings, plugin_of
from syncd.engine.context import Engine
from syncd.engine.hands import trying
from syncd.engine.vault import new_token
from syncd.engine.wake import wake
from syncd.errors import NotPossible, SyncdError

CONSENT_FOR = timedelta(minutes=10)


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
        state=new_token() + (f".{_mark(browser)}" if browser else ""),
    )
    body = json.dumps({"wanted": asdict(wanted), "credentials": dict(credentials)}).encode()
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


def is_from_browser(state: str, browser: str) -> bool:
    """Whether an answer that came by this browser was begun in it; True for one that was begun without a browser."""
    _, _, mark = state.partition(".")
    return not mark or hmac.compare_digest(mark.encode(), _mark(browser).encode())


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
    kept = json.dumps({"wanted": asdict(wanted), "credentials": {**credentials, **granted}}).encode()
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
        connection_id, failure = None, ""
        try:
            connection_id = connect_store(engine, wanted, credentials, progress).connection_id
        except (ConnectorError, SyncdError) as error:
            failure = str(error)
        with engine.database.transaction() as session:
            row = session.get_one(OAuthState, state)
            row.connection_id, row.failure = connection_id, failure
            row.request = engine.keyring.seal(b"")


def outcome(engine: Engine, state: str) -> Connected | None:
    """What became of an approval, helping it along; None while it is still waited for. Raises NotPossible in words."""
    complete(engine, state)
    with engine.database.reading() as session:
        row = session.get_one(OAuthState, state)
        if row.failure:
            raise NotPossible(row.failure)
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


def _opened(engine: Engine, row: OAuthState) -> tuple[StoreRequest, dict[str, str]]:
    kept = json.loads(engine.keyring.open_bytes(row.request))
    return StoreRequest(**kept["wanted"]), dict(kept["credentials"])
