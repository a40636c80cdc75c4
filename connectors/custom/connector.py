"""A store of one's own: every call of docs/custom-store.md, put into the words of the contract.

The shop compares and sets by itself where it says that it can; else the figures are read just before they are written.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.custom import translate, webhooks
from connectors.custom.client import CustomClient
from connectors.sdk.answer import Answer
from connectors.sdk.contract import Account, StoreTraits
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, Refused, Unavailable
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    AccountInfo,
    CatalogueItem,
    CataloguePage,
    CreateOutcome,
    CreateResult,
    Fact,
    FigureState,
    NewItem,
    NewItems,
    OrderSnapshot,
    OrdersPage,
    StockFigure,
    StockReading,
    StockRef,
    StockWrite,
    WebhookReport,
    WebhookState,
    WriteAnswer,
    WriteBatch,
    WriteOutcome,
    WriteResult,
)

ROWS = 100
CREATE_ROWS = 10
# A shop notes the time of a change before the change can be listed.
ORDER_OVERLAP = timedelta(minutes=2)
WEBHOOK = "webhook"
_NOT_WRITTEN = {FigureState.UNTRACKED: WriteOutcome.UNTRACKED, FigureState.GONE: WriteOutcome.GONE}


class CustomStore:
    """One custom store. Safe to use from several threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = CustomClient(account)
        self._compares = account.settings.get("compares") == "yes"
        self._creates = account.settings.get("creates") == "yes"

    @property
    def traits(self) -> StoreTraits:
        """As the shop described itself when it was probed."""
        return StoreTraits(
            compares=self._compares,
            order_overlap=ORDER_OVERLAP,
            write_rows=ROWS,
            read_rows=ROWS,
            create_rows=CREATE_ROWS if self._creates else 0,
        )

    def probe(self) -> AccountInfo:
        """Ask the shop what it is; the signature is proven by that."""
        about, _ = self._client.ask("shop.describe", {}, "ask the shop what it is")
        with self._reading("ask the shop what it is"):
            shop_id, compares = translate.short_id(about, "id"), about.maybe_flag("compares") is True
            creates = about.maybe_flag("creates") is True
            name, currency = about.maybe_text("name") or shop_id, about.maybe_text("currency") or ""
        warning = (
            "This shop cannot compare before it writes: a sale in the same moment can be buried until the next look."
        )
        return AccountInfo(
            account_id=f"{self._client.host}/{shop_id}",
            name=name,
            currency=currency,
            settings={"compares": "yes" if compares else "no", "creates": "yes" if creates else "no"},
            warnings=() if compares else (warning,),
        )

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()

    # ------------------------------------------------------------------------------------------ catalogue and stock

    def catalogue(self) -> Iterator[CataloguePage]:
        """Page by page, by the shop's own cursor."""
        operation = "read the catalogue"
        for page, _, is_last in self._pages("items.list", {}, operation):
            with self._reading(operation):
                items = tuple(map(translate.item, page.each("items")))
            yield CataloguePage(items=items, is_last=is_last)

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """Those that the shop still has."""
        found, _ = self._named("items", external_ids, "read items")
        with self._reading("read items"):
            return tuple(translate.item(row) for row in found.values() if row is not None)

    def read_stock(self, refs: Sequence[StockRef]) -> StockReading:
        """One call; the shop has to name every id."""
        figures, answer = self._figures([ref.stock_id for ref in refs])
        return StockReading(
            figures=figures,
            began_at=answer.began_at,
            answered_at=answer.answered_at,
            platform_at=answer.platform_at,
        )

    def batches(self, writes: Sequence[StockWrite]) -> list[tuple[StockWrite, ...]]:
        """A hundred rows each."""
        return [tuple(writes[start : start + ROWS]) for start in range(0, len(writes), ROWS)]

    def write_stock(self, batch: WriteBatch) -> WriteAnswer:
        """All rows or none. Where the shop cannot compare, what differs already is left out."""
        results: dict[str, WriteResult] = {}
        platform_at = self._account.clock.now()
        wanted = {write.ref.stock_id: write for write in batch.writes}
        if not self._compares:
            figures, answer = self._figures(list(wanted))
            platform_at = answer.platform_at
            results = {key: found for key, write in wanted.items() if (found := _compared(write, figures.get(key)))}
        open_writes = [write for key, write in wanted.items() if key not in results]
        if open_writes:
            written, platform_at = self._set(batch, open_writes)
            results |= written
        return WriteAnswer(results=results, platform_at=platform_at)

    def _set(self, batch: WriteBatch, writes: Sequence[StockWrite]) -> tuple[dict[str, WriteResult], datetime]:
        rows = [{"id": one.ref.stock_id, "expected": one.expected, "quantity": one.quantity} for one in writes]
        content = {"reference": batch.reference, "key": batch.key, "rows": rows}
        try:
            answer = self._client.tell("stock.set", content, "write stock", batch.not_after)
        except Refused as error:
            refused = WriteResult(outcome=WriteOutcome.REFUSED, words=str(error))
            return {one.ref.stock_id: refused for one in writes}, self._account.clock.now()
        if answer.status == 409:
            return self._mismatches(answer, writes), answer.platform_at
        done = WriteResult(outcome=WriteOutcome.WRITTEN)
        return {one.ref.stock_id: done for one in writes}, answer.platform_at

    def _mismatches(self, answer: Answer, writes: Sequence[StockWrite]) -> dict[str, WriteResult]:
        """Nothing was written, because some figures are others than expected. The rest is to be planned again."""
        found = _told_figures(answer)
        nameless = [key for key, quantity in found.items() if quantity is None]
        states = self._figures(nameless)[0] if nameless else {}
        results = {}
        for write in writes:
            key = write.ref.stock_id
            told = states.get(key) or StockFigure(state=FigureState.TRACKED, quantity=found.get(key, write.expected))
            results[key] = _compared(write, told) or WriteResult(outcome=WriteOutcome.NOT_SENT)
        if all(result.outcome is WriteOutcome.NOT_SENT for result in results.values()):
            return {write.ref.stock_id: WriteResult(outcome=WriteOutcome.MISMATCH) for write in writes}
        return results

    # ------------------------------------------------------------------------------------------ making products

    def create_items(self, wanted: NewItems) -> Mapping[str, CreateResult]:
        """One call. The shop finds a SKU that it has before it makes it, and says for each what is wrong."""
        rows = [_new_row(new) for new in wanted.items]
        content = {"key": wanted.key, "draft": wanted.is_draft, "items": rows}
        answer = self._client.tell("items.create", content, "make products", wanted.not_after)
        try:
            told = list(Reader.of(answer.json(), "the new items").each("items"))
        except MalformedPayload as error:
            raise OutcomeUnknown(f"The shop did not say what it made. {error}", operation="make products") from error
        if len(told) != len(rows):
            raise OutcomeUnknown(f"The shop answered {len(told)} of {len(rows)} new items.", operation="make products")
        return {new.sku: _made(new, row) for new, row in zip(wanted.items, told, strict=True)}

    # ------------------------------------------------------------------------------------------ orders

    def orders_since(self, since: datetime) -> Iterator[OrdersPage]:
        """By the shop's own cursor, from the whole second on."""
        return self._orders("orders.list", {"changed_since": translate.whole_second(since)}, "read changed orders")

    def open_orders(self) -> Iterator[OrdersPage]:
        """By the shop's own cursor."""
        return self._orders("orders.open", {}, "read open orders")

    def read_order(self, order_id: str) -> OrderSnapshot | None:
        """One order; None where the shop says that it does not exist."""
        found, _ = self._named("orders", [order_id], "read the order")
        row = found[order_id]
        return None if row is None else translate.order(row)

    def _orders(self, kind: str, content: Mapping[str, object], operation: str) -> Iterator[OrdersPage]:
        for page, answer, is_last in self._pages(kind, content, operation):
            orders: list[OrderSnapshot] = []
            unreadable: dict[str, str] = {}
            with self._reading(operation):
                rows = list(page.each("orders"))
            for position, row in enumerate(rows, start=1):
                try:
                    orders.append(translate.order(row))
                except MalformedPayload as error:
                    unreadable[_name_of(row, position)] = str(error)
            yield OrdersPage(
                orders=tuple(orders), platform_at=answer.platform_at, is_last=is_last, unreadable=unreadable
            )

    # ------------------------------------------------------------------------------------------ webhooks

    def check_webhooks(self, url: str, *, repair: bool) -> WebhookReport:
        """There is one address; another one there is replaced when asked to."""
        known = self._webhook_url()
        if known == url:
            return WebhookReport(states={WEBHOOK: WebhookState.RIGHT})
        words = {WEBHOOK: "the shop sends nothing" if known is None else "the shop sends to another address"}
        if not repair:
            return WebhookReport(states={WEBHOOK: WebhookState.MISSING}, words=words)
        self._client.tell("webhook.set", {"url": url}, "set the webhook")
        state = WebhookState.MADE if known is None else WebhookState.REPAIRED
        return WebhookReport(states={WEBHOOK: state}, words=words)

    def remove_webhooks(self, url: str) -> None:
        """Take our address away, and nobody else's."""
        if self._webhook_url() == url:
            self._client.tell("webhook.set", {"url": None}, "remove the webhook")

    def facts(self, headers: Mapping[str, str], body: bytes) -> tuple[Fact, ...]:  # noqa: ARG002 - the body tells
        """Translate one verified delivery."""
        return webhooks.facts(body)

    def _webhook_url(self) -> str | None:
        told, _ = self._client.ask("webhook.get", {}, "check the webhook")
        with self._reading("check the webhook"):
            return told.maybe_text("url")

    # ------------------------------------------------------------------------------------------ the way there

    def _pages(self, kind: str, content: Mapping[str, object], operation: str) -> Iterator[tuple[Reader, Answer, bool]]:
        """Every page, and whether it is the last one. A cursor that comes twice would never end."""
        cursor: str | None = None
        seen: set[str | None] = {None}
        while True:
            page, answer = self._client.ask(kind, {**content, "cursor": cursor}, operation)
            with self._reading(operation):
                cursor = page.maybe_id("next")
                if cursor is not None and cursor in seen:
                    raise MalformedPayload("the same cursor came twice.")
            seen.add(cursor)
            yield page, answer, cursor is None
            if cursor is None:
                return

    def _named(self, kind: str, ids: Sequence[str], operation: str) -> tuple[dict[str, Reader | None], Answer]:
        """Items or orders by their ids: one entry for each, None where the shop says that there is none."""
        page, answer = self._client.ask(f"{kind}.get", {"ids": list(ids)}, operation)
        with self._reading(operation):
            values = page.values(kind)
            if len(values) != len(ids):
                raise MalformedPayload(f"{len(values)} {kind} for {len(ids)} ids.")
            rows = [None if value is None else Reader.of(value, kind) for value in values]
            found = dict(zip(ids, rows, strict=True))
            if any(row is not None and row.id("id") != key for key, row in found.items()):
                raise MalformedPayload(f"{kind} that were not asked for.")
        return found, answer

    def _figures(self, ids: Sequence[str]) -> tuple[dict[str, StockFigure], Answer]:
        found, answer = self._named("items", ids, "read stock")
        gone = StockFigure(state=FigureState.GONE)
        with self._reading("read stock"):
            return {key: gone if row is None else translate.figure_of(row) for key, row in found.items()}, answer

    @contextmanager
    def _reading(self, operation: str) -> Iterator[None]:
        """An answer that is not as agreed is no answer: it may be another one next time."""
        try:
            yield
        except MalformedPayload as error:
            words = f"The shop's answer to {operation} cannot be read: {error}"
            raise Unavailable(words, connection=self._account.connection, operation=operation) from error


