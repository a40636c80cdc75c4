"""REST routes of products and variations: reading, writing one, writing a batch."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from syncd.sandbox.woocommerce import casting, shapes
from syncd.sandbox.woocommerce.answers import LIMIT, Answer, Call, RestError, in_dates, page
from syncd.sandbox.woocommerce.goods import Product, collated, shown_sku
from syncd.sandbox.woocommerce.site import Push

Write = Callable[[Call, Mapping[str, object]], object]

VARIATION_ELSEWHERE = (
    "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
)


def list_products(call: Call) -> Answer:
    """GET /products: no variations, unless they are asked for by SKU."""
    shop, home = call.site.shop, call.site.home
    wanted = [product for product in shop.products.values() if _is_wanted(call, product) and in_dates(call, product)]
    return page(call, wanted, lambda product: shapes.product(shop, home, product), shuffle=shop.random)


def _is_wanted(call: Call, product: Product) -> bool:
    query = call.query
    status = query.get("status", "any")
    if product.status != status and (status != "any" or product.status == "trash"):
        return False
    if query.get("type", product.type) != product.type:
        return False
    include = call.listed("include")
    if include and str(product.id) not in include:
        return False
    if query.get("search_sku") and query["search_sku"].casefold() not in shown_sku(product).casefold():
        return False
    if query.get("sku"):
        asked = {collated(sku) for sku in (*query["sku"].split(","), query["sku"])}
        return bool(product.sku) and collated(product.sku) in asked
    return product.parent is None


def get_product(call: Call) -> Answer:
    """GET /products/{id}: variations too, and what lies in the trash."""
    product = _found(call, call.ids[0])
    return Answer(body=shapes.product(call.site.shop, call.site.home, product))


def create_product(call: Call) -> Answer:
    """POST /products."""
    return Answer(body=_create(call, call.body), status=201)


def put_product(call: Call) -> Answer:
    """PUT, POST or PATCH /products/{id}."""
    casting.validate(call.body)
    return Answer(body=_update(call, {"id": call.ids[0], **casting.nulls_to_zero(call.body)}))


def delete_product(call: Call) -> Answer:
    """DELETE /products/{id}: to the trash, or for good with force; only the trash is announced."""
    product = _found(call, call.ids[0])
    shape = shapes.product(call.site.shop, call.site.home, product)
    if call.flag("force"):
        call.site.shop.remove(product)
    elif product.status == "trash":
        raise RestError(410, "woocommerce_rest_already_trashed", "The product has already been deleted.")
    else:
        product.status = "trash"
        call.site.shop.announce("product.deleted", product.id)
    return Answer(body=shape)


def batch_products(call: Call) -> Answer:
    """POST /products/batch: always 200, errors stand at their item."""
    return _batch(call, create=_create, update=_update, delete=_remove)


def list_variations(call: Call) -> Answer:
    """GET /products/{parent}/variations."""
    return _variation_page(call, call.site.shop.variations(_found(call, call.ids[0])))


def all_variations(call: Call) -> Answer:
    """GET /variations, since 10.3."""
    if not call.site.shop.rules.at_least(10, 3):
        raise no_route()
    return _variation_page(call, [item for item in call.site.shop.products.values() if item.parent is not None])


def _variation_page(call: Call, items: list[Product]) -> Answer:
    shop, home = call.site.shop, call.site.home
    include, skus = call.listed("include"), {collated(sku) for sku in call.listed("sku")}
    wanted = [
        item
        for item in items
        if item.status != "trash"
        and (not include or str(item.id) in include)
        and (not skus or collated(item.sku) in skus)
        and in_dates(call, item)
    ]
    return page(call, wanted, lambda item: shapes.variation(shop, home, item), shuffle=shop.random)


def get_variation(call: Call) -> Answer:
    """GET /products/{parent}/variations/{id}."""
    item = _variation(call, call.ids[0], call.ids[1])
    return Answer(body=shapes.variation(call.site.shop, call.site.home, item))


def create_variation(call: Call) -> Answer:
    """POST /products/{parent}/variations."""
    return Answer(body=_create_variation(call, call.body), status=201)


def put_variation(call: Call) -> Answer:
    """PUT, POST or PATCH /products/{parent}/variations/{id}."""
    casting.validate(call.body)
    item = _variation(call, call.ids[0], call.ids[1])
    _write(call, item, casting.nulls_to_zero(call.body))
    return Answer(body=shapes.variation(call.site.shop, call.site.home, item))


def batch_variations(call: Call) -> Answer:
    """POST /products/{parent}/variations/batch."""
    return _batch(call, create=_create_variation, update=_update_variation, delete=_remove)


def no_route() -> RestError:
    """What a version without the route says."""
    return RestError(404, "rest_no_route", "No route was found matching the URL and request method.")


def _found(call: Call, product_id: int) -> Product:
    product = call.site.shop.products.get(product_id)
    if product is None:
        raise RestError(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    return product


def _variation(call: Call, parent_id: int, variation_id: int) -> Product:
    item = call.site.shop.products.get(variation_id)
    if item is None or item.parent is None:
        raise RestError(404, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
    if item.parent.id != parent_id:
        status = 404 if call.site.shop.rules.at_least(9, 2) else 403
        raise RestError(status, "woocommerce_rest_product_variation_invalid_parent", "The parent is invalid.")
    return item


def _batch(call: Call, *, create: Write, update: Write, delete: Write) -> Answer:
    lists = {name: call.body.get(name) or [] for name in ("create", "update", "delete")}
    items = [(name, item) for name, given in lists.items() if isinstance(given, list) for item in given]
    if len(items) > LIMIT:
        message = f"Unable to accept more than {LIMIT} items for this request."
        raise RestError(413, "woocommerce_rest_request_entity_too_large", message)
    writes = {"create": create, "update": update, "delete": delete}
    done: dict[str, object] = {name: [] for name, given in lists.items() if given}
    for name, item in items:
        fields = item if isinstance(item, Mapping) else {"id": item}
        results = done[name]
        assert isinstance(results, list)
        results.append(_item(call, writes[name], fields))
    return Answer(body=done or [])


def _item(call: Call, write: Write, fields: Mapping[str, object]) -> object:
    try:
        return write(call, fields)
    except RestError as error:
        data = error.data if error.status != 404 or error.message != "Invalid ID." else {"status": 400}
        found: dict[str, object] = {"code": error.code, "message": error.message, "data": data}
        return {"id": fields.get("id", 0), "error": found}


def _update(call: Call, fields: Mapping[str, object]) -> object:
    product = _found(call, casting.intval(fields.get("id")))
    if product.parent is not None:
        raise RestError(404, "woocommerce_rest_invalid_product_id", VARIATION_ELSEWHERE)
    _write(call, product, fields)
    return shapes.product(call.site.shop, call.site.home, product)


def _update_variation(call: Call, fields: Mapping[str, object]) -> object:
    """Before 9.2 a batch under the wrong parent moved the variation to that parent and called it a success."""
    number, shop = casting.intval(fields.get("id")), call.site.shop
    item = shop.products.get(number)
    if item is not None and item.parent is not None and not shop.rules.at_least(9, 2):
        item.parent = _found(call, call.ids[0])
    item = _variation(call, call.ids[0], number)
    _write(call, item, fields)
    return shapes.variation(shop, call.site.home, item)


def _remove(call: Call, fields: Mapping[str, object]) -> object:
    product = _found(call, casting.intval(fields.get("id")))
    product.status = "trash"
    call.site.shop.announce("product.deleted", product.id)
    return shapes.product(call.site.shop, call.site.home, product)


def _create(call: Call, fields: Mapping[str, object]) -> object:
    product = _new(call, fields, None)
    return shapes.product(call.site.shop, call.site.home, product)


def _create_variation(call: Call, fields: Mapping[str, object]) -> object:
    product = _new(call, fields, _found(call, call.ids[0]))
    return shapes.variation(call.site.shop, call.site.home, product)


def _new(call: Call, fields: Mapping[str, object], parent: Product | None) -> Product:
    shop, sku = call.site.shop, str(fields.get("sku", ""))
    _refuse_double(call, sku, None)
    image_url = _fetched_image(fields)
    product = Product(
        id=shop.next_post_id(),
        name=str(fields.get("name", "Product")),
        sku=sku,
        price=Decimal(0),
        created=shop.now(),
        modified=shop.now(),
        type="variation" if parent else str(fields.get("type", "simple")),
        parent=parent,
        manages_stock=False,
        image_url=image_url,
    )
    shop.add(product)
    _write(call, product, fields)
    return product


def _fetched_image(fields: Mapping[str, object]) -> str | None:
    """The first image of a new product. One that cannot be fetched (names under .invalid never can) spoils it."""
    images = fields.get("images")
    first = images[0] if isinstance(images, list) and images else None
    source = str(first.get("src") or "") if isinstance(first, Mapping) else ""
    if ".invalid/" in source:
        message = f"Error getting remote image {source}. Error: Could not resolve host."
        raise RestError(400, "woocommerce_product_image_upload_error", message)
    return source or None


def _refuse_double(call: Call, sku: str, owner: Product | None) -> None:
    taken = next(
        (
            item
            for item in call.site.shop.products.values()
            if sku and collated(item.sku) == collated(sku) and item is not owner
        ),
        None,
    )
    if taken is not None:
        data = {"status": 400, "resource_id": taken.id, "unique_sku": f"{sku}-1"}
        raise RestError(400, "product_invalid_sku", "Invalid or duplicated SKU.", data)


def _write(call: Call, product: Product, fields: Mapping[str, object]) -> None:
    """Apply fields; what the stock model does not allow is passed over without a word."""
    if "sku" in fields:
        _refuse_double(call, str(fields["sku"]), product)
        product.sku = str(fields["sku"])
    if "name" in fields:
        product.name = str(fields["name"])
    if isinstance(fields.get("status"), str):
        product.status = str(fields["status"])
    if "regular_price" in fields:
        product.price = casting.price(fields["regular_price"])
    if fields.get("backorders") in ("no", "notify", "yes"):
        product.backorders = str(fields["backorders"])
    if "manage_stock" in fields:
        product.manages_stock = fields["manage_stock"] in (True, "true", "1", 1)
    if isinstance(fields.get("stock_status"), str):
        product.stock_status = str(fields["stock_status"])
    _write_stock(call, product, fields)


def _write_stock(call: Call, product: Product, fields: Mapping[str, object]) -> None:
    shop, before = call.site.shop, product.stock
    counted = shop.keeper(product) is product
    if fields.get("stock_quantity") is not None and counted:
        after = casting.intval(fields["stock_quantity"])
    elif fields.get("inventory_delta") is not None and counted:
        after = before + casting.intval(fields["inventory_delta"])
    else:
        shop.touch(product)
        return
    shop.set_stock(product, after)
    push = Push(sku=shown_sku(product), before=before, after=after, at=shop.now())
    call.site.books.pushes.append(push)
