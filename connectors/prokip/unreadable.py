"""What is told of goods that cannot be read, so that one of them spoils none of the others. Pure."""

from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.values import UnreadableItem

_NAMES = ("name", "product_name", "sub_sku", "sku")


def stock_rows_of(document: object, where: str) -> list[Reader]:
    """The rows of a list of goods, wrapped in `data` or bare; one that is no object has nothing in it."""
    rows = document if isinstance(document, list) else Reader.of(document, where).values("data")
    return [
        Reader(row if isinstance(row, dict) else {}, f"{where}, row {number}") for number, row in enumerate(rows, 1)
    ]


def unreadable(row: Reader, error: MalformedPayload, *, item_id: str | None, product_id: str | None) -> UnreadableItem:
    """An item by the ids that could be read of it, and by what the row says of its name and SKU."""
    told = [row.fields.get(key) for key in _NAMES]
    words = [each.strip()[:60] for each in told if isinstance(each, str) and each.strip()]
    reason = f"{', '.join(words) or 'without a name'}: {error}"
    return UnreadableItem(external_id=item_id, parent_id=product_id, reason=reason)


def id_in(row: Reader, key: str) -> str | None:
    """An id, where there is one."""
    try:
        return (row.maybe_id(key) or "").strip() or None
    except MalformedPayload:
        return None
