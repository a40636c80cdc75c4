"""What stands before every route: rates, sizes, hosts of mail, consents that belong to one browser, the description."""

import asyncio
import re
from dataclasses import replace

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from syncd.config import MailSettings, SecuritySettings
from syncd.engine.people import invitations, outbox, users
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics
from tests.postman import OnAnyPort
from tests.web.conftest import PASSWORD, Person

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",))


@pytest.fixture
def with_settings(engine, inbox):
    """The app with other settings: `with_settings(mail=…)`."""

    def make(**sections):
        settings = engine.settings.model_copy(update=sections)
        app = create_app(Edge(engine=replace(engine, settings=settings), inbox=inbox, metrics=Metrics()))
        return TestClient(app, base_url="http://127.0.0.1")

    return make


# ------------------------------------------------------------------------------------------- rates


def test_who_asks_too_often_is_told_to_wait(with_settings, world):
    client = with_settings(security=SecuritySettings(requests_per_minute=5))
    statuses = [client.get("/stock").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert client.get("/stock").headers["retry-after"] == "60"


def test_one_tokens_share_is_not_anothers(with_settings, world):
    client = with_settings(security=SecuritySettings(requests_per_minute=5))
    for _ in range(6):
        client.get("/stock", headers={"Authorization": "Bearer one"})
    assert client.get("/stock", headers={"Authorization": "Bearer two"}).status_code == 401


def test_forms_at_the_doors_have_a_narrower_limit(client, world):
    statuses = {client.post("/auth/forgot", json={"email": "a@b.example"}).status_code for _ in range(31)}
    assert statuses == {202, 429}


def test_health_and_files_are_never_limited(with_settings, world):
    client = with_settings(security=SecuritySettings(requests_per_minute=1))
    assert {client.get("/healthz").status_code for _ in range(5)} == {200}


def test_somebody_who_signs_wrongly_again_and_again_is_turned_away_and_the_store_is_not(client, world):
    path = f"/connections/webhook/fake/{world.connection('A').public_id}"
    statuses = [client.post(path, content=b"forged").status_code for _ in range(62)]
    assert statuses[:60] == [401] * 60
    assert statuses[-1] == 429
    headers, body = world.stores["A"].sign("orders/changed", b"{}")
    other = TestClient(client.app, base_url="http://127.0.0.1", client=("198.51.100.7", 443))
    assert other.post(path, content=body, headers=headers).status_code == 200


# ------------------------------------------------------------------------------------------- sizes


def test_a_body_over_the_limit_is_413_whether_it_says_so_or_not(client, engine, world):
    big = b" " * (engine.settings.web.body_limit + 1)
    for content in (big, iter([big[:-1], b"x"])):
        answer = client.post("/auth/login", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["status"] == 413


# ------------------------------------------------------------------------------------------- mail


class Postbox:
    """A mail server that keeps what it takes."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 the library's name
        await asyncio.sleep(0)
        self.messages.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def postbox():
    box = Postbox()
    controller = OnAnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


@pytest.fixture
def with_mail(with_settings, postbox):
    told = MailSettings(host="127.0.0.1", port=postbox.port, security="none", sender="syncd <syncd@shop.example>")
    return with_settings(mail=told)


def link_in(words, path):
    return re.search(rf"{path}[\w-]+", words.replace("=\r\n", ""))[0]


def test_a_forgotten_password_is_set_by_the_link_in_the_mail(with_mail, postbox, person, world):
    email, one = person(world.merchant_id), Person(with_mail)
    assert "on its way" in one.post("/forgot", {"email": email}).text
    ((receivers, words),) = postbox.messages
    assert receivers == [email]
    answer = one.post(link_in(words, "/reset/"), {"password": "a fresh password"})
    assert answer.headers["location"] == "/app"
    outbox.send_due(with_mail.app.state.edge.engine)
    assert "was changed" in postbox.messages[-1][1]


def test_an_address_without_account_gets_the_same_answer_and_no_mail(with_mail, postbox, person, world):
    person(world.merchant_id)
    assert "on its way" in Person(with_mail).post("/forgot", {"email": "nobody@x.example"}).text
    assert postbox.messages == []


def test_an_invitation_is_mailed_with_its_link(with_mail, postbox, person, world):
    email = person(world.merchant_id)
    token = with_mail.post("/auth/login", json={"email": email, "password": PASSWORD}).json()["access_token"]
    body = {"email": "new@x.example", "role": "viewer"}
    answer = with_mail.post("/users/invitations", json=body, headers={"Authorization": f"Bearer {token}"}).json()
    assert answer["is_mailed"] is True
    joining = link_in(postbox.messages[0][1], "/invite/")
    assert answer["link"].endswith(joining)
    body = {"token": joining.removeprefix("/invite/"), "name": "New", "password": PASSWORD}
    assert with_mail.post("/auth/invitations/accept", json=body).status_code == 204


def test_a_mail_server_that_is_away_costs_nobody_an_error(with_settings, person, world):
    told = MailSettings(host="127.0.0.1", port=1, security="none", sender="x@y.example", password=SecretStr("secret"))
    assert "on its way" in Person(with_settings(mail=told)).post("/forgot", {"email": person(world.merchant_id)}).text


# ------------------------------------------------------------------------------------------- merchants


def test_inviting_does_not_tell_who_has_an_account_at_another_merchant(engine, merchant_with, person, world):
    other = merchant_with(stores=(), skus={}, name="Other")
    theirs = person(other.merchant_id)
    made, token = invitations.invite(engine, world.merchant_id, email=theirs, role="viewer", actor="owner")
    assert made.email == theirs
    with pytest.raises(Exception, match="has an account already"):
        invitations.accept(engine, token, name="X", password=PASSWORD)
    with engine.database.reading() as session:
        assert [row.email for row in users.list_users(session, world.merchant_id)] == []


# ------------------------------------------------------------------------------------------- the description


def test_the_description_is_served_with_files_of_our_own(client, world):
    page = client.get("/docs")
    assert page.status_code == 200
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert address.startswith("/")
        assert client.get(address).status_code == 200
    described = client.get("/openapi.json").json()
    assert "/connections/{name}/pause" in described["paths"]
    assert "bearer" in str(described["components"]["securitySchemes"]).lower()


def test_no_answer_holds_a_stores_secret(engine, world, client, person):
    secret = world.stores["A"].webhook_secret
    email = person(world.merchant_id)
    token = client.post("/auth/login", json={"email": email, "password": PASSWORD}).json()["access_token"]
    for path in ("/connections", "/connections/A", "/audit", "/deliveries", "/setup"):
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert secret not in answer.text
