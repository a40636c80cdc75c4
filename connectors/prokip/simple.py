"""The simple dialect: `GET /inventory?locationId=` gives `[{sku, quantity}]`, `POST /sells` takes `{locationId,
items}`.

It can neither look up a sale nor take a return: what becomes of a lost answer stays unknown for good, and the traits
say so. An SKU is its own id here.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from connectors.prokip.client import DEFAULT_URL, ProkipClient
from connectors.prokip.unreadable import id_in, stock_rows_of, unreadable
from connectors.prokip.writing import to_json
from connectors.sdk.answer import Answer
from connectors.sdk.budget import Priority
from connectors.sdk.contract import Account, BackOfficeTraits
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, RefusalKind, Refused, Unavailable
from connectors.sdk.http import Call
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    AccountInfo,
    AuthorityPage,
    CatalogueItem,
    Location,
    RecordedSale,
    ReturnedLine,
    ReturnTarget,
    Sale,
    StockRef,
    StockRow,
    TillHints,
    UnreadableItem,
)

_READ, _RECORD = "read the inventory", "record the sale"


class SimpleBackOffice:
    """One location of a Prokip that speaks the simple dialect."""

    traits = BackOfficeTraits(finds_sales=False, takes_returns=False, gives_hints=False, read_rows=10_000)

    def __init__(self, account: Account, client: ProkipClient) -> None:
        self._account, self._client = account, client
        self._location_id = account.settings["location"]

    def probe(self) -> AccountInfo:
        """Read the inventory; the account is known by its host and location, nothing else is told."""
        items = self._inventory().items
        warnings = () if items else ("The inventory of this location is empty.",)
        host = urlsplit(self._account.settings.get("url") or DEFAULT_URL).netloc
        return AccountInfo(
            account_id=f"{host}/simple/{self._location_id}",
            name=f"Prokip, location {self._location_id}",
            locations=(Location(location_id=self._location_id, name=f"Location {self._location_id}"),),
            settings={"dialect": "simple"},
            warnings=(*warnings, "This dialect can neither look up a sale nor take a return: a person does that."),
        )

    def catalogue(self) -> Iterator[AuthorityPage]:
        """One request, one page."""
        yield self._inventory(Priority.BULK)

    def read_stock(self, refs: Sequence[StockRef]) -> AuthorityPage:
        """The whole inventory is read; what was not asked for is left out."""
        wanted = {ref.stock_id for ref in refs}
        return self._inventory(only=wanted)

    def till_hints(self, since: datetime) -> TillHints:  # noqa: ARG002
        """This dialect tells nothing of the till."""
        raise self._refused("tell what was sold at the till")

    def record_sale(self, sale: Sale, *, not_after: datetime) -> RecordedSale:
        """One request; the answer is an id."""
        body = {
            "locationId": sale.location_id,
            "items": [{"sku": line.sku, "quantity": line.quantity} for line in sale.lines],
        }
        answer = self._client.send(
            Call(
                method="POST",
                path="/sells",
                operation=_RECORD,
                is_write=True,
                content=to_json(body),
                headers={"Content-Type": "application/json"},
                not_after=not_after,
            )
        )
        if answer.status in {404, 405}:
            raise Refused(
                "Prokip has no /sells at this address; check the dialect.",
                kind=RefusalKind.CONFIGURATION,
                connection=self._account.connection,
                operation=_RECORD,
            )
        return RecordedSale(sale_id=self._id_in(answer), invoice_no=sale.invoice_no)

    def find_sale(self, sale: Sale) -> tuple[RecordedSale, ...]:  # noqa: ARG002
        """This dialect has no look-up."""
        raise self._refused("look up a sale")

    def read_sale(self, sale_id: str) -> RecordedSale | None:  # noqa: ARG002
        """This dialect has no look-up."""
        raise self._refused("look up a sale")

    def record_return(self, target: ReturnTarget, *, not_after: datetime) -> tuple[ReturnedLine, ...]:  # noqa: ARG002
        """This dialect takes no returns."""
        raise self._refused("take a return")

    def sales_between(self, channel: str, since: datetime, until: datetime) -> Iterator[RecordedSale]:  # noqa: ARG002
        """This dialect has no list of sales."""
        raise self._refused("list sales")

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()

    def _inventory(self, priority: Priority = Priority.TARGETED, only: set[str] | None = None) -> AuthorityPage:
        answer = self._client.read("/inventory", _READ, {"locationId": self._location_id}, priority)
        if answer.status in {404, 405}:
            raise Unavailable("Prokip has no /inventory for this location; check the dialect and the location.")
        try:
            rows = stock_rows_of(answer.json(), "the inventory")
        except MalformedPayload as error:
            raise Unavailable(f"Prokip's inventory cannot be read: {error}") from error
        told = [_stocked(row, self._location_id) for row in rows]
        wrong = [one for one in told if isinstance(one, UnreadableItem)]
        found = [one for one in told if not isinstance(one, UnreadableItem)]
        return AuthorityPage(
            items=tuple(item for item, _ in found if only is None or item.external_id in only),
            rows=tuple(row for _, row in found if only is None or row.external_id in only),
            began_at=answer.began_at,
            answered_at=answer.answered_at,
            is_last=True,
            unreadable=tuple(one for one in wrong if only is None or one.external_id in {*only, None}),
        )

    def _id_in(self, answer: Answer) -> str:
        try:
            document = answer.json()
            if isinstance(document, str | int) and not isinstance(document, bool) and document != "":
                return str(document)
            return Reader.of(document, "the answer to a sale").id("id")
        except MalformedPayload as error:
            raise OutcomeUnknown(
                "Prokip answered a sale with no id.", connection=self._account.connection, operation=_RECORD
            ) from error

    def _refused(self, what: str) -> Refused:
        return Refused(
            f"The simple dialect of Prokip cannot {what}.", connection=self._account.connection, operation=what
        )


def _stocked(row: Reader, location_id: str) -> tuple[CatalogueItem, StockRow] | UnreadableItem:
    try:
        sku = row.text("sku").strip()
        quantity, whole = row.decimal("quantity"), row.units("quantity", math.floor)
    except MalformedPayload as error:
        return unreadable(row, error, item_id=id_in(row, "sku"), product_id=None)
    item = CatalogueItem(
        external_id=sku, ref=StockRef(stock_id=sku), sku=sku or None, title=sku, tracked=True, quantity=whole
    )
    return item, StockRow(external_id=sku, location_id=location_id, quantity=whole, was_fractional=whole != quantity)
