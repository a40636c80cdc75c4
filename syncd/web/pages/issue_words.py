"""Issues in the words of the pages: in one line what is wrong, what it means until somebody decides, what to do.

The engine's own words name commands; here they name buttons. `issue_deeds.py` does what the buttons say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from schema.tables import (
    Connection,
    ConnectionState,
    InventoryCache,
    Listing,
    Location,
    Match,
    OrderLine,
    SalesLog,
    StockItem,
)
from syncd.engine.authority import Authority, authority_of
from syncd.engine.release import IssueView
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words, in_path, store_path

URGENT = ("needs_auth", "location_gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """What a person may press. A `path` is followed, a `deed` is done; a deed that `asks` comes by a page first."""

    label: str
    deed: str = ""
    path: str = ""
    icon: str = ""
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An issue for people. `gist` is one line for lists; `until` what happens until somebody decides."""

    id: int
    kind: str
    icon: str
    tone: str
    state: str
    title: str
    gist: str
    happened: tuple[str, ...]
    until: str
    todo: str
    buttons: tuple[Button, ...]
    opened_at: datetime
    issue: IssueView
    is_urgent: bool
    can_link: bool = False
    can_name_sale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the words of some issues are made of: numbers that wait, by store; how often an unknown product was sold, by
    store and listing; names and codes of stores, by id.
    """

    visit: Visit
    authority: Authority
    waiting: Mapping[str, int]
    sold: Mapping[tuple[str, str], int]
    stores: Mapping[int, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An issue with what its words are made of."""

    known: _Known
    issue: IssueView

    @property
    def visit(self) -> Visit:
        """Who reads it."""
        return self.known.visit

    @property
    def authority(self) -> Authority:
        """Who says what is in stock."""
        return self.known.authority

    def detail(self, name: str) -> str:
        """A value of the issue's details, as text."""
        value = self.issue.details.get(name)
        return "" if value is None else str(value)

    @property
    def store(self) -> str:
        """The store that it is about."""
        return self.issue.connection or ""

    @property
    def store_path(self) -> str:
        """Where the store's page is."""
        return store_path(self.issue.code or "")

    @property
    def sku(self) -> str:
        """The SKU that it is about."""
        return self.issue.sku or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    icon: str
    tone: str
    state: str
    todo: str
    title: str = ""
    gist: str = ""
    happened: tuple[str, ...] = ()
    until: str = ""
    buttons: tuple[Button, ...] = ()
    can_link: bool = False
    can_name_sale: bool = False


LIKE_THIS = (
    "Readings like this are usually a report that was cut short or a stock count in progress, so we did not apply it."
)
SOLVED = Button(label="Mark as solved", deed="resolve")
RETRY = Button(label="Try again", deed="release", icon="run")
LEAVE_OUT = Button(label="Leave out", deed="leave_out", asks=True)


def tell(session: Session, visit: Visit, issue: IssueView) -> Told:
    """One issue in words."""
    return tell_all(session, visit, [issue])[0]


def tell_all(session: Session, visit: Visit, issues: Sequence[IssueView]) -> list[Told]:
    """Issues in words, each in its place; as many questions to the database for a hundred as for one."""
    kinds = {issue.kind for issue in issues}
    known = _Known(
        visit=visit,
        authority=authority_of(session, visit.merchant_id),
        waiting=_waiting(session, visit.merchant_id) if "needs_auth" in kinds else {},
        sold=_times_sold(session, visit.merchant_id, issues) if "unknown_sku" in kinds else {},
        stores=_stores(session, visit.merchant_id) if "location_gone" in kinds else {},
    )
    return [_told(_Case(known=known, issue=issue)) for issue in issues]


def _told(case: _Case) -> Told:
    issue = case.issue
    words = _KINDS.get(issue.kind, _other)(case)
    is_open = issue.state == "open"
    return Told(
        id=issue.id,
        kind=issue.kind,
        icon=words.icon,
        tone=words.tone,
        state=words.state if is_open else "Resolved",
        title=words.title or issue.title.rstrip("."),
        gist=words.gist or issue.why.split(". ")[0],
        happened=words.happened or (issue.why,),
        until=words.until,
        todo=words.todo,
        buttons=words.buttons if is_open else (),
        opened_at=issue.opened_at,
        issue=issue,
        is_urgent=is_open and issue.kind in URGENT,
        can_link=words.can_link and is_open,
        can_name_sale=words.can_name_sale and is_open,
    )


# ------------------------------------------------------------------------------------------- stores


