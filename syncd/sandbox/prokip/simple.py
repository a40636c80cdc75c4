"""The simple dialect: `GET /inventory?locationId=` and `POST /sells`, as some customers describe their Prokip.

No look-up and no returns: a lost answer stays unknown for good.
"""

from decimal import Decimal

from syncd.sandbox.prokip.business import Business, NotFound
from syncd.sandbox.prokip.call import SERVER_ERROR, Answer, Call
from syncd.sandbox.prokip.faults import Faults
from syncd.sandbox.prokip.records import ZERO
from syncd.sandbox.prokip.selling import PhpError, SaleRefused, number, record_sale, rows
from syncd.sandbox.prokip.shapes import json_number


def answer(call: Call, method: str, path: str) -> Answer:
    """Answer one authenticated request to `/inventory` or `/sells`."""
    if path == "/inventory":
        return _inventory(call) if method == "GET" else (405, {"error": "Method not allowed"})
    return _sell(call.business, call.faults, call) if method == "POST" else (405, {"error": "Method not allowed"})


def _inventory(call: Call) -> Answer:
    try:
        place = call.business.location(call.query.get("locationId"))
    except NotFound:
        return 404, {"error": "Location not found"}
    stale = call.quantities()
    totals: dict[str, Decimal] = {}
    spoiled = {v.sku: v.spoiled for item in call.products() for v in item.variations if v.spoiled}
    for item in call.products():
        for variation in item.variations:
            row = call.business.stock.get((variation.id, place.id))
            if row is not None and item.is_tracked:
                quantity = stale.get((variation.id, place.id), row.quantity)
                totals[variation.sku] = totals.get(variation.sku, ZERO) + quantity
    return 200, [{"sku": sku, "quantity": spoiled.get(sku) or json_number(units)} for sku, units in totals.items()]


def _sell(business: Business, faults: Faults, call: Call) -> Answer:
    if faults.reject_sells:
        return 422, {"error": faults.reject_sells}
    products = []
    for item in rows(call.form.get("items")):
        variation = next(business.variations_of_sku(str(item.get("sku"))), None)
        if variation is None:
            return 422, {"error": f"Unknown sku {item.get('sku')}"}
        products.append(
            {"product_id": variation.product_id, "variation_id": variation.id, "quantity": item.get("quantity")}
        )
    walk_in = next(one for one in business.contacts.values() if one.is_default)
    form = {"location_id": call.form.get("locationId"), "contact_id": walk_in.id, "products": products}
    try:
        if any(number(row["quantity"]) <= 0 for row in products):
            return 422, {"error": "Quantity must be positive"}
        sale = record_sale(business, form)
    except (NotFound, SaleRefused) as refused:
        return 422, {"error": str(refused)}
    except PhpError:
        return SERVER_ERROR
    return 201, {"id": sale.id}
