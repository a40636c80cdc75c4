"""Bearer tokens: whom they let in, what they may, and how they end."""

from datetime import timedelta

import jwt
import pytest

from tests.api.conftest import PASSWORD


@pytest.fixture
def world(merchant_with):
    return merchant_with()


def test_a_token_says_who_it_is(as_, world):
    told = as_(world.merchant_id, "viewer").get("/auth/me").json()
    assert (told["role"], told["merchant"], told["is_program"]) == ("viewer", "Merchant", False)


def test_signing_out_makes_the_token_worthless(as_, world):
    one = as_(world.merchant_id)
    assert one.post("/auth/logout").status_code == 204
    assert one.get("/auth/me").status_code == 401


def test_a_token_ends_by_itself(as_, world, clock, engine):
    one = as_(world.merchant_id)
    clock.advance(engine.settings.security.bearer)
    assert one.get("/auth/me").status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_a_token_that_somebody_else_signed_lets_nobody_in(as_, world, engine, algorithm):
    one = as_(world.merchant_id)
    claims = jwt.decode(one.token, options={"verify_signature": False})
    key = None if algorithm == "none" else b"x" * 64
    one.token = jwt.encode(claims, key, algorithm=algorithm)
    assert one.get("/auth/me").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "syncd_x", "a.b.c", "é"])
def test_garbage_is_no_token(client, world, token):
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    answer = client.get("/auth/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_api_never_takes_the_cookie(signed_in, world):
    one = signed_in(world.merchant_id)
    assert one.get("/app/menu").status_code == 200
    assert one.get("/auth/me").status_code == 401


def test_a_page_never_takes_a_bearer_token(as_, world):
    assert as_(world.merchant_id).get("/app/menu").status_code == 303


def test_a_page_sessions_cookie_is_no_bearer_token(client, signed_in, world):
    cookie = signed_in(world.merchant_id).client.cookies["syncd"]
    assert client.get("/auth/me", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401


def test_a_long_lived_token_is_shown_once_and_may_what_its_scope_may(as_, world):
    owner = as_(world.merchant_id)
    made = owner.post("/tokens", {"name": "Till", "scope": "viewer"}).json()
    (listed,) = owner.get("/tokens").json()
    assert made["token"] not in str(listed)
    assert listed["hint"] == made["token"][-4:]
    owner.token = made["token"]
    assert owner.get("/stock").status_code == 200
    assert owner.post("/sync/manual").status_code == 403
    assert owner.get("/tokens").status_code == 403


def test_a_revoked_token_lets_nobody_in(as_, world):
    owner = as_(world.merchant_id)
    made = owner.post("/tokens", {"name": "Till", "scope": "operator"}).json()
    assert owner.ask("DELETE", f"/tokens/{made['id']}").status_code == 204
    assert owner.ask("DELETE", f"/tokens/{made['id']}").status_code == 404
    owner.token = made["token"]
    assert owner.get("/stock").status_code == 401


def test_a_token_with_an_end_ends(as_, world, clock):
    owner = as_(world.merchant_id)
    owner.token = owner.post("/tokens", {"name": "Till", "scope": "viewer", "days": 1}).json()["token"]
    assert owner.get("/stock").status_code == 200
    clock.advance(timedelta(days=1))
    assert owner.get("/stock").status_code == 401


def test_a_token_never_may_more_than_its_user(as_, login, person, world):
    person(world.merchant_id, "owner", "first@shop.example")
    first, second = login("first@shop.example"), as_(world.merchant_id)
    token = second.post("/tokens", {"name": "All", "scope": "owner"}).json()["token"]
    path = f"/users/owner-{world.merchant_id}@shop.example"
    assert first.ask("PATCH", path, json={"role": "viewer"}).status_code == 200
    second.token = token
    assert second.get("/auth/me").json()["role"] == "viewer"


def test_a_program_cannot_change_the_password_of_its_user(as_, world):
    owner = as_(world.merchant_id)
    owner.token = owner.post("/tokens", {"name": "All", "scope": "owner"}).json()["token"]
    answer = owner.ask("PUT", "/auth/password", json={"old": PASSWORD, "new": "another good one"})
    assert answer.status_code == 403


def test_changing_the_password_ends_all_other_sessions(as_, login, world, signed_in, browser):
    here = as_(world.merchant_id)
    email = f"owner-{world.merchant_id}@shop.example"
    there, page = login(email), browser()
    page.sign_in(email)
    wrong = here.ask("PUT", "/auth/password", json={"old": "not this one", "new": "another good one"})
    assert wrong.status_code == 401
    assert here.ask("PUT", "/auth/password", json={"old": PASSWORD, "new": "another good one"}).status_code == 204
    assert here.get("/auth/me").status_code == 200
    assert there.get("/auth/me").status_code == 401
    assert page.get("/app/menu").status_code == 303
    assert login(email, "another good one").get("/auth/me").status_code == 200


def test_the_last_owner_stays_owner(as_, world):
    owner = as_(world.merchant_id)
    path = f"/users/owner-{world.merchant_id}@shop.example"
    assert owner.ask("PATCH", path, json={"role": "viewer"}).status_code == 409
    assert owner.ask("PATCH", path, json={"is_disabled": True}).status_code == 409


def test_nobody_signs_up_by_themselves_unless_the_operator_lets_them(client, as_, world):
    as_(world.merchant_id)
    body = {"email": "x@y.example", "password": PASSWORD, "business": "Y"}
    assert client.post("/auth/register", json=body).status_code == 409
    assert client.post("/auth/register", json={**body, "code": "KISU-4821-TAWI"}).status_code == 409


def test_too_many_wrong_passwords_are_429_with_the_time_to_wait(client, person, world):
    email = person(world.merchant_id)
    for _ in range(5):
        wrong = client.post("/auth/login", json={"email": email, "password": "wrong password"})
        assert wrong.status_code == 401
    limited = client.post("/auth/login", json={"email": email, "password": PASSWORD})
    assert limited.status_code == 429
    assert "retry-after" in limited.headers


def test_who_did_what_is_kept(as_, world):
    owner = as_(world.merchant_id)
    owner.post("/tokens", {"name": "Till", "scope": "viewer"})
    actions = [row["action"] for row in owner.get("/audit").json()["items"]]
    assert actions[:2] == ["token.create", "sign_in"]
