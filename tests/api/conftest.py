"""Programs that ask the API, each with its own bearer token."""

import pytest

from tests.web.conftest import (  # noqa: F401 fixtures
    PASSWORD,
    app,
    browser,
    client,
    clock,
    engine,
    inbox,
    merchant_with,
    person,
    settings,
    signed_in,
)


class Program:
    """Asks with a token."""

    def __init__(self, client, token):  # noqa: F811
        self.client, self.token = client, token

    def ask(self, method, path, **more):
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, follow_redirects=False, **more)

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, json={} if body is None else body, **more)


@pytest.fixture
def login(client):  # noqa: F811
    """Sign a user in: `login(email)`."""

    def enter(email, password=PASSWORD, **more):
        answer = client.post("/auth/login", json={"email": email, "password": password, **more})
        assert answer.status_code == 200, answer.text
        return Program(client, answer.json()["access_token"])

    return enter


@pytest.fixture
def as_(login, person):  # noqa: F811
    """A program of a new user of this role: `as_(merchant_id, "viewer")`."""
    return lambda merchant_id, role="owner": login(person(merchant_id, role))
