"""The store's variants and their figures: page by page, by bulk operation where there are many, or some by id."""

from collections.abc import Iterator, Sequence

from connectors.sdk.answer import Answer
from connectors.sdk.budget import Priority
from connectors.sdk.contract import Clock
from connectors.sdk.errors import MalformedPayload, RateLimited
from connectors.sdk.reader import Reader
from connectors.sdk.values import CatalogueItem, CataloguePage, FigureState, StockFigure, StockReading, StockRef
from connectors.shopify import bulk, translate
from connectors.shopify.client import ShopifyClient
from connectors.shopify.documents import gid
from connectors.shopify.locations import StoreLocation

PAGE = 75  # a variant costs five points, and a call should stay below 400
READ_ROWS = 125  # an inventory item costs three
MANY = 2000
BULK_PAGE = 500


class Catalogue:
    """Reads what the store sells."""

    def __init__(self, client: ShopifyClient, clock: Clock, location: StoreLocation) -> None:
        self._client, self._clock, self._location = client, clock, location

    def pages(self) -> Iterator[CataloguePage]:
        """Every variant in the order of ids. Drafts and archived products are in it, and hold stock."""
        told = self._client.read("variants_count", "count the variants", priority=Priority.BULK)
        if told.data.nested("productVariantsCount").whole("count") > MANY:
            return self._from_bulk()
        return self._page_by_page()

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """These variants; one that is gone is missing."""
        found: list[CatalogueItem] = []
        for start in range(0, len(external_ids), PAGE):
            part = external_ids[start : start + PAGE]
            ids = [gid("ProductVariant", external_id) for external_id in part]
            variables = {"ids": ids, "location": self._location.gid()}
            told = self._client.read("variants_by_id", "read products", variables)
            rows = nodes(told.data, "ProductVariant", len(ids))
            found += [translate.item(row) for row in rows if row is not None]
        return tuple(found)

    def reading(self, refs: Sequence[StockRef]) -> StockReading:
        """Figures now. A read by ids comes from the database itself, not from the search index."""
        figures: dict[str, StockFigure] = {}
        answers: list[Answer] = []
        location = self._location.gid()
        began_at = self._clock.now()
        for start in range(0, len(refs), READ_ROWS):
            part = refs[start : start + READ_ROWS]
            ids = [gid("InventoryItem", ref.stock_id) for ref in part]
            told = self._client.read("levels", "read stock", {"ids": ids, "location": location})
            answers.append(told.answer)
            for ref, row in zip(part, nodes(told.data, "InventoryItem", len(ids)), strict=True):
                gone = StockFigure(state=FigureState.GONE)
                figures[ref.stock_id] = gone if row is None else translate.figure(row)
        now = self._clock.now()
        return StockReading(
            figures=figures,
            began_at=min((answer.began_at for answer in answers), default=began_at),
            answered_at=max((answer.answered_at for answer in answers), default=now),
            platform_at=max((answer.platform_at for answer in answers), default=now),
        )

    def _page_by_page(self) -> Iterator[CataloguePage]:
        cursor: str | None = None
        while True:
            variables = {"first": PAGE, "after": cursor, "location": self._location.gid()}
            told = self._client.read("variants", "read the catalogue", variables, priority=Priority.BULK)
            connection = told.data.nested("productVariants")
            page = connection.nested("pageInfo")
            is_last = not page.flag("hasNextPage")
            yield CataloguePage(items=tuple(translate.item(row) for row in connection.each("nodes")), is_last=is_last)
            if is_last:
                return
            cursor = page.text("endCursor")

    def _from_bulk(self) -> Iterator[CataloguePage]:
        """While five bulk operations of ours run already, the pages have to do."""
        try:
            rows = bulk.rows(self._client, self._clock, self._location.gid())
        except RateLimited:
            yield from self._page_by_page()
            return
        items = [translate.item(row) for row in rows]
        for start in range(0, len(items), BULK_PAGE):
            is_last = start + BULK_PAGE >= len(items)
            yield CataloguePage(items=tuple(items[start : start + BULK_PAGE]), is_last=is_last)
        if not items:
            yield CataloguePage(items=(), is_last=True)


def nodes(data: Reader, kind: str, count: int) -> list[Reader | None]:
    """The answers to `nodes(ids:)` in the order of the `count` ids; None for what is gone or of another kind."""
    if len(data.values("nodes")) != count:
        raise MalformedPayload(f"Shopify answered {len(data.values('nodes'))} of {count} ids.")
    rows = [None if value is None else Reader.of(value, kind) for value in data.values("nodes")]
    return [row if row is not None and row.text("__typename") == kind else None for row in rows]
