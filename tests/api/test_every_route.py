"""Every route, walked through: who may, and that nobody sees or touches what is another merchant's.

One walk per kind of visitor; what a walk finds wrong is listed by route.
"""

import re

import pytest
from starlette.routing import Route

from syncd.web.who import API, PAGES, Who
from tests.web.conftest import csrf_of

FREE = ("/connections/webhook", "/connections/callback", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")
RANK = {"anyone": 0, "viewer": 1, "operator": 2, "owner": 3}
PARTS = {
    "name": "A",
    "sku": "MUG",
    "sku:path": "MUG",
    "email": "owner-1@shop.example",
    "state": "none",
    "token": "none",
}
PARTS["session_id"] = "999"  # 1 is the walker's own
# Ends the walker's own session, or never ends.
LAST = ("POST /auth/logout", "POST /sign-out")
STREAMS = ("GET /app/events",)

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)


def filled(path):
    return re.sub(r"\{([^}]+)\}", lambda found: PARTS.get(found[1], "1"), path)


def routes(table):
    keys = sorted((key for key in table if key not in STREAMS), key=lambda key: key in LAST)
    return [(key, *key.split(" ", 1), table[key]) for key in keys]


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


def test_a_stranger_reaches_nothing_of_the_api(client, world):
    needs_token = [(key, method, path) for key, method, path, who in routes(API) if who is not Who.ANYONE]
    let_in = [key for key, method, path in needs_token if client.request(method, filled(path)).status_code != 401]
    assert let_in == []


@pytest.mark.parametrize("role", ["viewer", "operator", "owner"])
def test_the_api_lets_a_role_do_what_it_may_and_nothing_else(as_, world, role):
    one, wrong = as_(world.merchant_id, role), []
    for key, method, path, who in routes(API):
        status = one.ask(method, filled(path), json={}).status_code
        is_refused = status == 403
        if who is not Who.ANYONE and (is_refused is not (RANK[role] < RANK[who.value]) or status in (401, 429, 500)):
            wrong.append(f"{key}: {status}")
    assert wrong == []


def test_another_merchants_owner_reaches_nothing_of_this_one_by_the_api(as_, person, world, other):
    person(world.merchant_id)
    stranger, found = as_(other.merchant_id), []
    ours = ("MUG", world.connection("A").code, f"owner-{world.merchant_id}@")
    for key, method, path, who in routes(API):
        if who is Who.ANYONE:
            continue
        answer = stranger.ask(method, filled(path), json={})
        is_told = any(word in answer.text for word in ours) and answer.status_code not in (404, 422)
        names_ours = re.search(r"\{(name|sku:path|email)\}", path) and not path.endswith("/movements")
        if is_told or (names_ours and answer.status_code not in (404, 422)) or answer.status_code >= 500:
            found.append(f"{key}: {answer.status_code} {answer.text[:80]}")
    assert found == []
    assert world.connection("A").state == "live"


def test_a_stranger_reaches_no_page_but_the_doors(browser, world, person):
    person(world.merchant_id)
    one, wrong = browser(), []
    token = csrf_of(one.get("/sign-in").text)
    for key, method, path, who in routes(PAGES):
        answer = _visit(one, method, path, token)
        if who is not Who.ANYONE and not answer.headers.get("location", "").startswith("/sign-in"):
            wrong.append(f"{key}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("role", ["viewer", "operator", "owner"])
def test_pages_let_a_role_do_what_it_may_and_nothing_else(signed_in, world, role):
    one, wrong = signed_in(world.merchant_id, role), []
    token = csrf_of(one.get("/app/menu").text)
    for key, method, path, who in routes(PAGES):
        status = _visit(one, method, path, token).status_code
        if (status == 403) is not (RANK[role] < RANK[who.value]) or status >= 500:
            wrong.append(f"{key}: {status}")
    assert wrong == []


def test_another_merchants_owner_sees_nothing_of_this_one_on_any_page(signed_in, person, world, other):
    person(world.merchant_id)
    one, found = signed_in(other.merchant_id), []
    token = csrf_of(one.get("/app/menu").text)
    for key, method, path, who in routes(PAGES):
        answer = _visit(one, method, path, token)
        shown = answer.text.replace(filled(path), "")
        if who is not Who.ANYONE and answer.status_code == 200 and ("Item MUG" in shown or "owner-1@" in shown):
            found.append(key)
    assert found == []
    assert world.connection("A").state == "live"


def test_every_form_needs_the_token_of_its_browser(signed_in, world):
    one = signed_in(world.merchant_id)
    forms = [(key, path) for key, method, path, _ in routes(PAGES) if method == "POST"]
    taken = [key for key, path in forms if one.client.post(filled(path), data={}).status_code != 403]
    assert taken == []


def _visit(one, method, path, token):
    data = {"csrf": token} if method == "POST" else None
    headers = {"Accept": "text/html"}
    return one.client.request(method, filled(path), headers=headers, data=data, follow_redirects=False)


def test_an_unknown_address_and_a_wrong_method_are_problems(client, world):
    for answer, status in ((client.get("/teapot"), 404), (client.put("/stock"), 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
