"""The settings pages: one's own account, users and invitations, tokens, and what they may not do."""

import re

import pyotp
import pytest

from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
ACCOUNT, USERS, TOKENS = "/app/settings/account", "/app/settings/users", "/app/settings/tokens"


@pytest.fixture
def world(merchant_with):
    return merchant_with()


def test_settings_lists_what_the_visitor_may_set(signed_in, world):
    owner, viewer = signed_in(world.merchant_id), signed_in(world.merchant_id, "viewer")
    links = lambda who: set(re.findall(r'href="/app/settings/(\w+)"', who.get("/app/settings").text))  # noqa: E731
    assert links(owner) == {"account", "users", "notifications", "rules", "tokens", "audit"}
    assert links(viewer) == {"account"}


def test_changing_the_password_keeps_this_session_and_ends_the_others(signed_in, browser, world):
    here, there = signed_in(world.merchant_id), browser()
    there.sign_in(f"owner-{world.merchant_id}@shop.example")
    done = here.post(ACCOUNT, {"deed": "password", "old": PASSWORD, "new": "another good one"})
    assert done.status_code == 303
    assert here.get("/app/menu").status_code == 200
    assert there.get("/app/menu").status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("not this one", "another good one", "This is not your present password."), (PASSWORD, "short", "12 characters")],
)
def test_a_password_that_will_not_do_is_told_beside_its_field(signed_in, world, old, new, words):
    answer = signed_in(world.merchant_id).post(ACCOUNT, {"deed": "password", "old": old, "new": new})
    assert answer.status_code == 422
    assert words in answer.text


def test_a_second_factor_is_set_up_and_switched_off(signed_in, browser, world, clock):
    one = signed_in(world.merchant_id)
    shown = one.post(ACCOUNT, {"deed": "begin_code"}).text
    secret = re.search(r'class="breaks">(\w+)<', shown)[1]
    sealed = re.search(r'name="sealed" value="([^"]+)"', shown)[1]
    assert "<svg" in shown.split("qr-box")[1][:200]
    wrong = one.post(ACCOUNT, {"deed": "confirm_code", "sealed": sealed, "code": "000000"})
    assert wrong.status_code == 422
    assert secret in wrong.text
    code = pyotp.TOTP(secret).at(int(clock.now().timestamp()))
    assert one.post(ACCOUNT, {"deed": "confirm_code", "sealed": sealed, "code": code}).status_code == 303
    assert browser().sign_in(f"owner-{world.merchant_id}@shop.example").headers["location"].startswith("/sign-in/code")
    assert one.post(ACCOUNT, {"deed": "remove_code", "password": "nope"}).status_code == 422
    assert one.post(ACCOUNT, {"deed": "remove_code", "password": PASSWORD}).status_code == 303
    assert browser().sign_in(f"owner-{world.merchant_id}@shop.example").headers["location"] == "/app"


def test_a_session_elsewhere_can_be_ended(signed_in, browser, world):
    here, there = signed_in(world.merchant_id), browser()
    there.sign_in(f"owner-{world.merchant_id}@shop.example")
    (session_id,) = re.findall(r'name="session" value="(\d+)"', here.get(ACCOUNT).text)
    assert here.post(ACCOUNT, {"deed": "end", "session": session_id}).status_code == 303
    assert there.get("/app/menu").status_code == 303


def test_an_invitation_is_shown_once_and_lets_somebody_join_in_the_chosen_role(signed_in, browser, world):
    owner, guest = signed_in(world.merchant_id), browser()
    shown = owner.post(USERS, {"deed": "invite", "email": "new@shop.example", "role": "operator"}).text
    path = re.search(r"http://[^/]+(/invite/[\w-]+)", shown)[1]
    assert path not in owner.get(USERS).text
    assert guest.post(path, {"name": "New", "password": PASSWORD}).status_code == 303
    assert "operator" in guest.get("/app/settings").text


def test_a_withdrawn_invitation_is_worthless(signed_in, browser, world):
    owner = signed_in(world.merchant_id)
    shown = owner.post(USERS, {"deed": "invite", "email": "new@shop.example", "role": "viewer"}).text
    number = re.search(r'name="invitation" value="(\d+)"', shown)[1]
    owner.post(USERS, {"deed": "withdraw", "invitation": number})
    assert browser().get(re.search(r"http://[^/]+(/invite/[\w-]+)", shown)[1]).status_code == 410


def test_a_role_changes_what_somebody_may_and_locking_out_ends_it(signed_in, world):
    owner, viewer = signed_in(world.merchant_id), signed_in(world.merchant_id, "viewer")
    email = f"viewer-{world.merchant_id}@shop.example"
    assert viewer.get("/app/deliveries").status_code == 403
    owner.post(USERS, {"deed": "role", "email": email, "role": "operator"})
    assert viewer.get("/app/deliveries").status_code == 200
    owner.post(USERS, {"deed": "lock", "email": email})
    assert viewer.get("/app").status_code == 303
    owner.post(USERS, {"deed": "let_in", "email": email})
    assert viewer.sign_in(email).headers["location"] == "/app"


def test_the_last_owner_cannot_be_made_less(signed_in, world):
    owner = signed_in(world.merchant_id)
    answer = owner.post(USERS, {"deed": "role", "email": f"owner-{world.merchant_id}@shop.example", "role": "viewer"})
    assert answer.status_code == 303
    assert owner.get(USERS).status_code == 200


def test_a_token_is_shown_once_and_can_be_revoked(signed_in, client, world):
    owner = signed_in(world.merchant_id)
    shown = owner.post(TOKENS, {"name": "Till", "scope": "viewer", "days": "30"}).text
    token = re.search(r"(syncd_[\w-]+)", shown)[1]
    assert token not in owner.get(TOKENS).text
    ask = lambda: client.get("/stock", headers={"Authorization": f"Bearer {token}"}).status_code  # noqa: E731
    assert ask() == 200
    number = re.search(r'name="token" value="(\d+)"', owner.get(TOKENS).text)[1]
    owner.post(TOKENS, {"deed": "revoke", "token": number})
    assert ask() == 401


def test_a_token_of_a_name_in_use_is_told_beside_the_field(signed_in, world):
    owner = signed_in(world.merchant_id)
    owner.post(TOKENS, {"name": "Till", "scope": "viewer"})
    again = owner.post(TOKENS, {"name": "Till", "scope": "viewer"})
    assert again.status_code == 422
    assert "There is a token Till already." in again.text


def test_who_did_what_is_told_in_words(signed_in, world):
    owner = signed_in(world.merchant_id)
    owner.post(TOKENS, {"name": "Till", "scope": "viewer"})
    words = owner.get("/app/settings/audit").text
    assert "Made a token" in words
    assert "Signed in" in words
    other = signed_in(world.merchant_id, "viewer")
    assert other.get("/app/settings/audit").status_code == 403
