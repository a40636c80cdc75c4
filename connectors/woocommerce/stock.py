"""Writing stock: read just before, compare ourselves, set, and judge what the answer shows.

WooCommerce compares nothing, and its 200 proves nothing: a write to a product that nobody counts is passed over.
"""

import threading
from collections.abc import Iterator, Sequence

from connectors.sdk.answer import Answer
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    FigureState,
    StockFigure,
    StockWrite,
    WriteAnswer,
    WriteBatch,
    WriteOutcome,
    WriteResult,
)
from connectors.woocommerce import translate
from connectors.woocommerce.client import PAGE, TooLarge, WooClient
from connectors.woocommerce.goods import Goods

SMALLEST = 5
GONE_CODES = ("woocommerce_rest_product_invalid_id", "woocommerce_rest_product_variation_invalid_id")


class BatchSize:
    """How many rows one call takes: halved when the host chokes, a little more after each success, at most 100."""

    def __init__(self) -> None:
        self._rows, self._lock = PAGE, threading.Lock()

    @property
    def rows(self) -> int:
        """Rows for the next batch."""
        return self._rows

    def choked(self) -> None:
        """The host gave up over a batch."""
        with self._lock:
            self._rows = max(SMALLEST, self._rows // 2)

    def went_well(self) -> None:
        """The host took a batch."""
        with self._lock:
            self._rows = min(PAGE, self._rows + SMALLEST)


def split(writes: Sequence[StockWrite], rows: int) -> list[tuple[StockWrite, ...]]:
    """One call takes products, or variations of one parent: there is no batch across parents."""
    groups: dict[str | None, list[StockWrite]] = {}
    for write in writes:
        groups.setdefault(write.ref.parent_id, []).append(write)
    return [tuple(group[at : at + rows]) for group in groups.values() for at in range(0, len(group), rows)]


class Stock:
    """Compares and sets."""

    def __init__(self, client: WooClient, goods: Goods) -> None:
        self._client, self._goods, self.size = client, goods, BatchSize()

    def write(self, batch: WriteBatch) -> WriteAnswer:
        """Read, compare, and set what agreed. A raised OutcomeUnknown: any row that agreed may have been written."""
        reading = self._goods.reading([write.ref for write in batch.writes], batch.not_after)
        results: dict[str, WriteResult] = {}
        agreed: list[StockWrite] = []
        for write in batch.writes:
            refusal = _refusal(write, reading.figures.get(write.ref.stock_id))
            if refusal is None:
                agreed.append(write)
            else:
                results[write.ref.stock_id] = refusal
        if not agreed:
            return WriteAnswer(results=results, platform_at=reading.platform_at)
        answer = self._send(batch, agreed)
        results |= dict(_judged(agreed, answer))
        return WriteAnswer(results=results, platform_at=answer.platform_at)

    def _send(self, batch: WriteBatch, agreed: Sequence[StockWrite]) -> Answer:
        parent_id = agreed[0].ref.parent_id
        path = "products/batch" if parent_id is None else f"products/{parent_id}/variations/batch"
        rows = [{"id": int(write.ref.stock_id), "stock_quantity": write.quantity} for write in agreed]
        try:
            answer = self._client.write(path, "set stock", {"update": rows}, not_after=batch.not_after)
        except (OutcomeUnknown, TooLarge):
            self.size.choked()
            raise
        self.size.went_well()
        return answer


def _refusal(write: StockWrite, figure: StockFigure | None) -> WriteResult | None:
    """Why a write is not sent; None where the figure is the expected one."""
    if figure is None:
        return WriteResult(outcome=WriteOutcome.NOT_SENT, words="The shop did not show this figure.")
    if figure.state is FigureState.GONE:
        return WriteResult(outcome=WriteOutcome.GONE)
    if figure.state is not FigureState.TRACKED:
        return WriteResult(outcome=WriteOutcome.UNTRACKED)
    if figure.quantity != write.expected:
        return WriteResult(outcome=WriteOutcome.MISMATCH, found=figure.quantity)
    return None


def _judged(agreed: Sequence[StockWrite], answer: Answer) -> Iterator[tuple[str, WriteResult]]:
    """Each row by what the answer shows at its place."""
    document = answer.json()
    rows = document.get("update") if isinstance(document, dict) else None
    shown = rows if isinstance(rows, list) and len(rows) == len(agreed) else [None] * len(agreed)
    for write, row in zip(agreed, shown, strict=True):
        yield write.ref.stock_id, _result(write, row)


def _result(write: StockWrite, document: object) -> WriteResult:
    if not isinstance(document, dict) or str(document.get("id")) != write.ref.stock_id:
        return WriteResult(outcome=WriteOutcome.UNKNOWN, words="The answer does not show this product.")
    try:
        return _shown(write, Reader.of(document, "an answered row"))
    except MalformedPayload as error:
        return WriteResult(outcome=WriteOutcome.UNKNOWN, words=str(error))


def _shown(write: StockWrite, row: Reader) -> WriteResult:
    if row.has("error"):
        error = row.nested("error")
        words = f"{error.maybe_text('message')} ({error.maybe_text('code')})"
        is_gone = error.maybe_text("code") in GONE_CODES
        return WriteResult(outcome=WriteOutcome.GONE if is_gone else WriteOutcome.REFUSED, words=words)
    figure = translate.figure(row)
    if figure.state is not FigureState.TRACKED:
        return WriteResult(outcome=WriteOutcome.UNTRACKED)
    if figure.quantity != write.quantity:
        words = f"The shop answered with {figure.quantity} after we set {write.quantity}."
        return WriteResult(outcome=WriteOutcome.UNKNOWN, found=figure.quantity, words=words)
    return WriteResult(outcome=WriteOutcome.WRITTEN)
