"""The connector dialect: the back office behind Ultimate POS's Connector routes.

A sale is sent alone, under our invoice number, source and contact, so that it can be looked up; `judge.py` reads what
became of it. With `strict` it is made in two steps (`drafts.py`). Returns are cumulative, read before they are written.
`probe.py` finds out what a server really honours, `routes.py` asks it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.prokip import drafts
from connectors.prokip.client import ProkipClient
from connectors.prokip.contacts import Contacts
from connectors.prokip.judge import is_recorded_return, judged_sale
from connectors.prokip.look_up import BY_CONTACT, NOT_AT_ALL
from connectors.prokip.probe import probe, time_zone_of
from connectors.prokip.routes import Routes
from connectors.prokip.translate import (
    ItemWithRows,
    items_of_product,
    items_of_variations,
    recorded_sale,
    refs_of,
    return_body,
    sell_form,
    sold_at,
    source_of,
)
from connectors.prokip.unreadable import stock_rows_of
from connectors.prokip.writing import to_json
from connectors.sdk.answer import Answer
from connectors.sdk.budget import Priority
from connectors.sdk.contract import Account, BackOfficeTraits
from connectors.sdk.errors import ConnectorError, ListingGone, OutcomeUnknown, RefusalKind, Refused
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    AccountInfo,
    AuthorityPage,
    RecordedLine,
    RecordedSale,
    ReturnedLine,
    ReturnTarget,
    Sale,
    StockRef,
    TillHints,
    UnreadableItem,
)

CATALOGUE_ROWS = 200
SALES_ROWS = 100
HINT_ROWS = 50
READ_ROWS = 100
# A till's sale carries the time at which it was rung up, and is listed only when it is saved.
HINT_OVERLAP = timedelta(seconds=60)
_RECORD, _RETURN, _STOCK, _LOOK_UP = "record the sale", "record the return", "read stock", "look up the sale"


class ProkipBackOffice:
    """One Prokip business. Safe to use from several threads."""

    def __init__(self, account: Account, client: ProkipClient) -> None:
        self._account = account
        self._routes = Routes(client)
        self._contacts = Contacts(self._routes)
        zone = account.settings.get("time_zone")
        self._zone = ZoneInfo(zone) if zone else None
        self._reads_variations = account.settings.get("stock_route", "variation") == "variation"
        self._allows_overselling = account.settings.get("allow_overselling") != "no"

    @property
    def traits(self) -> BackOfficeTraits:
        """Sales are looked up where the probe found that lists can be trusted."""
        finds = self._account.settings.get("look_up") != NOT_AT_ALL
        return BackOfficeTraits(finds_sales=finds, takes_returns=True, gives_hints=True, read_rows=READ_ROWS)

    def probe(self) -> AccountInfo:
        """Some twelve calls that change nothing: who we are, where, and what the server honours."""
        return probe(self._routes, self._account)

    def close(self) -> None:
        """Give back sockets."""
        self._routes.close()

    # stock

    def catalogue(self) -> Iterator[AuthorityPage]:
        """Products by id, the only order that the server keeps over pages, with all locations at once.

        `expected` is told with the last page: the items seen, and one for every product that the server counts and did
        not list.
        """
        params = {"order_by": "newest", "order_direction": "asc"}
        products = items = total = 0
        pages = self._routes.pages(
            "product", "read the catalogue", params, CATALOGUE_ROWS, Priority.BULK, read=stock_rows_of
        )
        for answer, rows, info in pages:
            found = [one for row in rows for one in items_of_product(row)]
            products, items = products + len(rows), items + len(found)
            total = max(total, info.total or 0)  # where it shrinks on the way, a product slipped over a page's edge
            page = _page(found, answer)
            yield (
                replace(page, expected=items + max(0, total - products))
                if info.is_last
                else replace(page, is_last=False)
            )

    def read_stock(self, refs: Sequence[StockRef]) -> AuthorityPage:
        """By variation ids in one request; by product ids where the server has no such route. At least one."""
        wanted = {ref.stock_id for ref in refs}
        if self._reads_variations:
            answer = self._routes.maybe_get(f"variation/{_ids(wanted)}", _STOCK, {"per_page": "-1"})
            if answer is not None:
                return _page(items_of_variations(self._routes.read_rows(answer, _STOCK, stock_rows_of)), answer)
            self._reads_variations = False
        products = {ref.parent_id for ref in refs if ref.parent_id}
        answer = self._routes.maybe_get(f"product/{_ids(products)}", _STOCK)
        if answer is None:
            raise Refused("Prokip has no list of products.", kind=RefusalKind.CONFIGURATION, operation=_STOCK)
        rows = self._routes.read_rows(answer, _STOCK, stock_rows_of)
        found = (one for row in rows for one in items_of_product(row))
        return _page((one for one in found if _external_id(one) in {*wanted, None}), answer)

    def till_hints(self, since: datetime) -> TillHints:
        """What sales since then touched, our own left out. Misses returns, purchases and back-dated sales."""
        zone, from_then = self._time_zone(), since - HINT_OVERLAP
        until = self._account.clock.now()
        params = {"start_date": f"{from_then.astimezone(zone):%Y-%m-%d}", "order_by_date": "desc"}
        refs: dict[str, StockRef] = {}
        for _, rows, _ in self._routes.pages("sell", "read the till's sales", params, HINT_ROWS):
            fresh = [row for row in rows if sold_at(row, zone) >= from_then]
            for row in fresh:
                if not (row.maybe_text("source") or "").startswith(source_of("")):
                    refs.update((ref.stock_id, ref) for ref in refs_of(row))
            if len(fresh) < len(rows):
                break
        return TillHints(refs=tuple(refs.values()), until=until)

    # sales

    def record_sale(self, sale: Sale, *, not_after: datetime) -> RecordedSale:
        """One sell in one request, or by a draft. Its contact, if it is not known yet, is looked up or made first."""
        contact_id = self._contacts.find_or_make(sale.channel, sale.channel_name, not_after)
        form = sell_form(sale, contact_id, self._time_zone(not_after))
        try:
            if self._account.settings.get("strict") == "yes":
                return self._record_by_draft(sale, form, not_after)
            answer = self._routes.post("sell", _RECORD, to_json({"sells": [form]}), not_after)
            return judged_sale(answer, allows_overselling=self._allows_overselling)
        except ConnectorError as error:
            if isinstance(error, Refused) and error.kind is RefusalKind.CONFIGURATION:
                self._contacts.forget(sale.channel)
            error.connection, error.operation = self._account.connection, _RECORD
            raise

    def _record_by_draft(self, sale: Sale, form: drafts.Form, not_after: datetime) -> RecordedSale:
        def look() -> list[Reader]:
            listed = self._our_sales(sale.channel, sale.sold_at, sale.sold_at, _LOOK_UP, not_after)
            return [row for row in listed if row.maybe_text("invoice_no") == sale.invoice_no]

        return drafts.record(self._routes, form, look, not_after, allows_overselling=self._allows_overselling)

    def find_sale(self, sale: Sale) -> tuple[RecordedSale, ...]:
        """By source, contact and the days around the sale; the number is compared here, for no filter knows it.

        A draft is no sale.
        """
        day = timedelta(days=1)
        listed = self._our_sales(sale.channel, sale.sold_at - day, sale.sold_at + day, _LOOK_UP)
        ours = [row for row in listed if row.maybe_text("invoice_no") == sale.invoice_no]
        found = [recorded_sale(row) for row in ours if not drafts.is_draft(row)]
        return tuple(sorted(found, key=lambda one: (len(one.sale_id), one.sale_id)))

    def read_sale(self, sale_id: str) -> RecordedSale | None:
        """A sale by its id; an unknown one is answered with an empty list."""
        row = self._sale_row(sale_id)
        return None if row is None else recorded_sale(row)

    def record_return(self, target: ReturnTarget, *, not_after: datetime) -> tuple[ReturnedLine, ...]:
        """Read what has come back; send the cumulative quantities of all lines where any is too low."""
        row = self._sale_row(target.sale_id)
        if row is None:
            raise ListingGone("Prokip has no such sale.", connection=self._account.connection, operation=_RETURN)
        lines = {line.external_line_id: line for line in recorded_sale(row).lines}
        targets = {wanted.external_line_id: wanted.target for wanted in target.lines}
        for line_id, wanted in targets.items():
            self._check_return(lines.get(line_id), wanted)
        if any(wanted > lines[line_id].returned for line_id, wanted in targets.items()):
            answer = self._routes.post("sell-return", _RETURN, return_body(row, targets), not_after)
            if not is_recorded_return(answer):
                raise OutcomeUnknown(
                    "Prokip answered a return without naming its document.",
                    connection=self._account.connection,
                    operation=_RETURN,
                )
        return tuple(
            ReturnedLine(
                external_line_id=line_id, before=lines[line_id].returned, after=max(wanted, lines[line_id].returned)
            )
            for line_id, wanted in targets.items()
        )

    def sales_between(self, channel: str, since: datetime, until: datetime) -> Iterator[RecordedSale]:
        """Both ends included, the oldest first."""
        zone, ours = self._time_zone(), source_of(channel)
        for row in self._our_sales(channel, since, until, "compare the sales"):
            # A server that is too old to know sources leaves the key out; then the contact has chosen.
            is_ours = since <= sold_at(row, zone) <= until and row.fields.get("source", ours) == ours
            if is_ours and not drafts.is_draft(row):
                yield recorded_sale(row)

    def _our_sales(
        self, channel: str, since: datetime, until: datetime, operation: str, not_after: datetime | None = None
    ) -> Iterator[Reader]:
        """Rows of sales with a channel's source and contact, by date, and more where the server ignores a filter."""
        zone = self._time_zone()
        params = {
            "start_date": f"{since.astimezone(zone):%Y-%m-%d}",
            "end_date": f"{until.astimezone(zone):%Y-%m-%d}",
            "order_by_date": "asc",
        }
        if self._account.settings.get("look_up") != BY_CONTACT:
            params["source"] = source_of(channel)
        contact_id = self._contacts.find(channel, not_after)
        if contact_id:
            params["contact_id"] = contact_id
        for _, rows, _ in self._routes.pages("sell", operation, params, SALES_ROWS, not_after=not_after):
            yield from rows

    def _sale_row(self, sale_id: str) -> Reader | None:
        rows = self._routes.rows(f"sell/{sale_id}", "read the sale")
        return next((row for row in rows if row.id("id") == sale_id), None)

    def _check_return(self, line: RecordedLine | None, wanted: int) -> None:
        """The server would take back more than was sold, and let the stock grow by it."""
        if line is None or wanted > line.quantity:
            words = "has no such line" if line is None else f"has only {line.quantity} units in this line"
            raise Refused(f"The sale {words} in Prokip.", connection=self._account.connection, operation=_RETURN)

    def _time_zone(self, not_after: datetime | None = None) -> ZoneInfo:
        if self._zone is None:
            self._zone = time_zone_of(self._routes, not_after)
        return self._zone


def _page(told: Iterable[ItemWithRows | UnreadableItem], answer: Answer) -> AuthorityPage:
    found = list(told)
    read = [one for one in found if not isinstance(one, UnreadableItem)]
    return AuthorityPage(
        items=tuple(item for item, _ in read),
        rows=tuple(row for _, rows in read for row in rows),
        began_at=answer.began_at,
        answered_at=answer.answered_at,
        is_last=True,
        unreadable=tuple(one for one in found if isinstance(one, UnreadableItem)),
    )


def _external_id(one: ItemWithRows | UnreadableItem) -> str | None:
    return one.external_id if isinstance(one, UnreadableItem) else one[0].external_id


def _ids(wanted: set[str]) -> str:
    return ",".join(sorted(wanted))
