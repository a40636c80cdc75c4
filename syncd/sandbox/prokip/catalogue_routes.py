"""The lists of products, variations and stock."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from syncd.sandbox.prokip import catalogue_shapes
from syncd.sandbox.prokip.business import as_id
from syncd.sandbox.prokip.call import Answer, Call, like
from syncd.sandbox.prokip.paging import paged
from syncd.sandbox.prokip.records import Product, Variation
from syncd.sandbox.prokip.shapes import Json

REPORT_SIZE = 15


def list_products(call: Call, _: str) -> Answer:
    """`GET product`: by id only when asked for `order_by=newest`, else in no promised order."""
    query = call.query
    found = [item for item in call.products() if call.location_id is None or call.location_id in item.location_ids]
    if query.get("name") or query.get("sku"):
        found = [item for item in found if _names(item, query)]
    if query.get("order_by") == "newest":
        found.sort(key=lambda item: item.id, reverse=query.get("order_direction", "asc") != "asc")
    elif query.get("order_by") == "product_name":
        found.sort(key=lambda item: item.name, reverse=query.get("order_direction", "asc") != "asc")
    else:
        found = call.unordered(found)
    return 200, paged(call.page, found, _product_shape(call))


def show_products(call: Call, ids: str) -> Answer:
    """`GET product/{ids}`: an unknown id is no error, it is only missing."""
    wanted = {as_id(one) for one in ids.split(",")}
    shape = _product_shape(call)
    return 200, {"data": [shape(item) for item in call.products() if item.id in wanted]}


def _product_shape(call: Call) -> Callable[[Product], Json]:
    stock = call.quantities()
    return lambda item: catalogue_shapes.product(call.business, item, stock, call.location_id)


def _names(item: Product, query: Mapping[str, str]) -> bool:
    skus = [item.sku, *(variation.sku for variation in item.variations)]
    has_sku = bool(query.get("sku")) and any(like(query["sku"], sku) for sku in skus)
    return has_sku or (bool(query.get("name")) and like(query["name"], item.name))


def list_variations(call: Call, ids: str) -> Answer:
    """`GET variation` and `variation/{ids}`: the default page size applies to a list of ids too."""
    query = call.query
    wanted = {as_id(one) for one in ids.split(",")} if ids else None
    parents = {as_id(one) for one in query["product_id"].split(",")} if query.get("product_id") else None
    found = [
        variation
        for item in call.products()
        for variation in item.variations
        if (wanted is None or variation.id in wanted)
        and (parents is None or item.id in parents)
        and (call.location_id is None or call.location_id in item.location_ids)
        and (not query.get("sku") or (like(query["sku"], item.sku) and like(query["sku"], variation.sku)))
        and (not query.get("name") or like(query["name"], item.name))
    ]
    stock = call.quantities()

    def shape(variation: Variation) -> Json:
        return catalogue_shapes.flat_variation(call.business, variation, stock, call.location_id)

    return 200, paged(call.page, call.unordered(found), shape)


def stock_report(call: Call, _: str) -> Answer:
    """`GET product-stock-report`: one row per variation and location, always 15 a page."""
    business, stock = call.business, call.quantities()
    lines: list[tuple[Variation, int | None, Decimal | None]] = []
    for item in call.products():
        if call.query.get("product_id") and as_id(call.query["product_id"]) != item.id:
            continue
        for variation in item.variations:
            stocked = [
                (place, stock.get((variation.id, place), row.quantity)) for place, row in business.stock_of(variation)
            ]
            if call.location_id is None and not stocked:
                lines.append((variation, None, None))
            lines += [(variation, place, q) for place, q in stocked if call.location_id in {None, place}]

    def shape(line: tuple[Variation, int | None, Decimal | None]) -> Json:
        variation, place, quantity = line
        where = None if place is None else business.locations[place]
        return catalogue_shapes.report_row(business, variation, where, quantity)

    return 200, paged(call.page, call.unordered(lines), shape, fixed_size=REPORT_SIZE)