def _needs_auth(case: _Case) -> _Words:
    waiting = case.known.waiting.get(case.store, 0)
    since = case.visit.times.at(case.issue.opened_at)
    is_office = case.authority.name == case.store
    numbers = "No number waits yet." if not waiting else f"{count_words(waiting, 'number waits', 'numbers wait')}."
    meaning = (
        "Its stock is not read and no sale is recorded until it is reconnected."
        if is_office
        else f"{numbers} It may oversell. Your other stores are fine."
    )
    return _Words(
        icon="key",
        tone="bad",
        state="Needs reconnecting",
        title=f"{case.store} needs reconnecting",
        gist=f"Its key stopped working at {since}. {numbers if not is_office else ''}".strip(),
        happened=(f"The store stopped accepting our key at {since}.", meaning, "We make no further tries until then."),
        until="",
        todo="Press Reconnect, sign in as administrator, approve. It takes a minute. Products stay matched.",
        buttons=(
            Button(label="Reconnect", path=f"{case.store_path}/reconnect", icon="key"),
            Button(label="See details", path=case.store_path),
        ),
    )


def _waiting(session: Session, merchant_id: int) -> dict[str, int]:
    """How many numbers of each store differ from what they should be."""
    rows = session.execute(
        select(Connection.name, func.count())
        .select_from(StockItem)
        .join(Connection, col(Connection.id) == col(StockItem.connection_id))
        .where(
            Connection.merchant_id == merchant_id,
            Connection.state != ConnectionState.DISCONNECTED,
            col(StockItem.desired).is_not(None),
            col(StockItem.desired) != col(StockItem.observed),
        )
        .group_by(col(Connection.name))
    )
    return {name: int(count) for name, count in rows}


def _stores(session: Session, merchant_id: int) -> dict[int, tuple[str, str]]:
    """The names and codes of all connections."""
    rows = session.exec(
        select(Connection.id, Connection.name, Connection.code).where(Connection.merchant_id == merchant_id)
    )
    return {connection_id: (name, code) for connection_id, name, code in rows if connection_id is not None}


def _webhooks_broken(case: _Case) -> _Words:
    return _Words(
        icon="warn",
        tone="warn",
        state="Slower than usual",
        gist="Its sales are found minutes later.",
        until="Its orders are found by reading them every few minutes. No sale gets lost.",
        todo="Check whether the address of syncd can be reached from outside, then mend the messages here.",
        buttons=(
            Button(label="Mend order messages", deed="webhooks", icon="run"),
            Button(label="See details", path=case.store_path),
        ),
    )


def _gone(case: _Case) -> _Words:
    return _Words(
        icon="info",
        tone="info",
        state="Gone",
        todo="Nothing to do if that was meant. Made anew with the same SKU, it is found by itself.",
        buttons=(SOLVED, Button(label="See the products", path=f"{case.store_path}/matching")),
    )


def _duplicate(case: _Case) -> _Words:
    return _Words(
        icon="bad",
        tone="warn",
        state="SKU used twice",
        gist="None of these products is kept right.",
        todo="Give each product its own SKU in the store, or choose here which one is meant.",
        buttons=(Button(label="Choose one", path=f"{case.store_path}/matching?show=duplicate", icon="link"),),
    )


def _push_refused(case: _Case) -> _Words:
    return _Words(
        icon="warn",
        tone="warn",
        state="Not taken",
        until="We try again by ourselves, ever more rarely.",
        todo="Look at the product in the store.",
        buttons=(Button(label=f"Why {case.sku} is what it is", path=sku_path(case.sku)), SOLVED),
    )


def _unreadable(case: _Case) -> _Words:
    delivery = case.detail("delivery")
    buttons = (Button(label="Look at the message", path=f"/app/deliveries/{delivery}"),) if delivery else ()
    return _Words(
        icon="warn",
        tone="warn",
        state="Not understood",
        until="Its order is also found by reading orders. The message is kept.",
        todo="Tell your operator; after an update of syncd the message is taken in again.",
        buttons=(*buttons, SOLVED),
    )


# ------------------------------------------------------------------------------------------- stock


