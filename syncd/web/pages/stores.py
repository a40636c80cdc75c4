"""Stores: the list, one of them with its checks, its settings, pausing, reconnecting, disconnecting."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select
from starlette.responses import Response

from connectors.sdk.errors import ConnectorError
from schema.tables import (
    Connection,
    ConnectionRole,
    Delivery,
    Issue,
    Listing,
    Match,
    Order,
    RuleKind,
    StockItem,
)
from syncd.engine import check, connect, connections, leaving, rule_setting
from syncd.engine.plugins import platforms_with_consent
from syncd.engine.rules import load_rules
from syncd.engine.views import feed
from syncd.engine.views.stock_list import locations
from syncd.engine.views.stores import office_row, store_rows
from syncd.errors import NotPossible
from syncd.web.connect_doors import begin
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import day_begin, store_path
from syncd.web.pages.setup.platform_words import KEY_FIELDS, words_of_error

pages = Pages()

LAST_EVENTS = 8
LOOKED_THROUGH = 200


@pages.get("/app/stores")
def store_list(visit: Visit) -> Response:
    """Everything that is connected, the back office too."""
    now = visit.now
    with visit.reading() as session:
        view = store_rows(session, visit.merchant_id, day_begin(visit.times.zone, now), now)
        gone = [
            row
            for row in connections.list_connections(session, visit.merchant_id, all_of_them=True)
            if row.state == "disconnected"
        ]
    return visit.render("stores/list.html", figures={"view": view}, view=view, gone=gone)


# ------------------------------------------------------------------------------------------- one


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a store's state means right now."""

    waiting: int
    sold_out: tuple[tuple[str, int], ...]
    since: datetime
    messages: int
    matched: int
    products: int
    open_orders: int


@pages.get("/app/stores/{name}")
def one(visit: Visit) -> Response:
    """State and cause in words, what it means now, checks, settings, what happened."""
    with visit.reading() as session:
        row = found(session, visit)
        view = connections.view(session, row)
        events = [
            event for event in feed.events(session, visit.merchant_id, limit=LOOKED_THROUGH) if event.place == row.name
        ][:LAST_EVENTS]
        values: dict[str, Any] = {
            "row": row,
            "view": view,
            "meaning": meaning(session, row),
            "rules": rule_values(session, row),
            "names": _location_names(session, row),
            "office": office_row(session, visit.merchant_id, visit.now),
            "events": events,
        }
    findings = None
    if visit.query("check") and visit.may("operator"):
        findings = list(check.check_connection(visit.engine, row))
    is_office = row.role is ConnectionRole.BACKOFFICE
    return visit.render(
        "stores/office.html" if is_office else "stores/store.html",
        **values,
        findings=findings,
        drift_limit=visit.engine.settings.reconcile.drift_limit,
    )


def found(session: Session, visit: Visit) -> Connection:
    """The connection that the address names: by its code, or by its name as people type it."""
    told, ours = visit.part("name"), select(Connection).where(Connection.merchant_id == visit.merchant_id)
    row = (
        session.exec(ours.where(Connection.code == told)).first()
        or session.exec(ours.where(Connection.name == told).order_by(col(Connection.id).desc())).first()
    )
    if row is None:
        raise NothingHere
    return row


def meaning(session: Session, row: Connection) -> Meaning:
    """Counts of one store."""
    waiting = session.exec(
        select(StockItem, Listing.sku)
        .join(Listing, col(Listing.stock_item_id) == col(StockItem.id))
        .where(
            StockItem.connection_id == row.id,
            col(StockItem.desired).is_not(None),
            col(StockItem.desired) != col(StockItem.observed),
            Listing.match == Match.LINKED,
        )
    ).all()
    gone = tuple((sku or "", item.observed or 0) for item, sku in waiting if item.desired == 0)
    since = _lost_at(session, row) or row.failing_since or row.created_at
    listings = (
        select(func.count()).select_from(Listing).where(Listing.connection_id == row.id, col(Listing.gone_at).is_(None))
    )
    return Meaning(
        waiting=len(waiting),
        sold_out=gone,
        since=since,
        messages=session.exec(
            select(func.count())
            .select_from(Delivery)
            .where(Delivery.connection_id == row.id, col(Delivery.received_at) >= since)
        ).one(),
        matched=session.exec(listings.where(Listing.match == Match.LINKED)).one(),
        products=session.exec(listings).one(),
        open_orders=session.exec(
            select(func.count()).select_from(Order).where(Order.connection_id == row.id, col(Order.is_owed).is_(True))
        ).one(),
    )


def _lost_at(session: Session, row: Connection) -> datetime | None:
    """Since when the store does not take our key."""
    return session.exec(
        select(Issue.opened_at).where(Issue.connection_id == row.id, Issue.kind == "needs_auth", Issue.state == "open")
    ).first()


def rule_values(session: Session, row: Connection) -> dict[str, int | None]:
    """Buffer and cap of a store."""
    rules = load_rules(session, row.merchant_id, [])
    return {
        "buffer": rules.values.get((RuleKind.BUFFER, row.id, None)),
        "cap": rules.values.get((RuleKind.CAP, row.id, None)),
    }


def _location_names(session: Session, row: Connection) -> list[str]:
    chosen = connections.view(session, row).locations
    names = {place.external_id: place.name for place in locations(session, row.merchant_id)}
    return [names.get(place, place) for place in chosen]


# ------------------------------------------------------------------------------------------- settings


