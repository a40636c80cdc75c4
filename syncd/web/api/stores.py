"""`/connections…`: connecting stores, and what is done to a connection afterwards.

What a platform needs as `settings` and `credentials` is told by its connector; the names are those of the command line:
Shopify `shop` with `access_token` or with `client_id` and `client_secret`; WooCommerce `url` with `consumer_key` and
`consumer_secret`; a store of one's own `url` with `secret`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field, SecretStr
from sqlmodel import select

from connectors.sdk.values import AccountInfo
from schema.tables import Connection, OAuthState, RecordPolicy
from syncd.engine import connect, connections, consents, golive, leaving, outlook
from syncd.engine.connect import Connected, StoreRequest
from syncd.engine.connections import ConnectionView
from syncd.engine.consents import ConsentBegun
from syncd.engine.golive import WentLive
from syncd.engine.hands import store_hand
from syncd.engine.outlook import Preview
from syncd.web.api.asking import Asking, Caller, ConnectionName, Sent

router = APIRouter(prefix="/connections", tags=["connections"])

Word = Annotated[str, Field(max_length=500)]
Words = Annotated[dict[Annotated[str, Field(max_length=60)], Word], Field(max_length=30)]
Secrets = Annotated[dict[Annotated[str, Field(max_length=60)], SecretStr], Field(max_length=30)]
Places = Annotated[tuple[Annotated[str, Field(max_length=120)], ...], Field(max_length=100)]


class NewConnection(Sent):
    """A store to connect. `locations` are the back office's, by id or name; none: the default one."""

    platform: Annotated[str, Field(max_length=32)]
    settings: Words = Field(default_factory=dict)
    credentials: Secrets
    name: Annotated[str, Field(max_length=60)] = ""
    locations: Places = ()
    record: RecordPolicy | None = None
    """None: `paid`, or as before where the store was connected before."""
    starting_point: Literal["store", "backoffice"] = "backoffice"
    live: bool = False


class ConnectionChange(Sent):
    """What is to be different."""

    name: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    locations: Places = ()
    record: RecordPolicy | None = None
    store_location: Word | None = None


class NewCredentials(Sent):
    """As when connecting."""

    credentials: Secrets


class GoLive(Sent):
    """Paid orders from before that shall be recorded all the same, by the store's id; see the preview."""

    record: Annotated[tuple[Word, ...], Field(max_length=1000)] = ()


class Confirmed(Sent):
    """The connection's name, typed again."""

    name: Annotated[str, Field(max_length=60)]


class WebhooksTold(BaseModel):
    """What the store tells us of: by topic, `present`, `made`, `repaired`, `missing` or `failed`, and why."""

    states: dict[str, str]
    words: dict[str, str]


class Disconnected(BaseModel):
    """What could not be done, in sentences."""

    warnings: list[str]


class Approval(BaseModel):
    """How far a consent is: `waiting`, `connected` (then `connection` names it) or `failed` (then `words` say why)."""

    state: Literal["waiting", "connected", "failed"]
    connection: str | None = None
    words: str = ""
    expires_at: datetime


