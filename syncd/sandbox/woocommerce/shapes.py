"""How products, orders, refunds and webhooks look as REST v3 JSON; webhook bodies are the same shapes."""

from datetime import datetime
from decimal import Decimal

from syncd.sandbox.woocommerce.goods import Product, managing, shown_sku, shown_status
from syncd.sandbox.woocommerce.orders import CENT, tax, total
from syncd.sandbox.woocommerce.sales import Line, Meta, Order, Refund
from syncd.sandbox.woocommerce.shop import Shop

Shape = dict[str, object]

ITEM_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
ADDRESS = {
    "first_name": "Erika",
    "last_name": "Muster",
    "company": "",
    "address_1": "Prüfweg 7",
    "address_2": "",
    "city": "Köln",
    "state": "DE-NW",
    "postcode": "50667",
    "country": "DE",
    "phone": "+49 221 000",
}
PLAIN_PRODUCT: Shape = {
    "featured": False,
    "catalog_visibility": "visible",
    "short_description": "",
    "purchasable": True,
    "sold_individually": False,
    "shipping_required": True,
    "shipping_taxable": True,
    "reviews_allowed": True,
    "average_rating": "0.00",
    "rating_count": 0,
    "upsell_ids": [],
    "cross_sell_ids": [],
    "purchase_note": "",
    "categories": [],
    "brands": [],
    "tags": [],
    "images": [],
    "default_attributes": [],
    "grouped_products": [],
    "related_ids": [],
    "has_options": False,
    "post_password": "",
    "external_url": "",
    "button_text": "",
}
PLAIN_VARIATION: Shape = {"image": None, "gallery_image_ids": []}
PLAIN_GOODS: Shape = {
    "description": "",
    "sale_price": "",
    "date_on_sale_from": None,
    "date_on_sale_from_gmt": None,
    "date_on_sale_to": None,
    "date_on_sale_to_gmt": None,
    "on_sale": False,
    "virtual": False,
    "downloadable": False,
    "downloads": [],
    "download_limit": -1,
    "download_expiry": -1,
    "tax_status": "taxable",
    "tax_class": "",
    "low_stock_amount": None,
    "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""},
    "shipping_class": "",
    "shipping_class_id": 0,
    "menu_order": 0,
    "meta_data": [],
    "global_unique_id": "",
}
PLAIN_ORDER: Shape = {
    "currency_symbol": "€",
    "prices_include_tax": False,
    "discount_total": "0.00",
    "discount_tax": "0.00",
    "shipping_tax": "0.00",
    "customer_id": 0,
    "payment_method": "bacs",
    "payment_method_title": "Bank transfer",
    "transaction_id": "",
    "customer_ip_address": "",
    "customer_user_agent": "",
    "created_via": "rest-api",
    "cart_hash": "",
    "tax_lines": [],
    "shipping_lines": [],
    "fee_lines": [],
    "coupon_lines": [],
    "needs_processing": True,
}


def links(home: str, path: str, methods: list[str] | None = None, *, up: str | None = None) -> Shape:
    """The `_links` of a resource at `path` below wc/v3."""
    base = f"{home}/wp-json/wc/v3/"
    found: Shape = {
        "self": [{"href": base + path, "targetHints": {"allow": methods or ITEM_METHODS}}],
        "collection": [{"href": base + path.rpartition("/")[0]}],
    }
    if up is not None:
        found["up"] = [{"href": base + up}]
    return found


def dates(shop: Shop, name: str, moment: datetime | None) -> Shape:
    """A date twice: `name` in the shop's wall-clock time and `name_gmt`, both naive."""
    if moment is None:
        return {name: None, f"{name}_gmt": None}
    naive = moment.replace(tzinfo=None)
    return {name: shop.local(moment).isoformat(timespec="seconds"), f"{name}_gmt": naive.isoformat(timespec="seconds")}


def stock(shop: Shop, product: Product) -> Shape:
    """The stock fields of a product or variation."""
    kept_by = shop.keeper(product)
    held = kept_by or product
    return {
        "manage_stock": managing(product) if shop.rules.counts_stock else False,
        "stock_quantity": kept_by.stock if kept_by else None,
        "stock_status": shown_status(product),
        "backorders": held.backorders,
        "backorders_allowed": held.backorders != "no",
        "backordered": kept_by is not None and kept_by.stock < 0 and held.backorders != "no",
    }


def product(shop: Shop, home: str, item: Product) -> Shape:
    """A product of any type; a variation seen through /products or a product webhook looks like this too."""
    attributes = [] if item.option is None else [{"id": 0, "name": item.option[0], "option": item.option[1]}]
    slug = item.name.lower().replace(" ", "-")
    return {
        **PLAIN_GOODS,
        **PLAIN_PRODUCT,
        **_goods(shop, item),
        "name": f"{item.parent.name} - {item.name}" if item.parent else item.name,
        "slug": slug,
        "permalink": f"{home}/product/{slug}/",
        "total_sales": item.sold,
        "parent_id": item.parent.id if item.parent else 0,
        "attributes": attributes,
        "variations": [child.id for child in shop.variations(item)],
        "images": [{"id": 1, "src": item.image_url, "alt": item.name}] if item.image_url else [],
        "price_html": f'<span class="amount">{item.price}</span>',
        "_links": links(home, f"products/{item.id}"),
    }