@pages.get("/app/stores/{name}/settings")
def ask_settings(visit: Visit) -> Response:
    """Name, locations, when sales are recorded, buffer and cap."""
    return _settings_page(visit, wrong="")


def _settings_page(visit: Visit, *, wrong: str) -> Response:
    with visit.reading() as session:
        row = found(session, visit)
        values = {
            "row": row,
            "view": connections.view(session, row),
            "places": locations(session, visit.merchant_id),
            "rules": rule_values(session, row),
        }
    return visit.render("stores/settings.html", 422 if wrong else 200, **values, wrong=wrong)


@pages.post("/app/stores/{name}/settings")
def take_settings(visit: Visit) -> Response:
    """Change them; the numbers follow."""
    with visit.reading() as session:
        row = found(session, visit)
    connection_id, name = row.id or 0, visit.sent("name") or row.name
    try:
        connections.change(
            visit.engine,
            connection_id,
            name=name,
            locations=visit.sent_all("location"),
            record=visit.sent("record") or None,
            actor=visit.actor,
        )
        if row.role is ConnectionRole.STORE and visit.may("owner"):
            for kind in (RuleKind.BUFFER, RuleKind.CAP):
                _set_rule(visit, row, kind)
    except (NotPossible, ConnectorError) as error:
        return _settings_page(visit, wrong=str(error))
    return visit.go(_path(row), said="Settings are saved.")


def _set_rule(visit: Visit, row: Connection, kind: RuleKind) -> None:
    told = visit.sent(kind.value)
    if told and not told.isdigit():
        raise NotPossible(f"{told!r} is no number of units.")
    value = int(told) if told else None
    with visit.reading() as session:
        before = rule_values(session, row)[kind.value]
    if value != before:
        rule_setting.set_rule(visit.engine, visit.merchant_id, kind, value, connection_id=row.id, actor=visit.actor)


# ------------------------------------------------------------------------------------------- states


@pages.post("/app/stores/{name}/do")
def act(visit: Visit) -> Response:
    """Pause or resume it."""
    with visit.reading() as session:
        row = found(session, visit)
    if visit.sent("deed") == "pause":
        connections.pause(visit.engine, row.id or 0, actor=visit.actor)
        said = f"{row.name} is paused. Its numbers stay as they are; sales are still counted."
    else:
        connections.resume(visit.engine, row.id or 0, actor=visit.actor)
        said = f"{row.name} goes on."
    return visit.go(_path(row), said=said)


def _path(row: Connection) -> str:
    return store_path(row.code)


@pages.get("/app/stores/{name}/reconnect")
def ask_reconnect(visit: Visit) -> Response:
    """Approve again, or paste a new key."""
    return _reconnect_page(visit, wrong="")


def _reconnect_page(visit: Visit, *, wrong: str) -> Response:
    with visit.reading() as session:
        row = found(session, visit)
    return visit.render(
        "stores/reconnect.html",
        422 if wrong else 200,
        row=row,
        fields=KEY_FIELDS.get(row.platform, ()),
        can_approve=row.platform in platforms_with_consent(visit.engine.plugins)
        and row.role is ConnectionRole.STORE
        and bool(visit.engine.settings.web.public_url),
        wrong=wrong,
    )


@pages.post("/app/stores/{name}/reconnect")
def reconnect(visit: Visit) -> Response:
    """Go to the store's page of approval, or try what was pasted."""
    with visit.reading() as session:
        row = found(session, visit)
    if visit.sent("how") == "approve":
        settings = {name: str(value) for name, value in row.settings.items()}
        try:
            return begin(visit, row.platform, settings, row.name, reconnects=row.id)
        except ConnectorError as error:
            return _reconnect_page(visit, wrong=words_of_error(row.platform, settings, error))
    keys = {field.name: visit.secret(field.name).strip() for field in KEY_FIELDS.get(row.platform, ())}
    try:
        connect.reconnect(
            visit.engine, row.id or 0, {name: key for name, key in keys.items() if key}, actor=visit.actor
        )
    except ConnectorError as error:
        return _reconnect_page(visit, wrong=words_of_error(row.platform, row.settings, error))
    except NotPossible as error:
        return _reconnect_page(visit, wrong=str(error))
    return visit.go(_path(row), said=f"{row.name} is connected again. Sales made meanwhile are fetched now.")


@pages.get("/app/stores/{name}/disconnect")
def ask_disconnect(visit: Visit) -> Response:
    """A page that asks for the store's name."""
    return _disconnect_page(visit, wrong="")


def _disconnect_page(visit: Visit, *, wrong: str) -> Response:
    with visit.reading() as session:
        row = found(session, visit)
        values = {"row": row, "meaning": meaning(session, row)}
        office = office_row(session, visit.merchant_id, visit.now)
    return visit.render("stores/disconnect.html", 422 if wrong else 200, **values, office=office, wrong=wrong)


@pages.post("/app/stores/{name}/disconnect")
def disconnect(visit: Visit) -> Response:
    """Remove our webhooks, forget the key; history stays."""
    with visit.reading() as session:
        row = found(session, visit)
    if visit.sent("typed").casefold() != row.name.casefold():
        return _disconnect_page(visit, wrong=f"Type {row.name} to be sure.")
    warnings = leaving.disconnect(visit.engine, row.id or 0, actor=visit.actor)
    said = " ".join((f"{row.name} is disconnected. Its history stays.", *warnings))
    return visit.go("/app/stores", said=said, tone="warn" if warnings else "ok")
