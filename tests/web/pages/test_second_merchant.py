"""A second merchant in the same database: nothing of the first is seen, by page, by file, by event or by API."""

import re
import shutil

import pytest
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.testclient import TestClient

from schema import migrate
from schema.tables import ApiToken, Connection, Invitation, Issue, IssueNote, Merchant, Rule, SyncRun, User
from syncd.engine.inbox import Inbox
from syncd.engine.people import invitations, tokens, users
from syncd.engine.people.sign_in import Place, begin_session
from syncd.errors import SyncdError
from syncd.web.edge import Edge, create_app
from syncd.web.frame.pages import visit_of
from syncd.web.frame.visit import SESSION
from syncd.web.metrics import Metrics
from syncd.web.pages.events import PARTS as EVENTS
from syncd.web.who import API, PAGES
from tests.web.conftest import csrf_of
from tests.web.pages.addresses import ALL, FILES
from tests.web.pages.street import GOODS, NAMES, live_a_morning, lose_access, make_street

PASSWORD = "three odd words here"
PARTS = {"name": "a", "sku:path": "MUG-ENA-BLU", "email": "owner@mwangaza.example", "deed": "ignore", "rest:path": "x"}
STORES = tuple(name for name in NAMES.values() if name != "Prokip")  # any merchant's pages name the product
THEIRS = (*GOODS, *(title for title, _, _ in GOODS.values()), *STORES, "MUG-XMAS-26", "mwangaza", "#1011")
ENDS = ("POST /auth/logout", "POST /sign-out", "GET /app/events")
OF_ANYBODY = re.compile(r"^(GET|POST) /(|welcome|sign-in|sign-in/code|forgot|reset/.*|invite/.*|theme)$")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def street(request, tmp_path_factory, empty_database):
    """A street with a morning behind it; a token and an invitation of its owner."""
    home = tmp_path_factory.mktemp("street")
    if request.param == "sqlite":
        shutil.copy(empty_database, home / "street.sqlite")
        url = f"sqlite:///{home / 'street.sqlite'}"
    else:
        url = request.getfixturevalue("pg_server").create_database()
        migrate.upgrade(url)
    street = make_street(url, home)
    live_a_morning(street)
    lose_access(street, "b")
    engine, merchant = street.market.engine, street.market.merchant_id
    tokens.create(engine, street.users["owner"], name="Till of Mwangaza", scope="viewer")
    invitations.invite(engine, merchant, email="new@mwangaza.example", role="viewer", actor="owner@mwangaza.example")
    yield street
    engine.database.close()


@pytest.fixture(scope="module")
def stranger(street):
    """The owner of another business."""
    engine = street.market.engine
    with engine.database.transaction() as session:
        other = Merchant(name="Shirts of Nakuru", created_at=engine.clock.now())
        session.add(other)
        session.flush()
        merchant_id = other.id
    return users.add_user(
        engine, merchant_id, email="owner@nakuru.example", name="Njeri", role="owner", password=PASSWORD, actor="test"
    )


@pytest.fixture
def client(street, stranger):
    engine = street.market.engine
    app = create_app(Edge(engine=engine, inbox=Inbox(engine.database), metrics=Metrics()))
    cookies = {SESSION: begin_session(engine, stranger.id, place=Place()).token}
    with TestClient(app, base_url="http://127.0.0.1", cookies=cookies, follow_redirects=False) as client:
        yield client


def told(answer, asked=""):
    """Words of the first merchant in an answer, but those that were asked with."""
    words = answer.text.replace(asked, "").lower()
    return [word for word in THEIRS if word.lower() in words and word.lower() not in asked.lower()]


def filled(path):
    return re.sub(r"\{([^}]+)\}", lambda part: PARTS.get(part[1], "1"), path)


