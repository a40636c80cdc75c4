"""How the simulated Prokip spells products, variations and the stock report."""

from decimal import Decimal

from syncd.sandbox.prokip.business import Business
from syncd.sandbox.prokip.records import Location, Product, Variation
from syncd.sandbox.prokip.shapes import (
    BUSINESS_ID,
    UNIT_ID,
    USER_ID,
    Json,
    Quantities,
    decimals,
    location,
    nulls,
    stamps,
    unit,
)


def product(business: Business, item: Product, stock: Quantities, location_id: int | None) -> Json:
    """A product of `GET product`; stock rows are narrowed to the location where one is asked for."""
    groups: dict[int, list[Variation]] = {}
    for variation in item.variations:
        groups.setdefault(variation.product_variation_id, []).append(variation)
    return {
        "id": item.id,
        "name": item.name,
        "business_id": BUSINESS_ID,
        "type": item.type,
        "enable_stock": int(item.is_tracked),
        "alert_quantity": "5.0000",
        "sku": item.sku,
        "barcode_type": "C128",
        "enable_sr_no": 0,
        "created_by": USER_ID,
        "woocommerce_disable_sync": 0,
        "is_inactive": int(item.is_inactive),
        "not_for_selling": int(item.is_not_for_selling),
        "image": item.image,
        "image_url": f"https://api.prokip.africa/{f'uploads/img/{item.image}' if item.image else 'img/default.png'}",
        **nulls("sub_unit_ids expiry_period expiry_period_type weight product_custom_field1 product_custom_field2"),
        **nulls("product_custom_field3 product_custom_field4 woocommerce_media_id product_description"),
        **nulls("woocommerce_product_id preparation_time_in_minutes warranty_id repair_model_id"),
        **nulls("brand category sub_category product_tax"),
        "product_variations": [
            {
                "id": group_id,
                "variation_template_id": None if item.type == "single" else 5501,
                "name": "DUMMY" if item.type == "single" else "Size",
                "product_id": item.id,
                "is_dummy": int(item.type == "single"),
                **stamps(item.created_at, item.created_at),
                "variations": [_nested_variation(business, one, stock, location_id) for one in group],
            }
            for group_id, group in groups.items()
        ],
        "unit": unit(business.created_at),
        "product_locations": _product_locations(business, item),
    }


def _nested_variation(business: Business, item: Variation, stock: Quantities, location_id: int | None) -> Json:
    return {
        "id": item.id,
        "name": item.name,
        "product_id": item.product_id,
        "sub_sku": item.sku,
        "product_variation_id": item.product_variation_id,
        **nulls("woocommerce_variation_id variation_value_id"),
        **_prices(item),
        **stamps(item.created_at, item.created_at),
        "deleted_at": None,
        "combo_variations": None,
        "variation_location_details": _stock_rows(business, item, stock, location_id),
        "media": [],
        "discounts": [],
    }


def flat_variation(business: Business, item: Variation, stock: Quantities, location_id: int | None) -> Json:
    """A row of `GET variation`; here the key is `variation_id`."""
    parent = business.products[item.product_id]
    is_single = parent.type == "single"
    return {
        "variation_id": item.id,
        "variation_name": "" if is_single else item.name,
        "sub_sku": item.sku,
        "product_id": parent.id,
        "product_name": parent.name,
        "sku": parent.sku,
        "type": parent.type,
        "business_id": BUSINESS_ID,
        "barcode_type": "C128",
        "enable_sr_no": 0,
        "unit_id": UNIT_ID,
        "enable_stock": int(parent.is_tracked),
        "not_for_selling": int(parent.is_not_for_selling),
        "unit_name": "Pc(s)",
        "unit_allow_decimal": 0,
        "tax_type": "exclusive",
        "product_variation_id": item.product_variation_id,
        "product_variation_name": "" if is_single else "Size",
        "product_image_url": "https://api.prokip.africa/img/default.png",
        **nulls("expiry_period expiry_period_type weight product_custom_field1 product_custom_field2"),
        **nulls("product_custom_field3 product_custom_field4 product_image product_description warranty_id brand_id"),
        **nulls("brand_name category_id category sub_category_id sub_category tax_id tax_name tax_amount"),
        **_prices(item),
        "variation_location_details": _stock_rows(business, item, stock, location_id),
        "media": [],
        "selling_price_group": [],
        "product_locations": _product_locations(business, parent),
        "discounts": [],
    }


def report_row(business: Business, item: Variation, place: Location | None, quantity: Decimal | None) -> Json:
    """A row of `product-stock-report`: no price, no `stock_quantity`, null where never stocked."""
    parent = business.products[item.product_id]
    is_single = parent.type == "single"
    sold = sum(
        (
            line.quantity - line.returned
            for sale in business.sales.values()
            if sale.status == "final" and place is not None and sale.location_id == place.id
            for line in sale.lines
            if line.variation_id == item.id
        ),
        Decimal(0),
    )
    return {
        "total_sold": decimals(sold) if sold else None,
        "stock_price": f"{quantity * item.price:.8f}" if quantity is not None and quantity > 0 else None,
        "stock": None if quantity is None else decimals(quantity),
        "sku": item.sku,
        "product": parent.name,
        "type": parent.type,
        "alert_quantity": "5.0000",
        "product_id": parent.id,
        "unit": "Pc(s)",
        "enable_stock": int(parent.is_tracked),
        "unit_price": decimals(item.price),
        "product_variation": "DUMMY" if is_single else "Size",
        "variation_name": item.name,
        "location_name": place.name if place else None,
        "location_id": place.id if place else None,
        "variation_id": item.id,
        **nulls("total_transfered total_adjusted category_name product_custom_field1 product_custom_field2"),
        **nulls("product_custom_field3 product_custom_field4"),
    }


def _prices(item: Variation) -> Json:
    return {
        "default_purchase_price": decimals(item.price / 2),
        "dpp_inc_tax": decimals(item.price / 2),
        "profit_percent": "100.0000",
        "default_sell_price": decimals(item.price),
        "sell_price_inc_tax": decimals(item.price),
    }


def _stock_rows(business: Business, item: Variation, stock: Quantities, location_id: int | None) -> list[Json]:
    return [
        {
            "id": row.id,
            "product_id": item.product_id,
            "product_variation_id": item.product_variation_id,
            "variation_id": item.id,
            "location_id": place,
            "qty_available": item.spoiled or decimals(stock.get((item.id, place), row.quantity)),
            **stamps(row.created_at, row.updated_at),
        }
        for place, row in business.stock_of(item)
        if location_id in {None, place}
    ]


def _product_locations(business: Business, item: Product) -> list[Json]:
    return [
        {
            **location(business.locations[place], business.created_at),
            "default_payment_accounts": '{"cash":{"is_enabled":"1","account":null}}',
            "pivot": {"product_id": item.id, "location_id": place},
        }
        for place in sorted(item.location_ids)
    ]
