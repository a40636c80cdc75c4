"""Catalogue mutations: productCreate, productSet (to make one), productVariantsBulkCreate and …BulkUpdate."""
# ruff: noqa: ARG001 (all resolvers share one signature)

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from syncd.sandbox.shopify import stock
from syncd.sandbox.shopify.api.call import Args, Call, Fields, check_array, failure, number_in
from syncd.sandbox.shopify.api.inventory import Error, Row, error, plain
from syncd.sandbox.shopify.catalogue import add_product, add_variant, first_location, remove_variant
from syncd.sandbox.shopify.payloads import item_body, product_body
from syncd.sandbox.shopify.records import Product, Variant


def create(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """productCreate: the product comes with one variant that has no SKU and is not tracked."""
    wanted = cast(Row, args.get("product") or args.get("input") or {})
    title = str(wanted.get("title") or "").strip()
    if not title:
        return {"product": None, "shop": {}, "userErrors": [plain(["title"], "Title can't be blank")]}
    product = add_product(call.shop, title, status=str(wanted.get("status") or "ACTIVE"))
    options = cast(Sequence[Row], wanted.get("productOptions") or ())
    value = "Default Title"
    if options:
        product.option_name = str(options[0]["name"])
        value = str(cast(Sequence[Row], options[0].get("values") or [{"name": value}])[0]["name"])
    variant = add_variant(call.shop, product, title=value, price=Decimal(0), tracked=False)
    stock.stock_at(call.shop, variant.item, first_location(call.shop))
    call.shop.announce("products/create", product_body(call.shop, product))
    return {"product": product, "userErrors": []}


def set_product(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """ProductSet, as far as it makes a product; without quantities it is stocked at the oldest location with none."""
    wanted = cast(Row, args["input"])
    variants = cast(Sequence[Row], wanted.get("variants") or ())
    errors = _set_errors(call, args, wanted, variants)
    if errors:
        return {"product": None, "productSetOperation": None, "userErrors": errors}
    product = add_product(call.shop, str(wanted["title"]).strip(), status=str(wanted.get("status") or "ACTIVE"))
    product.handle = str(wanted.get("handle") or product.handle)
    product.option_name = str(cast(Sequence[Row], wanted["productOptions"])[0]["name"])
    files = cast(Sequence[Row], wanted.get("files") or ())
    product.image_url = str(files[0]["originalSource"]) if files else None
    for row in variants:
        item = cast(Row, row.get("inventoryItem") or {})
        made = _make(call, product, {**row, "inventoryItem": {"sku": row.get("sku"), **item}})
        call.shop.announce("inventory_items/create", item_body(made.item))
    call.shop.announce("products/create", product_body(call.shop, product))
    return {"product": product, "productSetOperation": None, "userErrors": []}


def _set_errors(call: Call, args: Args, wanted: Row, variants: Sequence[Row]) -> list[Error]:
    if args.get("identifier") or wanted.get("id") or not args.get("synchronous", True):
        raise failure("NOT_SIMULATED", "productSet only makes products, and at once, in this simulation")
    if not str(wanted.get("title") or "").strip():
        return [error("INVALID_PRODUCT", ["input", "title"], "Title can't be blank")]
    if not variants:
        return [error("VARIANTS_INPUT_MISSING", ["input", "variants"], "Variants input is required")]
    if not wanted.get("productOptions"):
        message = "Product options input is required when updating variants"
        return [error("PRODUCT_OPTIONS_INPUT_MISSING", ["input", "productOptions"], message)]
    handle = wanted.get("handle")
    if handle and any(product.handle == handle for product in call.shop.products.values()):
        message = f"Handle '{handle}' already in use. Please provide a new handle."
        return [error("HANDLE_NOT_UNIQUE", ["input", "handle"], message)]
    return []


def create_variants(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """productVariantsBulkCreate; the strategy REMOVE_STANDALONE_VARIANT drops the one productCreate made."""
    product = call.shop.products.get(number_in(args["productId"], "Product"))
    check_array(args["variants"], "variants")
    if product is None:
        return _answer(None, [error("PRODUCT_DOES_NOT_EXIST", ["productId"], "Product does not exist")])
    rows = cast(Sequence[Row], args["variants"])
    standalone = product.variants[0] if len(product.variants) == 1 else None
    drops = args.get("strategy") == "REMOVE_STANDALONE_VARIANT"
    if args.get("strategy") == "DEFAULT" and standalone is not None:
        drops = standalone.title == "Default Title"
    errors = _create_errors(call, product, rows, kept=not drops)
    if errors:
        return _answer(None, errors)
    made = [_make(call, product, row) for row in rows]
    if drops and standalone is not None:
        remove_variant(call.shop, standalone)
    call.shop.announce("products/update", product_body(call.shop, product))
    return _answer(product, [], made)


def _answer(product: Product | None, errors: list[Error], made: list[Variant] | None = None) -> Mapping[str, object]:
    return {"product": product, "productVariants": made, "userErrors": errors}


def _create_errors(call: Call, product: Product, rows: Sequence[Row], *, kept: bool) -> list[Error]:
    taken = {variant.title for variant in product.variants} if kept else set()
    errors = []
    for place, row in enumerate(rows):
        title = _title(row)
        if title is None:
            field = ["variants", str(place), "optionValues"]
            errors.append(error("NEED_TO_ADD_OPTION_VALUES", field, "You need to add option values"))
        elif title in taken:
            message = f"The variant '{title}' already exists."
            errors.append(error("VARIANT_ALREADY_EXISTS", ["variants", str(place)], message))
        else:
            taken.add(title)
        for level in cast(Sequence[Row], row.get("inventoryQuantities") or ()):
            if number_in(level["locationId"], "Location") not in call.shop.locations:
                field = ["variants", str(place), "inventoryQuantities"]
                errors.append(error("TRACKED_VARIANT_LOCATION_NOT_FOUND", field, "Location not found"))
    return errors


def _title(row: Row) -> str | None:
    values = cast(Sequence[Row], row.get("optionValues") or ())
    return str(values[0].get("name")) if values else None


def _make(call: Call, product: Product, row: Row) -> Variant:
    item = cast(Row, row.get("inventoryItem") or {})
    variant = add_variant(
        call.shop,
        product,
        title=_title(row) or "Default Title",
        sku=cast(str | None, item.get("sku")),
        price=Decimal(str(row.get("price") or 0)),
        tracked=bool(item.get("tracked", False)),
        policy=str(row.get("inventoryPolicy") or "DENY"),
    )
    variant.barcode = cast(str | None, row.get("barcode"))
    levels = cast(Sequence[Row], row.get("inventoryQuantities") or ())
    for level in levels:
        location = call.shop.locations[number_in(level["locationId"], "Location")]
        stock.stock_at(call.shop, variant.item, location, available=cast(int, level["availableQuantity"]))
    if not levels:
        stock.stock_at(call.shop, variant.item, first_location(call.shop))
    return variant


def update_variants(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """productVariantsBulkUpdate; quantities are refused here."""
    product = call.shop.products.get(number_in(args["productId"], "Product"))
    if product is None:
        return _answer(None, [error("PRODUCT_DOES_NOT_EXIST", ["productId"], "Product does not exist")])
    rows = cast(Sequence[Row], args["variants"])
    errors = []
    for place, row in enumerate(rows):
        if "inventoryQuantities" in row:
            field = ["variants", str(place), "inventoryQuantities"]
            message = "Inventory quantities can only be provided during create."
            errors.append(error("NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE", field, message))
        elif number_in(row.get("id"), "ProductVariant") not in {v.number for v in product.variants}:
            field = ["variants", str(place), "id"]
            errors.append(error("PRODUCT_VARIANT_DOES_NOT_EXIST", field, "Product variant does not exist"))
    if errors:
        return _answer(None, errors)
    changed = [_change(call, row) for row in rows]
    call.shop.announce("products/update", product_body(call.shop, product))
    return _answer(product, [], changed)


def _change(call: Call, row: Row) -> Variant:
    variant = call.shop.variants[number_in(row["id"], "ProductVariant")]
    item = cast(Row, row.get("inventoryItem") or {})
    if "sku" in item:
        variant.item.sku = cast(str | None, item["sku"])
    if "tracked" in item:
        variant.item.tracked = bool(item["tracked"])
    if row.get("price") is not None:
        variant.price = Decimal(str(row["price"]))
    if row.get("inventoryPolicy") is not None:
        variant.policy = str(row["inventoryPolicy"])
    variant.updated_at = variant.item.updated_at = call.shop.now()
    return variant


FIELDS: Fields = {
    "productCreate": create,
    "productSet": set_product,
    "productVariantsBulkCreate": create_variants,
    "productVariantsBulkUpdate": update_variants,
}
