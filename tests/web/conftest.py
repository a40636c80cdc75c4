"""The app over an engine of fakes, asked in process; people of a merchant, signed in as browsers and as programs."""

import re
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from syncd.engine.inbox import Inbox
from syncd.engine.people import users
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics
from tests.engine.conftest import clock, engine, merchant_with, settings  # noqa: F401 fixtures

PASSWORD = "three odd words"


@pytest.fixture
def inbox(engine):  # noqa: F811
    inbox = Inbox(engine.database)
    inbox.start()
    yield inbox
    inbox.stop()


@pytest.fixture
def app(engine, inbox):  # noqa: F811
    return create_app(Edge(engine=engine, inbox=inbox, metrics=Metrics()))


@pytest.fixture
def client(app):
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@dataclass
class Person:
    """A browser, with the habits of one: it sends back the forms it was shown."""

    client: TestClient

    def get(self, path, **more):
        return self.client.get(path, follow_redirects=False, **more)

    def post(self, path, data=None, *, on=None, **more):
        """Send the form that stands on the page `on` (`path` itself, unless told)."""
        token = csrf_of(self.client.get(on or path).text)
        return self.client.post(path, data={"csrf": token, **(data or {})}, follow_redirects=False, **more)

    def sign_in(self, email, password=PASSWORD):
        return self.post("/sign-in", {"email": email, "password": password})


def csrf_of(html):
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    return found[1] if found else ""


@pytest.fixture
def browser(app):
    """Make a new browser: `browser()`."""
    return lambda: Person(TestClient(app, base_url="http://127.0.0.1"))


@pytest.fixture
def person(engine):  # noqa: F811
    """Make a user: `person(merchant_id, "operator")` gives the address."""

    def make(merchant_id, role="owner", email=None):
        address = email or f"{role}-{merchant_id}@shop.example"
        users.add_user(
            engine, merchant_id, email=address, name=f"Ann {role}", role=role, password=PASSWORD, actor="test"
        )
        return address

    return make


@pytest.fixture
def signed_in(browser, person):
    """A browser of a new user of this role: `signed_in(merchant_id, "viewer")`."""

    def enter(merchant_id, role="owner"):
        one = browser()
        assert one.sign_in(person(merchant_id, role)).status_code == 303
        return one

    return enter