def _compared(write: StockWrite, figure: StockFigure | None) -> WriteResult | None:
    """Why a write must not be sent, by the figure as it is; None where it may."""
    if figure is None:
        return WriteResult(outcome=WriteOutcome.NOT_SENT)
    if figure.state in _NOT_WRITTEN:
        return WriteResult(outcome=_NOT_WRITTEN[figure.state])
    if figure.quantity != write.expected:
        return WriteResult(outcome=WriteOutcome.MISMATCH, found=figure.quantity)
    return None


def _new_row(new: NewItem) -> dict[str, object]:
    price = None if new.price is None else str(new.price)
    return {"sku": new.sku, "title": new.title, "price": price, "image_url": new.image_url}


def _made(new: NewItem, row: Reader) -> CreateResult:
    """An item as it is now, or why there is none."""
    try:
        if row.has("error"):
            return CreateResult(outcome=CreateOutcome.REFUSED, words=row.text("error"))
        item = translate.item(row)
    except MalformedPayload as error:
        return CreateResult(outcome=CreateOutcome.UNKNOWN, words=str(error))
    if item.sku != new.sku:
        return CreateResult(outcome=CreateOutcome.UNKNOWN, words=f"The shop answered with the SKU {item.sku}.")
    return CreateResult(outcome=CreateOutcome.CREATED, item=item)


def _told_figures(answer: Answer) -> dict[str, int | None]:
    """The figures in an answer of 409; empty where it cannot be read."""
    try:
        rows = list(Reader.of(answer.json(), "the mismatch").each("rows"))
        return {row.id("id"): row.maybe_whole("quantity") for row in rows}
    except MalformedPayload:
        return {}


def _name_of(row: Reader, position: int) -> str:
    try:
        return translate.short_id(row, "id")
    except MalformedPayload:
        return f"number {position} of the page"