def variation(shop: Shop, home: str, item: Product) -> Shape:
    """A variation as its own routes show it."""
    parent_id = item.parent.id if item.parent else 0
    attributes = [{"id": 0, "name": item.option[0], "option": item.option[1]}] if item.option else []
    return {
        **PLAIN_GOODS,
        **PLAIN_VARIATION,
        **_goods(shop, item),
        "name": item.name,
        "parent_id": parent_id,
        "permalink": f"{home}/?p={item.id}",
        "purchasable": True,
        "attributes": attributes,
        "_links": links(home, f"products/{parent_id}/variations/{item.id}", up=f"products/{parent_id}"),
    }


def _goods(shop: Shop, item: Product) -> Shape:
    price = str(item.price)
    return {
        "id": item.id,
        "type": item.type,
        "status": item.status,
        "sku": shown_sku(item),
        "price": price,
        "regular_price": price,
        **dates(shop, "date_created", item.created),
        **dates(shop, "date_modified", item.modified),
        **stock(shop, item),
    }


def money(amount: Decimal) -> str:
    """Money as REST writes it: two places, as text."""
    return str(amount.quantize(CENT))


def order(shop: Shop, home: str, item: Order) -> Shape:
    """An order with its lines; refunds show id, reason and total only."""
    taxes = sum((tax(shop, line) for line in item.lines), Decimal(0))
    pay_url = f"{home}/checkout/order-pay/{item.id}/?pay_for_order=true&key={item.key}"
    return {
        **PLAIN_ORDER,
        "id": item.id,
        "parent_id": 0,
        "status": item.status,
        "currency": shop.rules.currency,
        "version": shop.rules.version,
        "shipping_total": money(item.shipping),
        "cart_tax": money(taxes),
        "total": money(total(shop, item)),
        "total_tax": money(taxes),
        "order_key": item.key,
        "billing": ADDRESS | {"email": "erika@example.test"},
        "shipping": ADDRESS,
        "customer_note": item.note,
        "number": str(item.id),
        "meta_data": _order_meta(item),
        "line_items": [_line(shop, line) for line in item.lines],
        "refunds": [_refund_note(refund) for refund in reversed(item.refunds)],
        "payment_url": pay_url,
        "is_editable": item.status in ("pending", "on-hold", "auto-draft"),
        "needs_payment": item.status in ("pending", "failed") and total(shop, item) > 0,
        **dates(shop, "date_created", item.created),
        **dates(shop, "date_modified", item.modified),
        **dates(shop, "date_completed", item.completed_at),
        **dates(shop, "date_paid", item.paid_at),
        "_links": links(home, f"orders/{item.id}"),
    }


def _order_meta(item: Order) -> list[Shape]:
    if item.trashed_at is None:
        return []
    return [
        {"id": 1, "key": "_wp_trash_meta_status", "value": f"wc-{item.trashed_from}"},
        {"id": 2, "key": "_wp_trash_meta_time", "value": str(int(item.trashed_at.timestamp()))},
    ]


def _refund_note(item: Refund) -> Shape:
    return {"id": item.id, "reason": item.reason, "total": money(-item.amount), "total_tax": "0.00"}


def _line(shop: Shop, item: Line) -> Shape:
    sold = shop.products.get(item.sold_id)
    price = item.total / item.quantity if item.quantity else Decimal(0)
    return {
        "id": item.id,
        "name": item.name,
        "product_id": item.product_id,
        "variation_id": item.variation_id,
        "quantity": item.quantity,
        "tax_class": "",
        "subtotal": money(item.total),
        "subtotal_tax": money(tax(shop, item)),
        "total": money(item.total),
        "total_tax": money(tax(shop, item)),
        "taxes": [],
        "meta_data": [_meta(row) for row in item.meta],
        "sku": shown_sku(sold) if sold else None,
        "global_unique_id": "",
        "price": float(price),
        "image": {"id": "", "src": ""},
        "parent_name": sold.parent.name if sold and sold.parent else None,
    }


def _meta(row: Meta) -> Shape:
    return {
        "id": row.id,
        "key": row.key,
        "value": row.value,
        "display_key": row.key,
        "display_value": row.value,
    }


def refund(shop: Shop, home: str, order_id: int, item: Refund) -> Shape:
    """A refund with its lines (negative quantities); nothing in it says whether stock came back."""
    path = f"orders/{order_id}"
    return {
        "id": item.id,
        **dates(shop, "date_created", item.created),
        "amount": money(item.amount),
        "reason": item.reason,
        "refunded_by": 1,
        "refunded_payment": False,
        "meta_data": [],
        "line_items": [_line(shop, line) for line in item.lines],
        "shipping_lines": [],
        "tax_lines": [],
        "fee_lines": [],
        "_links": links(home, f"{path}/refunds/{item.id}", ["GET", "DELETE"], up=path),
    }
