"""Mail about issues: each told once to whoever wants to know, a storm in one message, whatever happens to the process."""

import re
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

import syncd.engine
from schema.tables import Mail, MailLevel, MailRhythm, MailState, Merchant
from syncd.config import MailSettings
from syncd.domain.issue_kinds import AREAS, Area
from syncd.engine import issues, leaving
from syncd.engine.people import notices, outbox, resets, users
from syncd.engine.vault import Keyring, new_key
from syncd.errors import NotPossible
from tests.postman import Postman, SilentPostman

SENDER = "syncd <syncd@shop.example>"


@pytest.fixture
def postman():
    postman = Postman()
    yield postman
    postman.stop()


@pytest.fixture
def mailing(engine, postman):
    """The engine with a mail server."""
    mail = MailSettings(host="127.0.0.1", port=postman.port, security="none", sender=SENDER)
    return replace(engine, settings=engine.settings.model_copy(update={"mail": mail}))


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",))


@pytest.fixture
def people(engine, world):
    """One user of each role; gives the addresses."""
    for role in ("owner", "operator", "viewer"):
        users.add_user(
            engine,
            world.merchant_id,
            email=f"{role}@shop.example",
            name=role,
            role=role,
            password="three odd words",
            actor="test",
        )


def raise_one(engine, world, key="oversell:1:MUG", kind="oversell", title="MUG is oversold by 1 at Main.", **more):
    with engine.database.transaction() as session:
        return issues.raise_issue(
            session, merchant_id=world.merchant_id, kind=kind, key=key, title=title, now=engine.clock.now(), **more
        )


def work(engine, *, after=timedelta(seconds=25)):
    """What the daemon's loop does, some time later."""
    engine.clock.advance(after)
    notices.write_due(engine)
    while outbox.send_due(engine):
        pass


def states(engine):
    with engine.database.reading() as session:
        return [row.state for row in session.exec(select(Mail).order_by(Mail.id))]


def test_an_issue_is_told_once_to_the_owner_with_a_link_to_its_page(mailing, postman, world, people):
    number = raise_one(mailing, world, why="2 on hand, 3 sold online.")
    for _ in range(5):
        work(mailing, after=timedelta(hours=1))
    ((addresses, message),) = postman.messages
    assert addresses == ["owner@shop.example"]
    assert message["Subject"] == "Merchant: MUG is oversold by 1 at Main"
    words = message.get_content()
    assert message.get_content_type() == "text/plain"
    assert "2 on hand, 3 sold online." in words
    assert f"/app/issues/{number}" in words
    assert "`" not in words


def test_a_storm_is_one_message(mailing, postman, world, people):
    for n in range(200):
        raise_one(mailing, world, key=f"oversell:1:SKU-{n}", title=f"SKU-{n} is oversold.")
    work(mailing)
    for n in range(200, 260):
        raise_one(mailing, world, key=f"oversell:1:SKU-{n}", title=f"SKU-{n} is oversold.")
    work(mailing)
    ((_, message),) = postman.messages
    assert message["Subject"] == "Merchant: 200 things need a look"
    assert "And 170 more" in message.get_content()
    work(mailing, after=timedelta(minutes=15))
    assert [told["Subject"] for _, told in postman.messages[1:]] == ["Merchant: 60 things need a look"]


def test_what_is_solved_before_the_message_is_not_told(mailing, postman, world, people):
    raise_one(mailing, world)
    with mailing.database.transaction() as session:
        issues.resolve_issue(session, world.merchant_id, "oversell:1:MUG", by="syncd", now=mailing.clock.now())
    work(mailing)
    assert postman.messages == []


def test_an_issue_that_comes_again_after_it_was_solved_is_told_again(mailing, postman, world, people):
    for _ in range(2):
        raise_one(mailing, world)
        work(mailing, after=timedelta(hours=1))
        with mailing.database.transaction() as session:
            issues.resolve_issue(session, world.merchant_id, "oversell:1:MUG", by="syncd", now=mailing.clock.now())
    assert len(postman.messages) == 2


def test_who_chose_only_what_cannot_wait_of_stores_is_told_of_nothing_else(mailing, postman, world, people):
    choose = {"level": MailLevel.URGENT, "rhythm": MailRhythm.AT_ONCE, "areas": [Area.STORES], "actor": "test"}
    notices.set_wish(mailing, world.merchant_id, "viewer@shop.example", **choose)
    raise_one(mailing, world)
    raise_one(mailing, world, key="gone", kind="listing_gone", title="A product is gone.")
    work(mailing)
    assert postman.to("viewer@shop.example") == []
    raise_one(mailing, world, key="auth", kind="needs_auth", title="A no longer accepts our key.")
    work(mailing, after=timedelta(minutes=16))
    (message,) = postman.to("viewer@shop.example")
    assert message["Subject"] == "Merchant: A no longer accepts our key"
    assert len(postman.to("owner@shop.example")) == 2


