"""Every route, walked through: who may, and that nobody sees or touches what is another merchant's."""

import re

import pytest
from starlette.routing import Route

from syncd.web.who import API, PAGES, Who
from tests.web.conftest import csrf_of

FREE = ("/connections/webhook", "/connections/callback", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")
RANK = {"anyone": 0, "viewer": 1, "operator": 2, "owner": 3}
PATHS = {"name": "A", "sku": "MUG", "sku:path": "MUG", "email": "owner-1@shop.example", "state": "none", "token": "none"}


def filled(path):
    return re.sub(r"\{([^}]+)\}", lambda found: PATHS.get(found[1], "1"), path)


def rows(table):
    return [pytest.param(*key.split(" ", 1), who, id=key) for key, who in table.items()]


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",))


@pytest.fixture
def other(merchant_with):
    return merchant_with(stores=("B",), skus={"CUP": 1}, name="Other")


def test_every_route_of_the_app_is_in_the_table_and_the_other_way_round(app):
    pages = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route) and not route.path.startswith(FREE)
        for method in route.methods - {"HEAD"}
    }
    described = {f"{method.upper()} {path}" for path, entry in app.openapi()["paths"].items() for method in entry}
    assert pages == set(PAGES)
    assert described == {key.replace(":path", "") for key in API}


pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)


@pytest.mark.parametrize(("method", "path", "who"), rows(API))
def test_the_api_lets_in_who_may(client, as_, world, method, path, who):
    address = filled(path)
    if who is not Who.ANYONE:
        assert client.request(method, address).status_code == 401
    for role in ("viewer", "operator", "owner"):
        status = as_(world.merchant_id, role).ask(method, address, json={}).status_code
        is_refused = status == 403 and RANK[role] < RANK[who.value]
        assert is_refused or RANK[role] >= RANK[who.value]
        assert is_refused or (status not in (401, 403, 500) or who is Who.ANYONE)


@pytest.mark.parametrize(("method", "path", "who"), rows(PAGES))
def test_pages_let_in_who_may(browser, signed_in, world, method, path, who):
    address, html = filled(path), {"Accept": "text/html"}
    signed = {role: signed_in(world.merchant_id, role) for role in ("viewer", "operator", "owner")}
    stranger = browser()
    token = csrf_of(stranger.get("/sign-in").text)
    answer = stranger.client.request(method, address, headers=html, data={"csrf": token}, follow_redirects=False)
    if who is not Who.ANYONE:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
    if path == "/sign-out":
        return
    for role, one in signed.items():
        data = {"csrf": csrf_of(one.get("/app/menu").text)} if method == "POST" else None
        status = one.client.request(method, address, headers=html, data=data, follow_redirects=False).status_code
        assert (status == 403) is (RANK[role] < RANK[who.value])
        assert status < 500


@pytest.mark.parametrize(("method", "path", "who"), [row for row in rows(PAGES) if row.values[0] == "POST"])
def test_every_form_needs_the_token_of_its_browser(signed_in, world, method, path, who):
    one = signed_in(world.merchant_id)
    assert one.client.post(filled(path), data={}, follow_redirects=False).status_code == 403


@pytest.mark.parametrize(("method", "path", "who"), [row for row in rows(API) if row.values[2] is not Who.ANYONE])
def test_another_merchants_owner_reaches_nothing_of_this_one(as_, person, world, other, method, path, who):
    person(world.merchant_id)
    stranger = as_(other.merchant_id)
    answer = stranger.ask(method, filled(path), json={})
    assert answer.status_code < 500
    words = answer.text
    assert "MUG" not in words or answer.status_code in (404, 422)
    assert f'"{world.connection("A").code}"' not in words
    assert f"owner-{world.merchant_id}@" not in words or answer.status_code in (404, 422)
    if re.search(r"\{(name|sku:path|email)\}", path) and not path.endswith("/movements"):
        assert answer.status_code in (404, 422)


def test_an_unknown_address_and_a_wrong_method_are_problems(client, world):
    for answer, status in ((client.get("/teapot"), 404), (client.put("/stock"), 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
