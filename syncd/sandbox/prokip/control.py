"""`/_sandbox/...`: people's actions, counts and faults over HTTP, for the demo and for tests from outside. No token.

| call | body | answer |
| --- | --- | --- |
| `GET /_sandbox/` | | dialect, credentials, locations |
| `POST /_sandbox/products` | `{sku, title, price, quantity, tracked, location}` | `{id, sku}` |
| `GET /_sandbox/stock?location=` | | `{sku: number}` |
| `PUT /_sandbox/stock/{sku}` | `{quantity, location}` | `{sku, quantity}` |
| `POST /_sandbox/purchases` | `{sku, quantity, location}` | `{sku, quantity}` |
| `POST /_sandbox/till` | `{lines: [{sku, quantity}], location, force}` | `{id}` |
| `POST /_sandbox/till/{id}/return` | `{lines: [{sku, quantity}]}` | `{id}` |
| `GET /_sandbox/sales` | | every sale with its lines |
| `GET /_sandbox/log` | | calls by kind, by status, by minute |
| `GET`, `PUT /_sandbox/faults` | the switches to set | all switches |
| `DELETE /_sandbox/products/{sku}` | | the product is gone |
| `POST /_sandbox/tokens/revoke` | | every token ends |

Without a location the first one is meant. What cannot be done is answered 409 `{error}`, what cannot be understood 400.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import unquote

from syncd.sandbox.prokip.faults import FaultUnknown
from syncd.sandbox.prokip.people import Lines, NotPossible
from syncd.sandbox.prokip.selling import rows
from syncd.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from syncd.sandbox.prokip.platform import SimulatedProkip

Form = Mapping[str, object]
Answer = tuple[int, object]


class _NotUnderstood(ValueError):
    """The body lacks something or holds something of the wrong kind."""


def answer(prokip: "SimulatedProkip", request: Request) -> Response:
    """Answer one control request."""
    try:
        status, body = _route(prokip, request)
    except NotPossible as reason:
        status, body = 409, {"error": str(reason)}
    except (_NotUnderstood, FaultUnknown) as reason:
        status, body = 400, {"error": str(reason)}
    return Response(status=status, headers={"Content-Type": "application/json"}, body=json.dumps(body).encode())


def _route(  # noqa: PLR0911 - a table of cases
    prokip: "SimulatedProkip", request: Request
) -> Answer:
    path = request.path.removeprefix("/_sandbox").strip("/")
    form = _form(request)
    match request.method, path.split("/"):
        case "GET", _:
            return _told(prokip, request, path)
        case "POST", ["products"]:
            return _add_product(prokip, form)
        case "DELETE", ["products", *sku]:
            prokip.people.delete(unquote("/".join(sku)))
            return 200, {}
        case "PUT", ["stock", *sku]:
            return _count(prokip, unquote("/".join(sku)), form)
        case "POST", ["purchases"]:
            prokip.people.receive(_text(form, "sku"), _quantity(form), location=_location(form))
            return 200, {"sku": form["sku"], "quantity": form["quantity"]}
        case "POST", ["till"]:
            force = form.get("force") is True
            return 201, {"id": prokip.people.sell(_lines(form), location=_location(form), force=force)}
        case "POST", ["till", sale_id, "return"] if sale_id.isdecimal():
            prokip.people.take_back(int(sale_id), _lines(form))
            return 201, {"id": int(sale_id)}
        case "POST", ["tokens", "revoke"]:
            prokip.tokens.revoke_all()
            return 200, {}
        case "PUT", ["faults"]:
            prokip.faults.update(form)
            return 200, prokip.faults.as_json()
        case _:
            return 404, {"error": f"the sandbox has no {request.method} {path}"}


def _told(prokip: "SimulatedProkip", request: Request, path: str) -> Answer:
    answers: dict[str, Callable[[], object]] = {
        "": lambda: _about(prokip),
        "stock": lambda: prokip.people.stock(request.query.get("location") or None),
        "sales": prokip.people.sales,
        "log": prokip.journal.as_json,
        "faults": prokip.faults.as_json,
    }
    found = answers.get(path)
    return (200, found()) if found else (404, {"error": f"the sandbox has no GET {path}"})


def _about(prokip: "SimulatedProkip") -> dict[str, object]:
    known = prokip.credentials
    return {
        "platform": "prokip",
        "dialect": prokip.dialect,
        "username": known.username,
        "password": known.password,
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "access_token": known.access_token,
        "locations": [{"id": one.id, "name": one.name} for one in prokip.business.locations.values()],
    }


def _add_product(prokip: "SimulatedProkip", form: Form) -> Answer:
    item = prokip.people.add_product(
        _text(form, "sku") if form.get("sku") else None,
        title=_text(form, "title") if form.get("title") else "",
        price=_decimal(form.get("price", 100)),
        quantity=None if "quantity" in form and form["quantity"] is None else _decimal(form.get("quantity", 0)),
        tracked=form.get("tracked") is not False,
        location=_location(form),
    )
    return 201, {"id": item.id, "sku": item.sku}


def _count(prokip: "SimulatedProkip", sku: str, form: Form) -> Answer:
    prokip.people.count(sku, _quantity(form), location=_location(form))
    return 200, {"sku": sku, "quantity": form["quantity"]}


def _form(request: Request) -> Form:
    try:
        found = json.loads(request.body, parse_float=Decimal) if request.body else {}
    except ValueError as broken:
        raise _NotUnderstood(f"the body is no JSON: {broken}") from broken
    if not isinstance(found, dict):
        raise _NotUnderstood("the body is no JSON object")
    return found


def _lines(form: Form) -> Lines:
    lines = [(_text(row, "sku"), int(_quantity(row))) for row in rows(form.get("lines"))]
    if not lines:
        raise _NotUnderstood("lines is a list of {sku, quantity}")
    return lines


def _text(form: Form, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str) or not value:
        raise _NotUnderstood(f"{name} is missing or no text")
    return value


def _quantity(form: Form) -> Decimal:
    if "quantity" not in form:
        raise _NotUnderstood("quantity is missing")
    return _decimal(form["quantity"])


def _decimal(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise _NotUnderstood(f"{value!r} is no number") from None


def _location(form: Form) -> str | None:
    return str(form["location"]) if form.get("location") else None