def _plain(secrets: dict[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in secrets.items()}


def _view(caller: Caller, connection_id: int) -> ConnectionView:
    with caller.reading() as session:
        return connections.view(session, session.get_one(Connection, connection_id))


# ------------------------------------------------------------------------------------------- connecting


@router.get("")
def list_connections(
    caller: Asking, *, disconnected: Annotated[bool, Query(description="The disconnected ones too.")] = False
) -> list[ConnectionView]:
    """Stores and back office by name."""
    with caller.reading() as session:
        return connections.list_connections(session, caller.merchant_id, all_of_them=disconnected)


@router.post("", status_code=201)
def connect_store(sent: NewConnection, caller: Asking) -> Connected:
    """Connect a store by its keys. It starts in shadow: nothing is pushed."""
    wanted = StoreRequest(
        merchant_id=caller.merchant_id,
        platform=sent.platform,
        settings=sent.settings,
        name=sent.name,
        locations=sent.locations,
        record=sent.record.value if sent.record else None,
        starting_point=sent.starting_point,
        live=sent.live,
        actor=caller.actor,
    )
    return connect.connect_store(caller.engine, wanted, _plain(sent.credentials))


@router.get("/shopify")
def begin_shopify(
    caller: Asking,
    shop: Annotated[str, Query(max_length=255, description="The name before .myshopify.com.")],
    name: Annotated[str, Query(max_length=60)] = "",
    location: Annotated[list[str] | None, Query(max_length=100)] = None,
) -> ConsentBegun:
    """Begin to connect a Shopify store: send the person to `url`, then ask `/connections/approvals/{state}`."""
    return _begin(caller, "shopify", {"shop": shop}, name, location or ())


@router.get("/woocommerce")
def begin_woocommerce(
    caller: Asking,
    url: Annotated[str, Query(max_length=500, description="The store's address.")],
    name: Annotated[str, Query(max_length=60)] = "",
    location: Annotated[list[str] | None, Query(max_length=100)] = None,
) -> ConsentBegun:
    """Begin to connect a WooCommerce store by its own page of approval."""
    return _begin(caller, "woocommerce", {"url": url}, name, location or ())


def _begin(
    caller: Caller, platform: str, settings: dict[str, str], name: str, locations: Sequence[str]
) -> ConsentBegun:
    wanted = StoreRequest(
        merchant_id=caller.merchant_id,
        platform=platform,
        settings=settings,
        name=name,
        locations=tuple(locations),
        actor=caller.actor,
    )
    return consents.begin(caller.engine, wanted, {})


@router.get("/approvals/{state}")
def show_approval(state: str, caller: Asking) -> Approval:
    """What became of a consent that was begun."""
    with caller.reading() as session:
        row = session.exec(
            select(OAuthState).where(OAuthState.state == state, OAuthState.merchant_id == caller.merchant_id)
        ).first()
        if row is None:
            raise HTTPException(404, "No such approval was begun.")
        if row.failure:
            return Approval(state="failed", words=row.failure, expires_at=row.expires_at)
        if row.connection_id is None:
            return Approval(state="waiting", expires_at=row.expires_at)
        name = session.get_one(Connection, row.connection_id).name
        return Approval(state="connected", connection=name, expires_at=row.expires_at)


# ------------------------------------------------------------------------------------------- one of them


@router.get("/{name}")
def show_connection(name: ConnectionName, caller: Asking) -> ConnectionView:
    """One connection; nothing secret."""
    return _view(caller, caller.connection_id(name))


@router.patch("/{name}")
def change_connection(name: ConnectionName, sent: ConnectionChange, caller: Asking) -> ConnectionView:
    """Rename a store, set the locations it sells from, or when its orders are recorded."""
    connection_id = caller.connection_id(name)
    connections.change(
        caller.engine,
        connection_id,
        name=sent.name,
        locations=sent.locations,
        record=sent.record.value if sent.record else None,
        store_location=sent.store_location,
        actor=caller.actor,
    )
    return _view(caller, connection_id)


@router.post("/{name}/reconnect")
def reconnect(name: ConnectionName, sent: NewCredentials, caller: Asking) -> ConnectionView:
    """Give new credentials, and take up where it stopped."""
    connection_id = caller.connection_id(name)
    connect.reconnect(caller.engine, connection_id, _plain(sent.credentials), actor=caller.actor)
    return _view(caller, connection_id)


@router.post("/{name}/pause")
def pause(name: ConnectionName, caller: Asking) -> ConnectionView:
    """Push nothing more; sales are still taken in."""
    connection_id = caller.connection_id(name)
    connections.pause(caller.engine, connection_id, actor=caller.actor)
    return _view(caller, connection_id)


@router.post("/{name}/resume")
def resume(name: ConnectionName, caller: Asking) -> ConnectionView:
    """Go on: its orders are pulled first."""
    connection_id = caller.connection_id(name)
    connections.resume(caller.engine, connection_id, actor=caller.actor)
    return _view(caller, connection_id)


@router.get("/{name}/preview")
def preview(name: ConnectionName, caller: Asking) -> Preview:
    """What would change if it went live now, each number with its reason."""
    return outlook.preview(caller.engine, caller.connection_id(name))


@router.post("/{name}/live")
def go_live(name: ConnectionName, sent: GoLive, caller: Asking) -> WentLive:
    """From now on its orders count and its numbers are ours to set."""
    connection_id = caller.connection_id(name)
    with store_hand(caller.engine, connection_id) as held:
        return golive.go_live(caller.engine, held, connection_id, record=sent.record, actor=caller.actor)


@router.post("/{name}/test")
def test_connection(name: ConnectionName, caller: Asking) -> AccountInfo:
    """Ask the platform who we are."""
    return connections.test(caller.engine, caller.connection_id(name))


@router.post("/{name}/webhooks")
def check_webhooks(name: ConnectionName, caller: Asking) -> WebhooksTold:
    """Check what the store tells us of, and mend it."""
    report = connections.check_webhooks(caller.engine, caller.connection_id(name))
    states = {topic: state.value for topic, state in report.states.items()}
    return WebhooksTold(states=states, words=dict(report.words))


@router.post("/{name}/disconnect")
def disconnect(name: ConnectionName, sent: Confirmed, caller: Asking) -> Disconnected:
    """Remove our webhooks, forget its key, publish nothing more. History stays."""
    connection_id = caller.connection_id(name)
    if sent.name != _view(caller, connection_id).name:
        raise HTTPException(422, "Send the connection's name as `name`, so that it cannot happen by mistake.")
    return Disconnected(warnings=list(leaving.disconnect(caller.engine, connection_id, actor=caller.actor)))