def _reading_held(case: _Case) -> _Words:
    place, zero = case.detail("location"), int(case.detail("to_zero") or 0)
    name = case.authority.name
    why, _, until = case.issue.why.partition(" Until you decide ")
    return _Words(
        icon="hold",
        tone="warn",
        state="Held",
        title=f"The stock reading for {place} was held" if place else "",
        gist=f"{zero} of {case.detail('read')} SKUs would drop to 0." if zero else why,
        happened=(
            why,
            LIKE_THIS,
        ),
        until=f"we {until.removeprefix('we ')}" if until else "",
        todo=f"Open {name} and look at two or three SKUs. If it shows the old numbers, read again. If the shelves "
        "really are empty, let the next reading pass.",
        buttons=(
            Button(label=f"Read {name} again", deed="read_again", icon="run"),
            Button(label="Let the next reading pass", deed="release", asks=True),
        ),
    )


def _held_figure(case: _Case) -> _Words:
    shown, should, store = case.detail("shown"), case.detail("should"), case.store
    has_office = case.authority.connection is not None
    theirs = f"Show what to change in {case.authority.name}" if has_office else f"Take {shown} into the ledger"
    return _Words(
        icon="hold",
        tone="warn",
        state="Held",
        title=f"Changed by hand: {case.sku}" if case.issue.kind == "drift_held" else f"Put back: {case.sku}",
        gist=f"{store} shows {shown}, should show {should}.",
        happened=(f"{store} shows {shown} for {case.sku}; it should show {should}.", case.issue.why),
        until="its number stays as it is. Sales elsewhere still lower it; nothing raises it.",
        todo=f"If {should} is right, set it. If the store is right, say so where stock is counted.",
        buttons=(
            Button(label=f"Set it to {should}", deed="ours", icon="push"),
            Button(label=f"Keep {shown} until tomorrow", deed="keep"),
            Button(label=theirs, deed="theirs"),
        ),
    )


def _oversell(case: _Case) -> _Words:
    on_hand, opened = int(case.detail("on_hand") or 0), int(case.detail("open") or 0)
    return _Words(
        icon="warn",
        tone="bad",
        state="Customer waiting",
        title=f"Oversold by {opened - on_hand}: {case.sku}",
        gist=f"{on_hand} on hand at {case.detail('location')}, {opened} sold online.",
        happened=(case.issue.why,),
        todo="Find the units, or cancel an order in its store and tell the customer. The number then puts itself "
        "right.",
        buttons=(SOLVED,),
    )


def elsewhere(session: Session, merchant_id: int, sku: str, location: str) -> list[tuple[str, int]]:
    """Where else units of an SKU lie that nobody has bought."""
    rows = session.exec(
        select(InventoryCache, Location)
        .join(Location, col(Location.id) == col(InventoryCache.location_id))
        .where(InventoryCache.merchant_id == merchant_id, InventoryCache.sku == sku)
    ).all()
    return [
        (place.name, max(0, cache.on_hand - cache.open))
        for cache, place in rows
        if cache.on_hand is not None and place.name != location
    ]


def _fraction(_case: _Case) -> _Words:
    return _Words(
        icon="info",
        tone="info",
        state="Rounded down",
        todo="Correct the stock there, or sell it in whole units. It is told once.",
        buttons=(SOLVED,),
    )


def _location_gone(case: _Case) -> _Words:
    ids = case.issue.details.get("stores")
    stores = [
        case.known.stores[store] for store in (ids if isinstance(ids, list) else []) if store in case.known.stores
    ]
    buttons = tuple(Button(label=f"Choose for {name}", path=f"{store_path(code)}/settings") for name, code in stores)
    return _Words(
        icon="warn", tone="bad", state="Location gone", todo="Choose another location for them.", buttons=buttons
    )


def _stuck(_case: _Case) -> _Words:
    return _Words(
        icon="warn",
        tone="bad",
        state="Our fault",
        until="it is tried again every minute. Sales are taken in; other stores are kept right.",
        todo="Ask whoever runs syncd to look into its log and to report it. An update may help.",
        buttons=(),
    )


# ------------------------------------------------------------------------------------------- sales


def _unknown_sku(case: _Case) -> _Words:
    listing, name = case.detail("listing"), case.authority.name
    sold = case.known.sold.get((case.store, listing), 0)
    times = f"{sold} times" if sold != 1 else "once"
    what = case.sku or case.detail("title") or "A product without SKU"
    return _Words(
        icon="link",
        tone="info",
        state="Unknown SKU",
        title=f"Unknown SKU sold: {what}",
        gist=f"Sold {times} in {case.store}; {name} does not know it.",
        happened=(
            f"{what} was sold {times} in {case.store}; {name} does not know it.",
            f"Its stock is not kept right, and these sales are not in {name}.",
        ),
        todo=f"Link it to a SKU that {name} knows, put it into {name}, or ignore it. Linked, its sales are recorded.",
        buttons=(
            Button(label=f"File for {name}", path=f"{case.store_path}/matching.csv", icon="down"),
            Button(label="Ignore", deed="ignore", asks=True),
        ),
        can_link=True,
    )