def test_an_owner_who_wants_no_mail_gets_none(mailing, postman, world, people):
    none = {"level": MailLevel.NONE, "rhythm": MailRhythm.AT_ONCE, "areas": [], "actor": "test"}
    notices.set_wish(mailing, world.merchant_id, "owner@shop.example", **none)
    raise_one(mailing, world)
    work(mailing)
    assert postman.messages == []


def test_once_a_day_comes_at_its_hour_in_the_merchants_zone_with_all_of_the_day(mailing, postman, world, people):
    with mailing.database.transaction() as session:
        session.get_one(Merchant, world.merchant_id).time_zone = "Africa/Nairobi"
    daily = {"level": MailLevel.ALL, "rhythm": MailRhythm.DAILY, "areas": list(Area), "actor": "test"}
    notices.set_wish(mailing, world.merchant_id, "owner@shop.example", **daily)
    raise_one(mailing, world)
    raise_one(mailing, world, key="other", title="TIN is oversold.")
    work(mailing, after=timedelta(hours=17, minutes=59))  # 10:00 UTC is 13:00 in Nairobi; now it is 6:59
    assert postman.messages == []
    work(mailing, after=timedelta(minutes=2))
    work(mailing, after=timedelta(hours=5))
    ((_, message),) = postman.messages
    assert message["Subject"] == "Merchant: 2 things need a look"


def test_another_merchants_issues_are_nobody_elses_mail(mailing, postman, world, people, merchant_with):
    other = merchant_with(stores=("B",), name="Other")
    raise_one(mailing, other)
    work(mailing)
    assert postman.messages == []


def test_without_a_mail_server_nothing_is_written_and_nothing_forgotten(engine, mailing, postman, world, people):
    raise_one(engine, world)
    work(engine)
    assert states(engine) == []
    work(mailing)
    assert len(postman.messages) == 1


def test_a_server_that_is_busy_is_asked_again_and_the_message_arrives_once(mailing, postman, world, people):
    postman.answer = "451 try again later"
    raise_one(mailing, world)
    work(mailing)
    work(mailing, after=timedelta(seconds=30))
    assert states(mailing) == [MailState.WAITING]
    with mailing.database.reading() as session:
        assert "answered with an error" in outbox.last_failure(session, world.merchant_id).words
    postman.answer = "250 OK"
    for _ in range(3):
        work(mailing, after=timedelta(minutes=2))
    assert len(postman.messages) == 1
    assert states(mailing) == [MailState.SENT]


def test_what_cannot_be_sent_for_days_is_given_up_and_forgotten(mailing, postman, world, people):
    postman.stop()
    raise_one(mailing, world)
    for _ in range(60):
        work(mailing, after=timedelta(hours=1))
    (row,) = _mails(mailing)
    assert (row.state, row.body) == (MailState.GIVEN_UP, b"")


def _mails(engine):
    with engine.database.reading() as session:
        return session.exec(select(Mail)).all()


def test_a_body_is_kept_sealed_and_only_until_it_is_sent(mailing, postman, world, people):
    raise_one(mailing, world)
    mailing.clock.advance(timedelta(seconds=25))
    notices.write_due(mailing)
    (row,) = _mails(mailing)
    assert b"oversold" not in row.body
    outbox.send_due(mailing)
    assert _mails(mailing)[0].body == b""