def test_no_page_and_no_file_shows_anything_of_the_first_merchant(client):
    found = []
    for path in (*ALL, *FILES):
        answer = client.get(path)
        words = told(answer, path.replace("%20", " ").replace("%26", "&"))
        if words or answer.status_code >= 500:
            found.append(f"{path}: {answer.status_code} {words[:3]}")
    assert found == []


def test_what_belongs_to_the_first_merchant_is_not_there_for_the_second(client):
    of_one = [path for path in ALL if re.search(r"/(issues|sales|runs|deliveries)/\d|/stores/", path)]
    assert {path: client.get(path).status_code for path in of_one} == dict.fromkeys(of_one, 404)


def test_no_form_of_the_second_merchant_reaches_anything_of_the_first(client, street):
    before = _state(street)
    csrf, found = csrf_of(client.get("/app/menu").text), []
    for key in sorted(PAGES):
        method, path = key.split(" ", 1)
        if method != "POST" or key in ENDS or OF_ANYBODY.match(key):
            continue
        for deed in (
            "",
            "pause",
            "resolve",
            "release",
            "take",
            "retry",
            "lock",
            "revoke",
            "withdraw",
            "ignore",
            "link",
        ):
            sent = {"csrf": csrf, "deed": deed, "email": "owner@mwangaza.example", "token": "1", "invitation": "1"}
            sent |= {"store": "a", "sku": "MUG-ENA-BLU", "listing": "1", "session": "1", "typed": "Mwangaza Online"}
            answer = client.post(filled(path), data=sent)
            if answer.status_code >= 500:
                found.append(f"{key} {deed}: {answer.status_code}")
    assert found == []
    assert _state(street) == before


def _state(street):
    """What the first merchant has, in short."""
    rows = {}
    for table in (Connection, Issue, IssueNote, Rule, SyncRun, User, ApiToken, Invitation):
        listed = [row for row in street.market.rows(table) if getattr(row, "merchant_id", 1) == 1]
        rows[table.__name__] = [row.model_dump(exclude={"seen_at", "signed_in_at"}) for row in listed]
    return rows


def test_the_api_gives_the_second_merchant_nothing_of_the_first(client, street):
    before = _state(street)
    login = client.post("/auth/login", json={"email": "owner@nakuru.example", "password": PASSWORD})
    headers, found = {"Authorization": f"Bearer {login.json()['access_token']}"}, []
    bodies = [{}, {"name": "Mwangaza Online"}, {"order": "#1011"}, {"sku": "MUG-ENA-BLU", "to": 1, "reason": "x"}]
    for key in sorted(API):
        method, path = key.split(" ", 1)
        if key in ENDS or path.startswith("/auth"):
            continue
        for body in bodies if method != "GET" else [None]:
            address = filled(path)
            answer = client.request(method, address, json=body, headers=headers)
            names_theirs = "{" in path and not path.endswith(("}/movements", "approvals/{state}"))
            if told(answer, f"{address} {body}") or answer.status_code >= 500:
                found.append(f"{key}: {answer.status_code} {answer.text[:80]}")
            if names_theirs and answer.status_code not in (404, 409, 422):
                found.append(f"{key}: {answer.status_code}")
    assert found == []
    assert _state(street) == before


def test_the_events_of_a_page_tell_the_second_merchant_nothing(street, stranger):
    engine = street.market.engine
    token = begin_session(engine, stranger.id, place=Place()).token
    for page, parts in EVENTS.items():
        scope = {"type": "http", "method": "GET", "path": "/app/events", "server": ("127.0.0.1", 80), "scheme": "http"}
        scope["query_string"] = f"page={page}&sku=MUG-ENA-BLU&store=a&run=1".encode()
        scope["headers"] = [(b"cookie", f"{SESSION}={token}".encode())]
        visit = visit_of(engine, Request(scope), FormData())
        shown = "".join(html for _, html in _quietly(parts, visit))
        assert [word for word in THEIRS if word in shown and word != "MUG-ENA-BLU"] == [], page


def _quietly(parts, visit):
    try:
        return parts(visit)
    except SyncdError:
        return []