def _times_sold(session: Session, merchant_id: int, issues: Sequence[IssueView]) -> dict[tuple[str, str], int]:
    """How often each product that such an issue is about was sold, by store and listing."""
    listings = {str(issue.details.get("listing", "")) for issue in issues if issue.kind == "unknown_sku"}
    rows = session.execute(
        select(Connection.name, Listing.external_id, func.count())
        .join(Listing, col(Listing.connection_id) == col(Connection.id))
        .join(OrderLine, col(OrderLine.listing_id) == col(Listing.id))
        .join(SalesLog, col(SalesLog.order_line_id) == col(OrderLine.id))
        .where(
            Connection.merchant_id == merchant_id,
            col(Listing.external_id).in_(listings),
            Listing.match != Match.LINKED,
        )
        .group_by(col(Connection.name), col(Listing.external_id))
    )
    return {(name, listing): int(count) for name, listing, count in rows}


def _refused(case: _Case) -> _Words:
    return _Words(
        icon="bad",
        tone="warn",
        state="Refused",
        until="its units are kept from sale, so nothing is sold twice.",
        todo=f"Mend what {case.authority.name} says and try again; or record the sale there by hand and say so here.",
        buttons=(RETRY, LEAVE_OUT),
        can_name_sale=True,
    )


def _not_certain(case: _Case) -> _Words:
    return _Words(
        icon="clock",
        tone="warn",
        state="Not certain",
        until="it is not sent again by itself.",
        todo=f"Look for {case.detail('invoice_no')} in {case.authority.name}. If it is there, say so here; if not, try "
        "again.",
        buttons=(RETRY, LEAVE_OUT),
        can_name_sale=True,
    )


def _by_hand(case: _Case) -> _Words:
    name = case.authority.name
    return _Words(
        icon="hold",
        tone="warn",
        state="By hand",
        until="its units are kept from sale.",
        todo=f"Book it in {name} by hand, then say so here; or leave it out.",
        buttons=(LEAVE_OUT,),
        can_name_sale=case.issue.kind != "return_by_hand",
    )


def _foreign_currency(case: _Case) -> _Words:
    return _Words(
        icon="hold",
        tone="warn",
        state="By hand",
        until="their units are kept from sale.",
        todo=f"Book each in {case.authority.name} by hand, then say so at the order; or leave it out there.",
        buttons=(Button(label="See the sales", path="/app/sales"),),
    )


def _no_item(case: _Case) -> _Words:
    return _Words(
        icon="link",
        tone="warn",
        state="No item",
        until="its units are kept from sale.",
        todo=f"Give an item in {case.authority.name} the SKU {case.sku}. What is owed is recorded soon.",
        buttons=(RETRY, LEAVE_OUT),
    )


def _never_paid(_case: _Case) -> _Words:
    return _Words(
        icon="hold",
        tone="warn",
        state="Units kept",
        todo="Put the units back in the store, or let them go here: then they are offered again everywhere.",
        buttons=(Button(label="Let its units go", deed="release", asks=True),),
    )


def _other(case: _Case) -> _Words:
    return _Words(
        icon="info",
        tone="info",
        state="Look at it",
        todo=case.issue.what_to_do if "`" not in case.issue.what_to_do else "Look at it, then mark it as solved.",
        buttons=(SOLVED,),
    )


def sku_path(sku: str) -> str:
    """Where the page of an SKU is."""
    return f"/app/stock/{in_path(sku)}"


_KINDS: dict[str, Callable[[_Case], _Words]] = {
    "needs_auth": _needs_auth,
    "webhooks_broken": _webhooks_broken,
    "listing_gone": _gone,
    "duplicate_sku": _duplicate,
    "push_refused": _push_refused,
    "unreadable_delivery": _unreadable,
    "reading_held": _reading_held,
    "drift_held": _held_figure,
    "undone": _held_figure,
    "oversell": _oversell,
    "fractional_stock": _fraction,
    "location_gone": _location_gone,
    "stuck": _stuck,
    "unknown_sku": _unknown_sku,
    "refused_by_backoffice": _refused,
    "sale_not_certain": _not_certain,
    "foreign_currency": _foreign_currency,
    "return_by_hand": _by_hand,
    "no_item": _no_item,
    "never_paid": _never_paid,
}
