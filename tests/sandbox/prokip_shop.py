"""A simulated Prokip shop with a clock that stands still, and an HTTP client that talks to it as a stranger would."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import httpx

from syncd.sandbox.prokip import SimulatedProkip
from syncd.sandbox.wire import transport

SAMPLES = Path(__file__).parent.parent / "data" / "prokip"
API = "/connector/api"


class StoppedClock:
    def __init__(self):
        self.time = datetime(2026, 1, 28, 9, 5, 42, tzinfo=UTC)

    def __call__(self):
        return self.time

    def pass_by(self, **amount):
        self.time += timedelta(**amount)


class Shop:
    """Shea butter (one variation, SKU = product id, 73 left) and a tee in M (-2 left) and L (never stocked)."""

    def __init__(self, **settings):
        self.clock = StoppedClock()
        settings.setdefault("throttle", None)
        self.prokip = SimulatedProkip(
            clock=self.clock, random=Random(7), locations=("Kisimani Branch", "Warehouse"), **settings
        )
        people = self.prokip.people
        self.people = people
        self.faults = self.prokip.faults
        self.butter = people.add_product(None, title="Shea butter 250 g", price=680, quantity=73)
        self.tee = people.add_variable_product(
            "TEE-01", title="Crew tee", variations={"M": ("TEE-01-M", -2), "L": ("TEE-01-L", None)}, price=1200
        )
        self.location = people.location().id
        self.client = httpx.Client(
            base_url="http://prokip.test",
            transport=transport(self.prokip),
            headers={"Authorization": "Bearer sandbox-access-token", "Accept": "application/json"},
        )
        self.contact = 2200001  # the walk-in customer

    def get(self, path, **query):
        return self.client.get(f"{API}/{path}", params=query)

    def post(self, path, body):
        return self.client.post(f"{API}/{path}", json=body)

    def line(self, item, quantity, name=None, **more):
        variation = next(one for one in item.variations if name in {None, one.name})
        return {"product_id": item.id, "variation_id": variation.id, "quantity": quantity, **more}

    def sale(self, *lines, **more):
        return {
            "location_id": self.location,
            "contact_id": self.contact,
            "transaction_date": "2026-01-28 12:05:41",
            "invoice_no": "PSY-C7-100234",
            "source": "psync-c7",
            "status": "final",
            "products": list(lines),
            "payments": [{"amount": 1360, "method": "cash", "note": "paid online"}],
            **more,
        }

    def record(self, *lines, **more):
        return self.post("sell", {"sells": [self.sale(*lines, **more)]}).json()[0]

    def left(self, sku=None):
        return self.people.stock()[sku or self.butter.sku]


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())["body"]


FORMS = (
    r"-?\d+\.\d{4}",
    r"-?\d+\.\d{8}",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
)


def differences(expected, found, where="body"):
    """Where an answer has other keys, other types or other spellings than a sample; null goes with everything."""
    if expected is None or found is None:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() ^ found.keys():
            yield f"{where}.{key} is only in {'the sample' if key in expected else 'the answer'}"
        for key in expected.keys() & found.keys():
            yield from differences(expected[key], found[key], f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        if expected and not found:
            yield f"{where} is empty"
        for number, one in enumerate(found[: len(expected)]):
            yield from differences(expected[number], one, f"{where}[{number}]")
    elif isinstance(expected, str) and isinstance(found, str):
        for form in FORMS:
            if (re.fullmatch(form, expected) is None) != (re.fullmatch(form, found) is None):
                yield f"{where}: {found!r} is not spelled like {expected!r}"
    elif type(expected) is not type(found) and {type(expected), type(found)} != {int, float}:
        yield f"{where}: {found!r} is no {type(expected).__name__}"
