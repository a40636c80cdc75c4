"""The Connector module's routes: `/connector/api/...` as the stock controllers answer them.

`answer` is called with an authenticated request. A route that is not in the table is a 404, a known path with another
method a 405, and a query parameter that no handler reads is ignored, as there.
"""

import re

from syncd.sandbox.prokip import shapes
from syncd.sandbox.prokip.business import NotFound, as_id
from syncd.sandbox.prokip.call import SERVER_ERROR, Answer, Call, Handler, like
from syncd.sandbox.prokip.catalogue_routes import list_products, list_variations, show_products, stock_report
from syncd.sandbox.prokip.paging import paged
from syncd.sandbox.prokip.sale_routes import (
    change_sell,
    list_returns,
    list_sells,
    record_sells,
    remove_sell,
    return_units,
    show_sells,
)
from syncd.sandbox.prokip.selling import TAX_RATES, PhpError, SaleRefused


def answer(call: Call, method: str, path: str, missing: frozenset[str] = frozenset()) -> tuple[int, object, str]:
    """Status, body and, for a 405, the allowed methods. `path` is what follows `connector/api/`.

    `missing` are methods and first path segments that this server does not have.
    """
    found = [
        (verb, match, handler)
        for verb, pattern, handler in ROUTES
        if (match := re.fullmatch(pattern, path)) and not {verb, path.split("/", 1)[0]} & missing
    ]
    for verb, match, handler in found:
        if verb == method:
            return *_caught(handler, call, match.group(1) if match.groups() else ""), ""
    if not found:
        return 404, {"message": f"The route connector/api/{path} could not be found."}, ""
    allowed = ", ".join(sorted({"GET": "GET, HEAD"}.get(verb, verb) for verb, _, _ in found))
    words = f"The {method} method is not supported for route connector/api/{path}. Supported methods: {allowed}."
    return 405, {"message": words}, allowed


def _caught(handler: Handler, call: Call, key: str) -> Answer:
    """The controllers' catch blocks: 404 for a missing model, 400 for any exception; an Error escapes as a 500."""
    try:
        return handler(call, key)
    except NotFound as missing:
        return 404, {"error": {"message": str(missing)}}
    except SaleRefused as refused:
        return 400, {"error": {"message": str(refused)}}
    except PhpError:
        return SERVER_ERROR


def _list_contacts(call: Call, _: str) -> Answer:
    query = call.query
    found = [
        one
        for one in call.business.contacts.values()
        if (not query.get("type") or one.type in {query["type"], "both"})
        and (not query.get("name") or like(query["name"], one.name))
        and (not query.get("mobile_num") or like(query["mobile_num"], one.mobile))
        and (not query.get("contact_id") or like(query["contact_id"], one.code))
    ]
    return 200, paged(call.page, found, shapes.contact)


def _show_contacts(call: Call, ids: str) -> Answer:
    wanted = {as_id(one) for one in ids.split(",")}
    return 200, {"data": [shapes.contact(one) for one in call.business.contacts.values() if one.id in wanted]}


def _add_contact(call: Call, _: str) -> Answer:
    form = call.form
    if not all(form.get(key) for key in ("first_name", "type", "mobile")):
        return 400, {"error": {"message": "The given data was invalid."}}
    code = str(form["contact_id"]) if form.get("contact_id") else None
    if code and any(one.code == code for one in call.business.contacts.values()):
        return 400, {"error": {"message": "Error: Contact ID already exists"}}
    person = call.business.add_contact(
        str(form["first_name"]), kind=str(form["type"]), mobile=str(form["mobile"]), code=code
    )
    return 201, {"data": shapes.new_contact(person)}


def _list_locations(call: Call, _: str) -> Answer:
    made = call.business.created_at
    return 200, {
        "data": [shapes.listed_location(one, made) for one in call.business.locations.values() if one.is_active]
    }


def _business_details(call: Call, _: str) -> Answer:
    return 200, {"data": shapes.business_details(call.business)}


def _taxes(call: Call, _: str) -> Answer:
    return 200, {"data": [shapes.tax_rate(key, rate, call.business.created_at) for key, rate in TAX_RATES.items()]}


def _units(call: Call, _: str) -> Answer:
    return 200, {"data": [shapes.unit(call.business.created_at)]}


def _payment_methods(_: Call, __: str) -> Answer:
    custom = {f"custom_pay_{n}": f"Custom Payment {n}" for n in range(1, 8)}
    return 200, {**shapes.PAYMENT_METHODS, **custom}


def _logged_in(call: Call, _: str) -> Answer:
    return 200, {"data": shapes.user(call.business.created_at, may_view_sells=call.may_view_sells)}


def _nothing(_: Call, __: str) -> Answer:
    return 200, {"data": []}


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", r"product", list_products),
    ("GET", r"product/([\d,]+)", show_products),
    ("GET", r"variation(?:/([\d,]+))?", lambda call, ids: list_variations(call, ids or "")),
    ("GET", r"product-stock-report", stock_report),
    ("POST", r"sell", record_sells),
    ("GET", r"sell", list_sells),
    ("GET", r"sell/([\d,]+)", show_sells),
    ("PUT", r"sell/(\d+)", change_sell),
    ("DELETE", r"sell/(\d+)", remove_sell),
    ("POST", r"sell-return", return_units),
    ("GET", r"list-sell-return", list_returns),
    ("GET", r"contactapi", _list_contacts),
    ("GET", r"contactapi/([\d,]+)", _show_contacts),
    ("POST", r"contactapi", _add_contact),
    ("GET", r"business-location", _list_locations),
    ("GET", r"business-details", _business_details),
    ("GET", r"tax", _taxes),
    ("GET", r"unit", _units),
    ("GET", r"payment-methods", _payment_methods),
    ("GET", r"payment-accounts", _nothing),
    ("GET", r"selling-price-group", _nothing),
    ("GET", r"expense", _nothing),
    ("GET", r"user/loggedin", _logged_in),
)