def test_two_processes_that_write_and_send_at_once_tell_once(mailing, postman, world, people):
    raise_one(mailing, world)
    mailing.clock.advance(timedelta(seconds=25))
    threads = [
        threading.Thread(target=lambda: (notices.write_due(mailing), outbox.send_due(mailing))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(mailing, after=timedelta())
    assert len(postman.messages) == 1


CHILD = """
import sys
from datetime import datetime
from syncd.clock import ManualClock
from syncd.config import MailSettings, Settings
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.database import open_database
from syncd.engine.people import outbox
from syncd.engine.vault import Keyring
import pathlib, random

url, key, port, now = sys.argv[1:]
mail = MailSettings(host="127.0.0.1", port=int(port), security="none", sender="syncd <syncd@shop.example>")
engine = Engine(database=open_database(url), clock=ManualClock(datetime.fromisoformat(now)),
    settings=Settings(home=pathlib.Path("."), mail=mail), keyring=Keyring([key]), plugins={},
    connectors=Connectors(), random=random.Random(1), holder="child")
outbox.send_due(engine)
"""


@pytest.mark.parametrize("had_taken_it", [True, False], ids=["after the server took it", "before the server took it"])
def test_a_process_killed_while_it_sends_loses_nothing_and_tells_nothing_new(
    mailing, settings, postman, world, people, had_taken_it
):
    """Killed with a message on the line: it goes out again, and where the server had it, under the same Message-ID."""
    key = new_key()
    mailing = replace(mailing, keyring=Keyring([key]))
    raise_one(mailing, world)
    mailing.clock.advance(timedelta(seconds=25))
    notices.write_due(mailing)
    silent = SilentPostman(postman, had_taken_it=had_taken_it)
    words = (settings.database_url, key, str(silent.port), mailing.clock.now().isoformat())
    child = subprocess.Popen([sys.executable, "-c", CHILD, *words])
    assert silent.is_on_the_line.wait(30)
    child.kill()
    child.wait()
    silent.stop()
    outbox.send_due(mailing)
    assert len(postman.messages) == had_taken_it, "claimed by a process that is gone, and not sent again at once"
    work(mailing, after=outbox.CLAIMED_FOR)
    work(mailing, after=timedelta(hours=1))
    assert len({message["Message-ID"] for _, message in postman.messages}) == 1
    assert len(postman.messages) == 1 + had_taken_it
    assert states(mailing) == [MailState.SENT]


def test_a_changed_password_is_told_however_it_was_changed(mailing, postman, world, people):
    with mailing.database.reading() as session:
        viewer = users.find_user(session, world.merchant_id, "viewer@shop.example")
    users.change_password(mailing, viewer.id, "three odd words", "three other words")
    token = resets.give(mailing, "owner@shop.example", actor="test")
    resets.use(mailing, token, "three new odd words")
    outbox.send_due(mailing)
    for address in ("viewer@shop.example", "owner@shop.example"):
        (message,) = postman.to(address)
        assert message["Subject"] == "Your syncd password was changed"


def test_a_password_that_was_not_changed_is_not_told(mailing, postman, world, people):
    token = resets.give(mailing, "owner@shop.example", actor="test")
    with pytest.raises(NotPossible):
        resets.use(mailing, token, "short")
    outbox.send_due(mailing)
    assert postman.messages == []


def test_a_disconnected_store_is_told_to_who_looks_after_stores(mailing, postman, world, people):
    leaving.disconnect(mailing, world.connection("A").id, actor="operator@shop.example")
    outbox.send_due(mailing)
    ((addresses, message),) = postman.messages
    assert addresses == ["owner@shop.example"]
    assert message["Subject"] == "Merchant: A was disconnected"
    assert "by operator@shop.example" in message.get_content()


def test_a_title_with_a_line_break_is_no_header_of_its_own(mailing, postman, world, people):
    raise_one(mailing, world, title="MUG\r\nBcc: thief@bad.example is oversold")
    work(mailing)
    ((addresses, message),) = postman.messages
    assert addresses == ["owner@shop.example"]
    assert message["Bcc"] is None


def test_a_test_message_says_what_is_wrong_with_the_server(engine, mailing, postman, world, people):
    with pytest.raises(NotPossible, match="No mail server is set"):
        notices.send_test(engine, "owner@shop.example")
    notices.send_test(mailing, "owner@shop.example")
    assert len(postman.to("owner@shop.example")) == 1
    postman.answer = "554 no"
    with pytest.raises(NotPossible, match="answered with an error"):
        notices.send_test(mailing, "owner@shop.example")
    postman.stop()
    with pytest.raises(NotPossible, match="cannot be reached"):
        notices.send_test(mailing, "owner@shop.example")


def test_a_wish_needs_a_kind_of_issue(mailing, world, people):
    empty = {"level": MailLevel.ALL, "rhythm": MailRhythm.DAILY, "areas": [], "actor": "test"}
    with pytest.raises(NotPossible, match="at least one kind"):
        notices.set_wish(mailing, world.merchant_id, "owner@shop.example", **empty)


def test_every_kind_of_issue_that_is_raised_has_its_area():
    source = "".join(file.read_text() for file in Path(syncd.engine.__file__).parent.glob("*.py"))
    raised = set(re.findall(r'kind="([a-z_]+)"', source)) | {"reading_held"}
    assert raised - {"reconcile", "sync", "push", "undo"} <= set(AREAS)
