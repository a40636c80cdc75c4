"""The page of messages by e-mail and its part of the API."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from syncd.config import MailSettings
from syncd.engine.inbox import Inbox
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics
from tests.postman import Postman
from tests.web.conftest import PASSWORD, Person

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
PATH = "/app/settings/notifications"


@pytest.fixture
def world(merchant_with):
    return merchant_with()


@pytest.fixture
def postman():
    postman = Postman()
    yield postman
    postman.stop()


@pytest.fixture
def mailing(engine, person, world, postman):
    """A signed-in owner where mail is configured."""
    mail = MailSettings(host="127.0.0.1", port=postman.port, security="none", sender="syncd@shop.example")
    told = replace(engine, settings=engine.settings.model_copy(update={"mail": mail}))
    app = create_app(Edge(engine=told, inbox=Inbox(engine.database), metrics=Metrics()))
    owner = Person(TestClient(app, base_url="http://127.0.0.1"))
    owner.sign_in(person(world.merchant_id))
    return owner


def test_without_mail_the_page_says_what_to_write_into_the_configuration(signed_in, world):
    words = signed_in(world.merchant_id).get(PATH).text
    assert "No mail goes out yet" in words
    assert "[mail]" in words
    assert "Send me a test message" not in words


def test_the_test_button_sends_to_who_presses_it(mailing, postman, world):
    mailing.post(PATH, {"deed": "test"})
    assert len(postman.to(f"owner-{world.merchant_id}@shop.example")) == 1
    assert "A message is on its way" in mailing.get(PATH).text


def test_the_test_button_says_what_is_wrong(mailing, postman):
    postman.stop()
    mailing.post(PATH, {"deed": "test"})
    assert "cannot be reached: ConnectionRefusedError" in mailing.get(PATH).text


def test_what_somebody_is_told_is_chosen_on_the_page(mailing, person, world):
    email = person(world.merchant_id, "viewer")
    assert "as usual for this role" in mailing.get(PATH).text
    chosen = {"email": email, "level": "urgent", "rhythm": "daily", "area": ["stock", "sales"]}
    assert mailing.post(PATH, chosen).status_code == 303
    words = mailing.get(PATH).text
    row = words[words.index(f'value="{email}"') :].split("</form>")[0]
    assert '<option value="urgent" selected>' in row
    assert '<option value="daily" selected>' in row
    assert row.count("checked") == 2


@pytest.mark.parametrize(
    "sent", [{"level": "loud"}, {"level": "all", "rhythm": "hourly"}, {"level": "all", "area": "weather"}]
)
def test_what_the_page_does_not_offer_is_not_taken(mailing, world, sent):
    email = f"owner-{world.merchant_id}@shop.example"
    mailing.post(PATH, {"email": email, **sent})
    assert "Choose from what the page offers." in mailing.get(PATH).text


def test_nobody_chooses_for_another_merchants_user(mailing, person, merchant_with):
    other = merchant_with(name="Other", stores=(), skus={})
    theirs = person(other.merchant_id)
    mailing.post(PATH, {"email": theirs, "level": "none"})
    words = mailing.get(PATH).text
    assert "There is no user" in words


def test_the_api_does_the_same(client, mailing, person, world, postman):
    email = person(world.merchant_id, "viewer")
    owner = f"owner-{world.merchant_id}@shop.example"
    token = mailing.client.post("/auth/login", json={"email": owner, "password": PASSWORD}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    wish = {"level": "urgent", "rhythm": "daily", "areas": ["stores"]}
    assert mailing.client.put(f"/notifications/{email}", json=wish, headers=headers).status_code == 204
    (told,) = [row for row in mailing.client.get("/notifications", headers=headers).json() if row["email"] == email]
    assert (told["level"], told["rhythm"], told["areas"], told["is_usual"]) == ("urgent", "daily", ["stores"], False)
    empty = mailing.client.put(f"/notifications/{email}", json={"level": "all", "areas": []}, headers=headers)
    assert empty.status_code == 409
    assert mailing.client.put("/notifications/no@body.example", json=wish, headers=headers).status_code == 404
    assert mailing.client.post("/notifications/test", headers=headers).status_code == 204
    assert len(postman.to(owner)) == 1
