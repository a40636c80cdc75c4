"""Making products: a batch of simple products whose stock is counted and begins at nothing.

WooCommerce itself refuses a second product with an SKU, and says which product has it, so a batch whose answer was lost
can be sent again. What is in the trash still owns its SKU, and SKUs that differ in case only are one SKU to it. Facts:
platform notes of 11.0.1; `…_product_not_created` for an SKU that is being made in another request since 9.3.
"""

from collections.abc import Iterator, Mapping, Sequence

from connectors.sdk.answer import Answer
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown
from connectors.sdk.reader import Reader
from connectors.sdk.values import CatalogueItem, CreateOutcome, CreateResult, NewItem, NewItems
from connectors.woocommerce import translate
from connectors.woocommerce.client import WooClient
from connectors.woocommerce.goods import Goods

CREATE_ROWS = 10  # a shop fetches every image before it answers
OPERATION = "make products"
DOUBLE = "product_invalid_sku"
BUSY = "woocommerce_rest_product_not_created"
IN_TRASH = (
    "Another product of the shop has this SKU, perhaps in its trash. Delete it there for good, or change its SKU."
)


def create(client: WooClient, goods: Goods, wanted: NewItems) -> Mapping[str, CreateResult]:
    """All in one call; each is judged by what the answer shows at its place."""
    rows = [_row(new, is_draft=wanted.is_draft) for new in wanted.items]
    answer = client.write("products/batch", OPERATION, {"create": rows}, not_after=wanted.not_after)
    shown = _shown(answer, len(rows))
    return {new.sku: _judged(goods, new, row) for new, row in zip(wanted.items, shown, strict=True)}


def _row(new: NewItem, *, is_draft: bool) -> dict[str, object]:
    """`stock_quantity` is said, for without it WooCommerce keeps no figure at all, and counts nothing."""
    row: dict[str, object] = {
        "name": new.title,
        "type": "simple",
        "status": "draft" if is_draft else "publish",
        "sku": new.sku,
        "manage_stock": True,
        "stock_quantity": 0,
    }
    if new.price is not None:
        row["regular_price"] = str(new.price)
    if new.image_url:
        row["images"] = [{"src": new.image_url, "alt": new.title}]
    return row


def _shown(answer: Answer, count: int) -> Sequence[object]:
    document = answer.json()
    rows = document.get("create") if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) != count:
        raise OutcomeUnknown("The answer does not show the products that were to be made.", operation=OPERATION)
    return rows


def _judged(goods: Goods, new: NewItem, document: object) -> CreateResult:
    try:
        row = Reader.of(document, "an answered product")
        if row.has("error"):
            return _refused(goods, new, row.nested("error"))
        item = translate.product_item(row)
    except MalformedPayload as error:
        return CreateResult(outcome=CreateOutcome.UNKNOWN, words=str(error))
    if item is None:
        return CreateResult(outcome=CreateOutcome.REFUSED, words="The shop made something that cannot be sold.")
    words = "" if item.sku == new.sku else f"The shop has given it the SKU {item.sku}."
    return CreateResult(outcome=CreateOutcome.CREATED, item=item, words=words)


def _refused(goods: Goods, new: NewItem, error: Reader) -> CreateResult:
    code, words = error.maybe_text("code") or "", error.maybe_text("message") or ""
    if code == BUSY:
        return CreateResult(outcome=CreateOutcome.NOT_SENT, words=f"{words} ({code})")
    if code != DOUBLE:
        return CreateResult(outcome=CreateOutcome.REFUSED, words=f"{words} ({code})")
    data = error.maybe_nested("data")
    owner = None if data is None else data.maybe_id("resource_id")
    found = next(_owned_by(goods, owner), None)
    if found is None:
        return CreateResult(outcome=CreateOutcome.REFUSED, words=IN_TRASH)
    if found.sku != new.sku:
        words = f"The shop takes its SKU for the same as {found.sku}, of {found.title}."
        return CreateResult(outcome=CreateOutcome.REFUSED, words=words)
    return CreateResult(outcome=CreateOutcome.EXISTS, item=found)


def _owned_by(goods: Goods, product_id: str | None) -> Iterator[CatalogueItem]:
    """The product or variation that has the SKU already; nothing where it lies in the trash."""
    if product_id is not None:
        yield from goods.items([product_id])
