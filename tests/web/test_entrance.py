"""Coming in: the first visit, sign-in and its limits, the second factor, links that work once, forms."""

from datetime import timedelta

import pyotp
import pytest

from syncd.engine.people import invitations, resets, second_factor, setup_code, users
from tests.web.conftest import PASSWORD

OWNER = {"name": "Achieng Were", "business": "Mwangaza Home", "email": "achieng@mwangaza.example", "password": PASSWORD}


@pytest.fixture
def world(merchant_with):
    return merchant_with()


@pytest.fixture
def code(engine, world):
    return setup_code.issue(engine.database, engine.keyring, engine.clock)


def test_a_fresh_installation_sends_everybody_to_the_first_visit(browser, world):
    assert browser().get("/app/stock").headers["location"] == "/welcome"
    assert browser().get("/sign-in").headers["location"] == "/welcome"


def test_who_holds_the_code_becomes_the_owner_and_is_in(browser, code):
    one = browser()
    assert one.post("/welcome", {**OWNER, "code": code.lower()}).headers["location"] == "/app"
    page = one.get("/app/menu")
    assert page.status_code == 200
    assert "Mwangaza Home · owner" in page.text


def test_the_code_is_the_same_until_it_is_used(engine, browser, code):
    assert setup_code.issue(engine.database, engine.keyring, engine.clock) == code
    browser().post("/welcome", {**OWNER, "code": code})
    assert setup_code.issue(engine.database, engine.keyring, engine.clock) is None


def test_five_wrong_codes_make_the_code_void(engine, browser, code):
    one = browser()
    for left in (4, 3, 2):
        assert f"{left} tries left" in one.post("/welcome", {**OWNER, "code": "KISU-0000-TAWI"}).text
    assert "1 try left" in one.post("/welcome", {**OWNER, "code": "KISU-0000-TAWI"}).text
    assert "void" in one.post("/welcome", {**OWNER, "code": "KISU-0000-TAWI"}).text
    assert one.post("/welcome", {**OWNER, "code": code}).status_code == 422
    assert setup_code.issue(engine.database, engine.keyring, engine.clock) != code


def test_nobody_claims_an_installation_twice(browser, code):
    late = browser()
    late.get("/welcome")
    browser().post("/welcome", {**OWNER, "code": code})
    assert late.get("/welcome").headers["location"] == "/sign-in"
    answer = late.post("/welcome", {**OWNER, "email": "thief@x.example", "code": code}, on="/sign-in")
    assert answer.headers["location"] == "/sign-in"
    assert late.sign_in("thief@x.example").status_code == 422


def test_a_short_password_is_told_and_what_was_typed_stays(browser, code):
    page = browser().post("/welcome", {**OWNER, "code": code, "password": "short"})
    assert page.status_code == 422
    assert "12 characters or more" in page.text
    assert 'value="Mwangaza Home"' in page.text


def test_signing_in_leads_to_where_one_wanted_to_go(browser, person, world):
    email, one = person(world.merchant_id), browser()
    door = one.get("/app/stock?q=mug").headers["location"]
    assert door == "/sign-in?next=%2Fapp%2Fstock%3Fq%3Dmug"
    answer = one.post("/sign-in", {"email": email, "password": PASSWORD, "next": "/app/stock?q=mug"})
    assert answer.headers["location"] == "/app/stock?q=mug"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/app", "//evil.example/app", "/\\evil.example", "x"])
def test_signing_in_never_leads_to_another_site(browser, person, world, elsewhere):
    email = person(world.merchant_id)
    answer = browser().post("/sign-in", {"email": email, "password": PASSWORD, "next": elsewhere})
    assert answer.headers["location"] == "/app"


def test_a_wrong_password_and_an_unknown_address_get_the_same_words(browser, person, world):
    email = person(world.merchant_id)
    pages = [browser().post("/sign-in", {"email": who, "password": "x" * 12}) for who in (email, "nobody@x.example")]
    assert [page.status_code for page in pages] == [422, 422]
    first, second = (page.text.replace(email, "").replace("nobody@x.example", "") for page in pages)
    assert "E-mail and password do not match." in first
    assert "E-mail and password do not match." in second


def test_five_failures_make_one_wait_a_quarter_of_an_hour(browser, person, world, clock):
    email, one = person(world.merchant_id), browser()
    for _ in range(5):
        assert one.sign_in(email, "wrong password").status_code == 422
    page = one.sign_in(email)
    assert page.status_code == 429
    assert "Wait until 10:15" in page.text
    clock.advance(timedelta(minutes=15))
    assert one.sign_in(email).status_code == 303


def test_a_right_password_ends_the_count_of_failures(browser, person, world):
    email, one = person(world.merchant_id), browser()
    for _ in range(2):
        for _ in range(4):
            one.sign_in(email, "wrong password")
        assert one.sign_in(email).status_code == 303
        one.post("/sign-out", on="/app/menu")


def test_the_cookie_is_kept_from_scripts_and_is_secure_over_https(app, person, world):
    from starlette.testclient import TestClient

    from tests.web.conftest import Person

    email = person(world.merchant_id)
    for base, is_secure in (("http://127.0.0.1", False), ("https://sync.example", True)):
        answer = Person(TestClient(app, base_url=base)).sign_in(email)
        cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("syncd="))
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert ("Secure" in cookie) is is_secure


def test_a_form_without_the_token_of_its_browser_changes_nothing(browser, signed_in, world):
    one, other = signed_in(world.merchant_id), browser()
    stranger = other.client.get("/sign-in")
    from tests.web.conftest import csrf_of

    for token in ("", "00", csrf_of(stranger.text)):
        assert one.client.post("/sign-out", data={"csrf": token}).status_code == 403
    assert one.get("/app/menu").status_code == 200


