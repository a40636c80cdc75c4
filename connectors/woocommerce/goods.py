"""Reading the catalogue and stock figures of a shop: products first, then variations as its version lists them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.sdk.answer import Answer
from connectors.sdk.contract import Clock
from connectors.sdk.errors import ListingGone
from connectors.sdk.reader import Reader
from connectors.sdk.values import CatalogueItem, CataloguePage, FigureState, StockFigure, StockReading, StockRef
from connectors.woocommerce import translate
from connectors.woocommerce.client import PAGE, NoRoute, WooClient
from connectors.woocommerce.paging import Listing, by_number, rows_of
from connectors.woocommerce.translate import Parent

ITEM = "id,name,type,status,sku,price,parent_id,manage_stock,stock_quantity,images,image"
FIGURE = "id,status,parent_id,manage_stock,stock_quantity"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Rows and the answer that they came in; None where the shop said that there is nothing."""

    rows: list[Reader]
    answer: Answer | None


class Goods:
    """Reads a shop's goods. Remembers whether the shop lists all variations at once, as WooCommerce does since 10.3."""

    def __init__(self, client: WooClient, clock: Clock) -> None:
        self._client, self._clock, self._lists_variations = client, clock, True

    # --------------------------------------------------------------------------------------------- catalogue

    def catalogue(self) -> Iterator[CataloguePage]:
        """Products in the order of their ids, then variations."""
        parents: dict[str, Parent] = {}
        listing = Listing(path="products", operation="read the catalogue", params={"_fields": ITEM})
        for rows in by_number(self._client, listing, is_bulk=True):
            parents |= {row.id("id"): translate.parent(row) for row in rows if translate.is_variable(row)}
            items = (translate.product_item(row) for row in rows)
            yield CataloguePage(items=tuple(item for item in items if item is not None), is_last=False)
        for rows in self._all_variations(parents):
            items_below = (_below(row, parents) for row in rows)
            yield CataloguePage(items=tuple(item for item in items_below if item is not None), is_last=False)
        yield CataloguePage(items=(), is_last=True)

    def _all_variations(self, parents: dict[str, Parent]) -> Iterator[list[Reader]]:
        if not parents:
            return
        if self._lists_variations:
            listing = Listing(path="variations", operation="read all variations", params={"_fields": ITEM})
            try:
                yield from by_number(self._client, listing, is_bulk=True)
            except NoRoute:
                self._lists_variations = False
            else:
                return
        for parent_id in parents:
            path = f"products/{parent_id}/variations"
            listing = Listing(path=path, operation="read variations", params={"_fields": ITEM})
            for rows in by_number(self._client, listing, is_bulk=True):
                yield [_with_parent(row, parent_id) for row in rows]

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """These items now; what is gone, in the trash or a variable product is left out."""
        rows = {row.id("id"): row for row in self._products(external_ids)}
        others = [row for one in external_ids if one not in rows for row in self._single(one, ITEM).rows]
        below = [row for row in others if _is_variation(row)]
        parents = {
            row.id("id"): translate.parent(row) for row in self._products([row.id("parent_id") for row in below])
        }
        found = [translate.product_item(row) for row in rows.values()] + [_below(row, parents) for row in below]
        return tuple(item for item in found if item is not None)

    def _products(self, ids: Sequence[str]) -> list[Reader]:
        return [row for page in self._pages("products", ids, None, ITEM) for row in page.rows]

    # --------------------------------------------------------------------------------------------- figures

    def reading(self, refs: Sequence[StockRef], not_after: datetime | None = None) -> StockReading:
        """These figures now. One that lists do not show is asked for by itself before it is called gone."""
        began_at = self._clock.now()
        pages = list(self._figure_pages(refs, not_after))
        rows = {row.id("id"): row for page in pages for row in page.rows}
        singles = [self._single(ref.stock_id, FIGURE, not_after) for ref in refs if ref.stock_id not in rows]
        rows |= {row.id("id"): row for page in singles for row in page.rows}
        answers = [page.answer for page in (*pages, *singles) if page.answer is not None]
        return StockReading(
            figures={ref.stock_id: _figure(ref, rows.get(ref.stock_id)) for ref in refs},
            began_at=began_at,
            answered_at=self._clock.now(),
            platform_at=answers[-1].platform_at if answers else began_at,
        )

    def _figure_pages(self, refs: Sequence[StockRef], not_after: datetime | None) -> Iterator[_Page]:
        yield from self._pages("products", [ref.stock_id for ref in refs if ref.parent_id is None], not_after)
        below: dict[str, list[str]] = {}
        for ref in refs:
            if ref.parent_id is not None:
                below.setdefault(ref.parent_id, []).append(ref.stock_id)
        if self._lists_variations and len(below) > 1:
            wanted = [one for ids in below.values() for one in ids]
            try:
                yield from self._pages("variations", wanted, not_after)
            except NoRoute:
                self._lists_variations = False
            else:
                return
        for parent_id, ids in below.items():
            for page in self._pages(f"products/{parent_id}/variations", ids, not_after):
                yield _Page(rows=[_with_parent(row, parent_id) for row in page.rows], answer=page.answer)

    # --------------------------------------------------------------------------------------------- requests

    def _pages(
        self, path: str, ids: Iterable[str], not_after: datetime | None, fields: str = FIGURE
    ) -> Iterator[_Page]:
        wanted = list(dict.fromkeys(ids))
        for at in range(0, len(wanted), PAGE):
            some = wanted[at : at + PAGE]
            params = {"include": ",".join(some), "per_page": str(PAGE), "_fields": fields}
            try:
                answer = self._client.read(path, "read products", params, not_after=not_after)
            except ListingGone:  # the parent is not there any more
                continue
            yield _Page(rows=[row for row in rows_of(answer, "products") if row.id("id") in some], answer=answer)

    def _single(self, external_id: str, fields: str, not_after: datetime | None = None) -> _Page:
        """A product or variation by its id; no row where there is none, or only in the trash."""
        try:
            answer = self._client.read(
                f"products/{external_id}", "read a product", {"_fields": fields}, not_after=not_after
            )
        except ListingGone:
            return _Page(rows=[], answer=None)
        row = Reader.of(answer.json(), "product")
        return _Page(rows=[] if row.maybe_text("status") == "trash" else [row], answer=answer)


def _figure(ref: StockRef, row: Reader | None) -> StockFigure:
    """A variation under another parent than we know is gone for us: old versions would move it with a write."""
    if row is None or (row.maybe_id("parent_id") or "0") != (ref.parent_id or "0"):
        return StockFigure(state=FigureState.GONE)
    return translate.figure(row)


def _is_variation(row: Reader) -> bool:
    """Whether a row of /products is a variation."""
    return row.maybe_id("parent_id") not in (None, "0")


def _below(row: Reader, parents: dict[str, Parent]) -> CatalogueItem | None:
    above = parents.get(row.id("parent_id"))
    return None if above is None else translate.variation_item(row, above)


def _with_parent(row: Reader, parent_id: str) -> Reader:
    """Old versions leave `parent_id` out where the address names it."""
    return row if row.has("parent_id") else Reader({**row.fields, "parent_id": parent_id}, row.where)
