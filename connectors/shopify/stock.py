"""Compare and set: one mutation for a batch, all rows of it or none, and what each row's answer means.

Shopify compares by itself (`changeFromQuantity`, always a number here), so a sale we have not heard of is never buried.
"""

from collections.abc import Iterable, Mapping, Sequence

from connectors.sdk.answer import whole_header
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, RefusalKind, Refused
from connectors.sdk.reader import Reader
from connectors.sdk.values import StockWrite, WriteAnswer, WriteBatch, WriteOutcome, WriteResult
from connectors.shopify.client import ShopifyClient, Told
from connectors.shopify.documents import gid, number_of
from connectors.shopify.locations import StoreLocation
from connectors.shopify.translate import NOT_STOCKED, NOT_TRACKED

WRITE_ROWS = 250
OPERATION = "set stock"

ROW_OUTCOMES: Mapping[str, WriteOutcome] = {
    "CHANGE_FROM_QUANTITY_STALE": WriteOutcome.MISMATCH,
    "COMPARE_QUANTITY_STALE": WriteOutcome.MISMATCH,
    "INVALID_INVENTORY_ITEM": WriteOutcome.GONE,
    "NON_MUTABLE_INVENTORY_ITEM": WriteOutcome.REFUSED,
    "INVALID_QUANTITY_NEGATIVE": WriteOutcome.REFUSED,
    "INVALID_QUANTITY_TOO_HIGH": WriteOutcome.REFUSED,
    "INVALID_QUANTITY_TOO_LOW": WriteOutcome.REFUSED,
    "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR": WriteOutcome.REFUSED,
}
WHOLE_OUTCOMES: Mapping[str, WriteOutcome] = {
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": WriteOutcome.NOT_SENT,
    "IDEMPOTENCY_CONCURRENT_REQUEST": WriteOutcome.UNKNOWN,
}
OUR_FAULT = frozenset(
    {
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
        "COMPARE_QUANTITY_REQUIRED",
        "INVALID_LOCATION",
        "INVALID_NAME",
        "INVALID_REASON",
        "INVALID_REFERENCE_DOCUMENT",
    }
)


def split(writes: Sequence[StockWrite]) -> list[tuple[StockWrite, ...]]:
    """As many rows in one batch as Shopify takes."""
    return [tuple(writes[start : start + WRITE_ROWS]) for start in range(0, len(writes), WRITE_ROWS)]


def write(client: ShopifyClient, location: StoreLocation, batch: WriteBatch) -> WriteAnswer:
    """Send a batch once. A row that is refused means that none was written: its neighbours are NOT_SENT."""
    where = location.gid()
    variables = {"input": _input(batch, where), "key": batch.key, "location": where}
    told = client.write("set_quantities", OPERATION, variables, not_after=batch.not_after)
    try:
        payload = told.data.nested("inventorySetQuantities")
        errors = list(payload.each("userErrors"))
        results = _refused(batch, errors, told) if errors else _written(batch, payload)
    except MalformedPayload as error:
        raise OutcomeUnknown(f"Shopify did not say how the batch ended. {error}", operation=OPERATION) from error
    return WriteAnswer(results=results, platform_at=told.answer.platform_at)


def _input(batch: WriteBatch, location: str) -> dict[str, object]:
    """The reference is what the merchant sees in the history of the item."""
    rows = [
        {
            "inventoryItemId": gid("InventoryItem", write.ref.stock_id),
            "locationId": location,
            "quantity": write.quantity,
            "changeFromQuantity": write.expected,
        }
        for write in batch.writes
    ]
    return {
        "name": "available",
        "reason": "correction",
        "referenceDocumentUri": f"gid://syncd/{batch.reference}",
        "quantities": rows,
    }


def _written(batch: WriteBatch, payload: Reader) -> dict[str, WriteResult]:
    """A figure can be accepted and still not be on sale: the item is not tracked, or not stocked at the location."""
    results = {write.ref.stock_id: WriteResult(outcome=WriteOutcome.WRITTEN) for write in batch.writes}
    group = payload.maybe_nested("inventoryAdjustmentGroup")
    for change in group.each("changes") if group else ():
        item = change.maybe_nested("item")
        if item is None:
            continue
        stock_id = number_of(item.text("id"), "InventoryItem")
        if not item.flag("tracked"):
            results[stock_id] = WriteResult(outcome=WriteOutcome.UNTRACKED, words=NOT_TRACKED)
        elif not item.has("inventoryLevel"):
            results[stock_id] = WriteResult(outcome=WriteOutcome.REFUSED, words=NOT_STOCKED)
    return {write.ref.stock_id: results[write.ref.stock_id] for write in batch.writes}


def _refused(batch: WriteBatch, errors: Sequence[Reader], told: Told) -> dict[str, WriteResult]:
    """Nothing was written. Each error names its row; one that names none speaks for all of them."""
    results = {write.ref.stock_id: WriteResult(outcome=WriteOutcome.NOT_SENT) for write in batch.writes}
    for error in errors:
        code, words = error.maybe_text("code") or "", error.maybe_text("message") or ""
        if code in OUR_FAULT:
            request_id = told.answer.request_id
            kind = RefusalKind.CONFIGURATION if code == "INVALID_LOCATION" else RefusalKind.OTHER
            raise Refused(f"{words} ({code})", kind=kind, operation=OPERATION, request_id=request_id)
        outcome = ROW_OUTCOMES.get(code) or WHOLE_OUTCOMES.get(code)
        if outcome is None:
            message = f"Shopify refused the batch in a way that we do not know: {words} ({code or 'no code'})."
            raise OutcomeUnknown(message, operation=OPERATION, request_id=told.answer.request_id)
        row = None if code in WHOLE_OUTCOMES else _row_of(error, len(batch.writes))
        for write in batch.writes if row is None else [batch.writes[row]]:
            results[write.ref.stock_id] = WriteResult(outcome=outcome, words=words)
    return results


def _row_of(error: Reader, rows: int) -> int | None:
    """The row that an error's field names (`["input", "quantities", "3", …]`); None where it names none."""
    path: Iterable[object] = error.maybe_values("field") or ()
    numbers = [number for part in path if isinstance(part, str) and (number := whole_header(part)) is not None]
    return numbers[0] if numbers and numbers[0] < rows else None
