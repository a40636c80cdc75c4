"""Where consent pages answer to: once, for a consent that was begun here, and nothing of it is echoed."""

import pytest
from sqlmodel import select

from connectors.sdk.contract import Consent
from connectors.sdk.errors import Refused
from schema.tables import OAuthState
from syncd.config import WebSettings
from syncd.engine import consents
from syncd.engine.connect import StoreRequest


class Page:
    """A consent page that grants when the answer says so."""

    def begin(self, settings, *, callback_url, return_url, state):
        return Consent(url=f"https://shop.example/allow?state={state}", state=state)

    def finish(self, settings, *, query, body, state, callback_url, transport, now):
        if query.get("signed") != "yes":
            raise Refused("The store did not sign this.")
        return {"token": query["code"]}


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"web": WebSettings(public_url="https://sync.example")})


@pytest.fixture
def state(engine, merchant_with):
    """A consent that was begun."""
    world = merchant_with(stores=(), skus={})
    engine.plugins["fake"].consent = Page()
    wanted = StoreRequest(merchant_id=world.merchant_id, platform="fake", settings={"shop": "a.example"})
    return consents.begin(engine, wanted, {}).state


def kept(engine, state):
    with engine.database.reading() as session:
        return session.exec(select(OAuthState).where(OAuthState.state == state)).one()


def callback(state, **query):
    return "/connections/callback/fake?" + "&".join(
        f"{key}={value}" for key, value in {"state": state, **query}.items()
    )


def test_what_was_granted_is_kept_sealed_and_the_person_told(engine, client, state):
    answer = client.get(callback(state, signed="yes", code="hush"))
    assert (answer.status_code, "Approved" in answer.text) == (200, True)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "hush" not in answer.text
    row = kept(engine, state)
    assert row.used_at is not None
    assert b"hush" not in row.request
    assert b"hush" in engine.keyring.open_bytes(row.request)


def test_an_approval_counts_once(client, state):
    assert client.get(callback(state, signed="yes", code="x")).status_code == 200
    assert client.get(callback(state, signed="yes", code="y")).status_code == 400


def test_a_platform_that_posts_gets_plain_text(client, state):
    answer = client.post(callback(state, signed="yes", code="x"), content=b"{}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "address",
    ["/connections/callback/fake?state=unknown", "/connections/callback/fake", "/connections/callback/teapot?state=x"],
)
def test_what_did_not_begin_here_is_refused(client, state, address):
    answer = client.get(address)
    assert answer.status_code == 400
    assert "did not start here" in answer.text


def test_a_forged_answer_is_refused_with_the_reason_and_keeps_nothing(engine, client, state):
    answer = client.get(callback(state, code="x"))
    assert answer.status_code == 400
    assert "did not sign" in answer.text
    assert kept(engine, state).used_at is None


def test_an_old_approval_is_refused(client, clock, state):
    clock.advance(consents.CONSENT_FOR)
    assert client.get(callback(state, signed="yes", code="x")).status_code == 400