def test_signing_out_ends_the_session_for_good(signed_in, world):
    one = signed_in(world.merchant_id)
    cookie = one.client.cookies["syncd"]
    one.post("/sign-out", on="/app/menu")
    one.client.cookies["syncd"] = cookie
    assert one.get("/app").headers["location"] == "/sign-in"


def test_a_session_ends_by_itself(signed_in, world, clock, engine):
    one = signed_in(world.merchant_id)
    clock.advance(engine.settings.security.session)
    assert one.get("/app").headers["location"] == "/sign-in"


def test_a_new_password_ends_all_other_sessions(engine, browser, person, world):
    email = person(world.merchant_id)
    here, there = browser(), browser()
    here.sign_in(email)
    there.sign_in(email)
    with engine.database.reading() as session:
        user_id = users.find_user(session, world.merchant_id, email).id
        from syncd.engine.people import sessions

        newest, *_ = sessions.list_sessions(session, user_id, engine.clock.now())
    users.change_password(engine, user_id, PASSWORD, "another good one", keep_session=newest.id)
    assert sorted(one.get("/app/menu").status_code for one in (here, there)) == [200, 303]


def test_a_disabled_user_is_out_at_once(engine, signed_in, person, world):
    person(world.merchant_id, "owner", "second@shop.example")
    one = signed_in(world.merchant_id, "operator")
    users.disable(engine, world.merchant_id, f"operator-{world.merchant_id}@shop.example", actor="test")
    assert one.get("/app").headers["location"] == "/sign-in"


@pytest.fixture
def with_phone(engine, person, world):
    """A user with a second factor: the address and the app on the phone."""
    email = person(world.merchant_id)
    with engine.database.reading() as session:
        user_id = users.find_user(session, world.merchant_id, email).id
    begun = second_factor.begin(engine, email)
    phone = pyotp.TOTP(begun.secret)
    second_factor.confirm(engine, user_id, begun.sealed, phone.at(engine.clock.now()))
    engine.clock.advance(timedelta(minutes=1))
    return email, phone


def test_with_a_second_factor_the_password_alone_shows_nothing(browser, with_phone, clock):
    (email, phone), one = with_phone, browser()
    assert one.sign_in(email).headers["location"].startswith("/sign-in/code")
    assert one.get("/app").headers["location"] == "/sign-in/code"
    assert "does not fit" in one.post("/sign-in/code", {"code": "000000"}).text
    assert one.post("/sign-in/code", {"code": phone.at(clock.now())}).headers["location"] == "/app"
    assert one.get("/app/menu").status_code == 200


def test_a_code_works_once(browser, with_phone, clock):
    email, phone = with_phone
    first, second = browser(), browser()
    for one in (first, second):
        one.sign_in(email)
    code = phone.at(clock.now())
    assert first.post("/sign-in/code", {"code": code}).status_code == 303
    assert second.post("/sign-in/code", {"code": code}).status_code == 422


def test_the_answer_to_a_forgotten_password_does_not_tell_who_has_an_account(engine, browser, person, world):
    person(world.merchant_id)
    page = browser().get("/forgot")
    assert "syncd users reset" in page.text


def test_a_reset_link_works_once_and_ends_the_sessions(engine, browser, signed_in, world):
    one = signed_in(world.merchant_id)
    token = resets.give(engine, f"owner-{world.merchant_id}@shop.example", actor="test")
    other = browser()
    assert other.post(f"/reset/{token}", {"password": "a fresh password"}).headers["location"] == "/app"
    assert one.get("/app/menu").status_code == 303
    assert other.get("/app/menu").status_code == 200
    assert browser().get(f"/reset/{token}").status_code == 410


def test_a_reset_link_is_over_after_an_hour(engine, browser, person, world, clock):
    token = resets.give(engine, person(world.merchant_id), actor="test")
    clock.advance(timedelta(hours=1))
    assert browser().get(f"/reset/{token}").status_code == 410


def test_an_invited_person_joins_in_the_role_that_was_meant(engine, browser, person, world):
    owner = person(world.merchant_id)
    _, token = invitations.invite(engine, world.merchant_id, email="new@x.example", role="viewer", actor=owner)
    one = browser()
    assert "new@x.example as viewer" in one.get(f"/invite/{token}").text
    assert one.post(f"/invite/{token}", {"name": "New", "password": PASSWORD}).headers["location"] == "/app"
    assert "· viewer" in one.get("/app/menu").text
    assert browser().get(f"/invite/{token}").status_code == 410


def test_colours_are_kept_in_a_cookie(browser, person, world):
    person(world.merchant_id)
    one = browser()
    one.post("/theme", {"theme": "dark"}, on="/sign-in")
    assert 'data-theme="dark"' in one.get("/sign-in").text
    one.post("/theme", {"theme": '"><script>'}, on="/sign-in")
    assert "data-theme" not in one.get("/sign-in").text


def test_an_address_that_there_is_not_says_so_in_words(signed_in, world):
    page = signed_in(world.merchant_id).get("/app/teapot")
    assert page.status_code == 404
    assert "There is nothing here." in page.text


def test_every_answer_has_the_headers_of_defence(client, signed_in, world):
    for answer in (client.get("/healthz"), client.get("/nothing"), signed_in(world.merchant_id).get("/app/menu")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_page_has_a_script_or_style_of_its_own(browser, signed_in, world):
    for page in (signed_in(world.merchant_id).get("/app/menu"), browser().get("/sign-in"), browser().get("/forgot")):
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert "onclick" not in page.text
        assert all("src=" in part.split(">")[0] for part in page.text.split("<script")[1:])


def test_static_files_are_kept_and_named_by_their_content(client):
    from syncd.web.frame.drawing import asset

    answer = client.get(asset("app.css"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
