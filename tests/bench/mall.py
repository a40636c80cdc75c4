"""A mall: merchants with many stores and a long history, written straight into the tables.

Shapes as they are in life: a few SKUs sell most of everything and are in every store, orders have one to four lines,
each is counted, pushed to the other stores and recorded in the back office; tills sell too; some orders are unpaid, some
come back, some stores show another number than they should, and people have open issues. The inventory cache is the
fold of the ledger.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schema.tables import (
    AuditEvent,
    BackOffice,
    Connection,
    Delivery,
    Drift,
    InventoryCache,
    Issue,
    IssueNote,
    Listing,
    Location,
    Merchant,
    Movement,
    Order,
    OrderLine,
    OrderRefund,
    PoolLocation,
    Push,
    PushBatch,
    Rule,
    SaleDocument,
    SaleDocumentLine,
    SalesLog,
    StockItem,
    SyncRun,
)
from tests.bench.rows import Books

BODY = (
    b'{"id": 1, "line_items": [' + b'{"id": 2, "sku": "MUG", "quantity": 1, "price": "10.00", "title": "A mug"}, ' * 20
)
ISSUES = (
    "oversell",
    "drift_held",
    "unknown_sku",
    "refused_by_backoffice",
    "never_paid",
    "listing_gone",
    "push_refused",
    "duplicate_sku",
    "no_item",
    "needs_auth",
)
BESTSELLER = "SKU-00000"
NEW = timedelta(seconds=40)
"""Orders that are younger are still being recorded."""
READ = timedelta(minutes=4)
"""How long ago the back office was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a merchant is. `sales` counts rows of the sales log, `listings` those of stores."""

    stores: int = 20
    skus: int = 12_500
    listings: int = 50_000
    sales: int = 200_000
    days: int = 60
    issues: int = 150


@dataclass(slots=True)
class Shelf:
    """One SKU at one location, as the ledger says."""

    on_hand: int = 0
    open: int = 0
    at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Sold:
    """One order while it is written."""

    order: int
    name: str
    external_id: str
    store: int
    at: datetime
    heard: datetime
    is_recorded: bool
    skus: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Mall:
    """Writes one merchant."""

    books: Books
    size: Size
    name: str
    now: datetime
    random: random.Random
    merchant: int = 0
    office: int = 0
    places: list[int] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)
    states: dict[int, str] = field(default_factory=dict)
    skus: list[str] = field(default_factory=list)
    sold_in: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    listings: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    stores_of: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    shelves: dict[tuple[int, str], Shelf] = field(default_factory=lambda: defaultdict(Shelf))
    last_order: int = 0
    n: int = 0

    def build(self) -> int:
        """Everything; returns the merchant's id."""
        self.people()
        self.shelve()
        for at in self.moments():
            self.order(at)
        self.figures()
        self.paperwork()
        return self.merchant

    @property
    def begun(self) -> datetime:
        """When the history begins."""
        return self.now - timedelta(days=self.size.days)

    @property
    def code(self) -> str:
        """What tells this merchant's rows apart."""
        return f"m{self.merchant}"

    # ------------------------------------------------------------------------------------- who and what

    def people(self) -> None:
        """The merchant, locations, back office, stores."""
        add, began = self.books.add, self.begun
        self.merchant = add(Merchant, name=self.name, time_zone="Africa/Nairobi", currency="KES", created_at=began)
        for n, name in enumerate(("Westlands", "Mombasa Road")):
            place = add(Location, merchant_id=self.merchant, external_id=f"L{n + 1}", name=name, is_default=n == 0)
            self.places.append(place)
        self.office = self.connection("Prokip", "backoffice", "live", "fake-office", {"office": "books.example"})
        add(
            BackOffice,
            merchant_id=self.merchant,
            connection_id=self.office,
            hinted_at=self.now,
            swept_at=self.now,
            catalogue_at=self.now,
        )
        unusual = {self.size.stores - 1: "shadow", self.size.stores - 2: "paused"} if self.size.stores > 2 else {}
        for n in range(self.size.stores):
            state = unusual.get(n, "live")
            account = f"store-{n + 1}-of-{self.merchant}.example"
            store = self.connection(f"Store {n + 1}", "store", state, "fake", {"shop": account})
            self.stores.append(store)
            self.states[store] = state
            for position, place in enumerate(self.places[: 2 if n % 4 == 3 else 1]):
                add(PoolLocation, connection_id=store, location_id=place, position=position)

    def connection(self, name: str, role: str, state: str, platform: str, settings: dict[str, str]) -> int:
        """One connection."""
        self.n += 1
        is_live = state != "shadow"
        return self.books.add(
            Connection,
            merchant_id=self.merchant,
            name=name,
            code=f"{self.code}-{self.n}",
            public_id=f"public-{self.code}-{self.n}",
            platform=platform,
            role=role,
            state=state,
            account_id=next(iter(settings.values())),
            currency="KES",
            settings=json.dumps(settings),
            credentials=b"",
            live_at=self.begun if is_live else None,
            live_since=self.begun if is_live else None,
            orders_cursor=self.now,
            pulled_at=self.now,
            last_delivery_at=self.now,
            created_at=self.begun,
        )

    def shelve(self) -> None:
        """SKUs, which store has which, and the first reading of the back office."""
        size = self.size
        self.skus = [f"SKU-{n:05}" for n in range(size.skus)]
        every = max(1, size.skus // 50)
        spare = max(0, size.listings - every * size.stores)
        for n, sku in enumerate(self.skus):
            share = (
                (n - every) * spare // max(1, size.skus - every),
                (n - every + 1) * spare // max(1, size.skus - every),
            )
            count = size.stores if n < every else min(size.stores, share[1] - share[0])
            for store in self.random.sample(self.stores, count):
                self.stores_of[sku].append(store)
                self.sold_in[store].append(sku)
                self.listings[store, sku] = self.books.reserve(Listing), self.books.reserve(StockItem)
            for place in self.places:
                self.reading(place, sku, self.random.randrange(0, 80), self.begun, "first")
        for sku in self.random.sample(self.skus, min(300, size.skus)):
            self.books.add(Rule, merchant_id=self.merchant, kind="safety_stock", sku=sku, value=2)
        self.books.add(Rule, merchant_id=self.merchant, kind="low_stock", value=5)

    def reading(self, place: int, sku: str, number: int, at: datetime, event: str) -> None:
        """The back office says so many."""
        shelf = self.shelves[place, sku]
        self.move(place, sku, "reading", at, self.office, event, on_hand=number - shelf.on_hand, value=number)

    def move(
        self,
        place: int,
        sku: str,
        kind: str,
        at: datetime,
        source: int,
        event: str,
        *,
        on_hand: int = 0,
        opened: int = 0,
        value: int | None = None,
        line: str = "",
        order: int | None = None,
        note: str = "",
    ) -> None:
        """One movement, and its shelf."""
        shelf = self.shelves[place, sku]
        shelf.on_hand += on_hand
        shelf.open += opened
        shelf.at = at
        self.books.add(
            Movement,
            merchant_id=self.merchant,
            location_id=place,
            sku=sku,
            kind=kind,
            on_hand_delta=on_hand,
            open_delta=opened,
            value=value,
            source=f"{self.code}-{source}",
            event=event,
            line=line or f"{place}:{sku}",
            order_id=order,
            note=note,
            occurred_at=at,
            recorded_at=at,
        )

    # ------------------------------------------------------------------------------------- a long time

    def moments(self) -> Iterator[datetime]:
        """When orders are placed: two lines each, all the time, the newest of them now."""
        count = self.size.sales // 2
        for n in range(count):
            yield self.begun + timedelta(days=self.size.days) * ((n + self.random.random()) / count)

    def order(self, at: datetime) -> None:
        """One order and what became of it: counted, told to other stores, recorded, now and then given back."""
        n = self.last_order = self.last_order + 1
        store = self.stores[min(int(self.random.expovariate(0.25)), len(self.stores) - 1)]
        is_live = self.states[store] != "shadow"
        is_new = self.now - at < timedelta(hours=6)
        is_paid = not (is_new and n % 5 == 0)
        is_owed = is_live and is_paid and self.now - at < NEW
        heard = at + timedelta(seconds=0.2 + self.random.random())
        order = self.books.add(
            Order,
            merchant_id=self.merchant,
            connection_id=store,
            external_id=f"o{n}",
            name=f"#{n}",
            version=at,
            placed_at=at,
            is_paid=is_paid,
            paid_at=at if is_paid else None,
            is_owed=is_owed,
            currency="KES",
            shipping="0.0000",
            heard_at=heard,
            changed_at=heard,
        )
        sold = Sold(
            order=order,
            name=f"#{n}",
            external_id=f"o{n}",
            store=store,
            at=at,
            heard=heard,
            is_recorded=is_live and is_paid and not is_owed,
        )
        for line in range(1 + n % 3):
            self.line(sold, line, self.choice(store, sold.skus))
        if sold.is_recorded:
            self.record(sold)
            if n % 33 == 0:
                self.give_back(sold)
        if is_live:
            self.tell_others(sold)
        if heard > self.now - timedelta(days=30):
            self.heard_of(sold)
        if n % 10 == 0:
            sku = self.choice(store, ())
            place = self.places[n % 2]
            left = self.shelves[place, sku].on_hand
            number = left - 1 if left > 3 else left + self.random.randrange(40, 400)
            self.reading(place, sku, number, heard, f"reading-{n // 100}-{n}")

    def choice(self, store: int, but: Sequence[str]) -> str:
        """Two in three sales are of the SKUs that everybody has, the first of them most."""
        skus = self.sold_in[store]
        best = min(len(skus), max(1, self.size.skus // 50))
        while True:
            n = min(int(self.random.expovariate(8 / best)), best - 1) if self.random.random() < 0.66 else None
            sku = skus[self.random.randrange(len(skus)) if n is None else n]
            if sku not in but:
                return sku

    def line(self, sold: Sold, line: int, sku: str) -> None:
        """One line of an order, counted."""
        place, is_live = self.places[0], self.states[sold.store] != "shadow"
        sold.skus.append(sku)
        row = self.books.add(
            OrderLine,
            order_id=sold.order,
            external_id=f"{sold.external_id}-{line}",
            listing_external_id=f"l-{sku}",
            listing_id=self.listings[sold.store, sku][0],
            location_id=place,
            sku=sku,
            told_sku=sku,
            title=f"Item {sku}",
            quantity=1,
            told_taken=1,
            taken=1,
            acknowledged=1 if sold.is_recorded else 0,
            is_counted=is_live,
            moves=1,
            total="450.0000",
            tax="0.0000",
        )
        sold.lines.append(row)
        self.log(sold, line, "sale", sold.at, sold.heard)
        if is_live:
            cause = {"line": f"{sold.external_id}-{line}", "order": sold.order, "note": sold.name}
            self.move(place, sku, "order", sold.heard, sold.store, sold.external_id, opened=1, **cause)

    def log(self, sold: Sold, line: int, kind: str, at: datetime, heard: datetime) -> None:
        """One row of the sales log."""
        self.books.add(
            SalesLog,
            merchant_id=self.merchant,
            connection_id=sold.store,
            order_id=sold.order,
            order_line_id=sold.lines[line],
            order_external_id=sold.external_id,
            line=f"{sold.external_id}-{line}",
            kind=kind,
            sku=sold.skus[line],
            title=f"Item {sold.skus[line]}",
            quantity=1,
            unit_price="450.0000",
            currency="KES",
            backoffice_id=f"b{sold.order}" if sold.is_recorded else None,
            occurred_at=at,
            recorded_at=heard,
        )

    def record(self, sold: Sold) -> None:
        """The back office has it."""
        at = sold.heard + timedelta(seconds=1 + self.random.random() * 20)
        invoice = f"{self.code}-{sold.external_id}"
        document = self.books.add(
            SaleDocument,
            merchant_id=self.merchant,
            order_id=sold.order,
            location_id=self.places[0],
            invoice_no=invoice,
            state="recorded",
            body=json.dumps({"invoice_no": invoice, "lines": [{"sku": sku, "quantity": 1} for sku in sold.skus]}),
            backoffice_id=f"b{sold.order}",
            attempts=1,
            sent_at=at - timedelta(seconds=1),
            recorded_at=at,
        )
        for line, (row, sku) in enumerate(zip(sold.lines, sold.skus, strict=True)):
            self.books.add(
                SaleDocumentLine,
                document_id=document,
                order_line_id=row,
                sku=sku,
                external_id=f"p-{sku}",
                quantity=1,
                unit_price="450.0000",
                external_line_id=f"{line}",
            )
            cause = {"line": f"{line}", "order": sold.order, "note": sold.name}
            self.move(self.places[0], sku, "recorded", at, self.office, invoice, on_hand=-1, opened=-1, **cause)

    def give_back(self, sold: Sold) -> None:
        """The first line comes back two hours later, if that is not yet to come."""
        at = min(sold.heard + timedelta(hours=2), self.now)
        self.books.add(
            OrderRefund, order_id=sold.order, external_id=f"r-{sold.external_id}", created_at=at, amount="450.0000"
        )
        self.log(sold, 0, "return", at, at)
        cause = {"line": "back", "order": sold.order, "note": sold.name}
        place, sku = self.places[0], sold.skus[0]
        self.move(place, sku, "order", at, sold.store, sold.external_id, opened=-1, **cause)
        self.move(place, sku, "returned", at, self.office, f"return-{sold.external_id}", on_hand=1, opened=1, **cause)

    def tell_others(self, sold: Sold) -> None:
        """Two other stores that have the SKUs are set to their new numbers; now and then one showed another."""
        told: dict[int, list[str]] = defaultdict(list)
        for sku in sold.skus:
            others = [store for store in self.stores_of[sku] if store != sold.store and self.states[store] == "live"]
            for store in others if len(others) < 3 else self.random.sample(others, 2):
                told[store].append(sku)
        for store, skus in told.items():
            self.push(sold, store, skus)

    def push(self, sold: Sold, store: int, skus: Sequence[str]) -> None:
        """One run with one call."""
        add, begun = self.books.add, sold.heard + timedelta(seconds=0.05)
        answered = begun + timedelta(seconds=0.1 + self.random.expovariate(1.5))
        run = add(
            SyncRun,
            merchant_id=self.merchant,
            connection_id=store,
            kind="push",
            cause=f"order {sold.name}",
            state="done",
            counts=json.dumps({"acknowledged": len(skus)}),
            done=len(skus),
            total=len(skus),
            started_at=begun,
            ended_at=answered,
        )
        batch = add(
            PushBatch,
            connection_id=store,
            run_id=run,
            key=f"{self.code}-{sold.order}-{store}"[:36],
            lease_token="token",
            intent_at=begun,
            answered_at=answered,
        )
        for sku in skus:
            shelf = self.shelves[self.places[0], sku]
            left = max(0, shelf.on_hand - shelf.open)
            is_refused = self.random.random() < 0.005
            add(
                Push,
                connection_id=store,
                batch_id=batch,
                run_id=run,
                stock_item_id=self.listings[store, sku][1],
                sku=sku,
                expected=left + 1,
                target=left,
                difference=-1,
                desired=left,
                state="refused" if is_refused else "acknowledged",
                before=left + 2 if is_refused else left + 1,
                after=None if is_refused else left,
                cause=f"order {sold.name}",
                sold_at=sold.at,
                intent_at=begun,
                answered_at=answered,
            )

    def heard_of(self, sold: Sold) -> None:
        """The webhook that told of it."""
        self.books.add(
            Delivery,
            connection_id=sold.store,
            key=sold.external_id,
            topic="orders/create",
            headers='{"x-topic": "orders/create"}',
            body=BODY,
            state="applied",
            attempts=1,
            received_at=sold.heard - timedelta(seconds=0.1),
            applied_at=sold.heard,
        )

    # ------------------------------------------------------------------------------------- what is now

    def figures(self) -> None:
        """The cache, and what every store shows of it; some wait, a few are held."""
        for (place, sku), shelf in self.shelves.items():
            self.books.add(
                InventoryCache,
                merchant_id=self.merchant,
                location_id=place,
                sku=sku,
                on_hand=shelf.on_hand,
                open=shelf.open,
                reading=shelf.on_hand,
                read_began_at=self.now - READ,
                read_answered_at=self.now - READ,
                updated_at=shelf.at,
            )
        for n, ((store, sku), (listing, item)) in enumerate(self.listings.items()):
            shelf = self.shelves[self.places[0], sku]
            self.listed(store, sku, listing, item, n, max(0, shelf.on_hand - shelf.open))
        for sku in self.skus:
            self.listed(self.office, sku, self.books.reserve(Listing), self.books.reserve(StockItem), 1, None)

    def listed(self, store: int, sku: str, listing: int, item: int, n: int, shows: int | None) -> None:
        """One SKU in one store, or in the back office."""
        add, is_apart = self.books.add, n % 500 == 0
        match = ("unmatched", "no_sku", "duplicate", "ignored")[n // 500 % 4] if is_apart else "linked"
        differs = 1 if n % 900 == 7 else 0
        add(
            StockItem,
            id=item,
            connection_id=store,
            external_id=f"i-{sku}",
            desired=None if is_apart else shows,
            observed=None if shows is None else shows + differs,
            held=3 if n % 5000 == 11 else 0,
            confirmed_at=self.now,
        )
        add(
            Listing,
            id=listing,
            merchant_id=self.merchant,
            connection_id=store,
            external_id=f"l-{sku}",
            stock_item_id=item,
            external_sku=None if match == "no_sku" else sku,
            sku=None if is_apart else sku,
            match=match,
            title=f"Item {sku}",
            tracked=n % 800 != 3,
            price="450.0000",
            linked_at=self.begun,
            seen_at=self.now,
        )

    def paperwork(self) -> None:
        """Issues, notes, drift, the audit trail."""
        for n in range(self.size.issues * 10):
            self.issue(n, is_open=n % 10 == 0)
        for n, (_, item) in enumerate(self.listings.values()):
            if n % 25 == 0:
                at = self.begun + timedelta(days=self.size.days) * self.random.random()
                self.books.add(Drift, stock_item_id=item, believed=5, found=4, verdict="corrected", found_at=at)
        for n in range(self.size.issues * 30):
            self.books.add(
                AuditEvent,
                merchant_id=self.merchant,
                actor=f"operator@{self.code}.example",
                action="issue.resolve",
                target=f"issue {n}",
                at=self.begun + timedelta(minutes=n),
            )

    def issue(self, n: int, *, is_open: bool) -> None:
        """One issue."""
        kind = ISSUES[n // 10 % len(ISSUES)]
        sku = self.skus[n % len(self.skus)]
        store = self.stores[n % len(self.stores)]
        at = self.now - timedelta(hours=n / 10)
        place = self.places[0]
        details = {"location": "Westlands", "on_hand": 1, "open": 2, "shown": 4, "should": 3, "listing": f"l-{sku}"}
        number = self.books.add(
            Issue,
            merchant_id=self.merchant,
            kind=kind,
            key=f"{kind}:{place}:{sku}:{n}",
            connection_id=None if kind == "oversell" else store,
            sku=None if kind == "needs_auth" else sku,
            title=f"{sku}: {kind}",
            why="It happened so.",
            what_to_do="Look at it.",
            details=json.dumps(details),
            state="open" if is_open else "resolved",
            opened_at=at,
            seen_at=at,
            resolved_at=None if is_open else at + timedelta(hours=1),
        )
        self.books.add(IssueNote, issue_id=number, author=f"operator@{self.code}.example", words="Seen.", at=at)
