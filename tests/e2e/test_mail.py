"""The real process tells of an issue by mail, once, though it is killed and started again."""

import pytest

from syncd.engine.issues import raise_issue
from syncd.engine.opening import opened
from syncd.engine.people import users
from tests.e2e.town import founded, until
from tests.postman import Postman

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def postman():
    postman = Postman()
    yield postman
    postman.stop()


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_an_issue_is_mailed_once_though_the_daemon_is_killed(database_url, tmp_path, postman):
    mail = {"HOST": "127.0.0.1", "PORT": str(postman.port), "SECURITY": "none", "SENDER": "syncd@shop.example"}
    environment = {
        f"SYNCD_MAIL__{name}": value for name, value in {**mail, "GATHER": "1s", "AT_MOST_EVERY": "1s"}.items()
    }
    with founded(tmp_path / "home", database_url, {"MUG": 20}) as town:
        with opened(town.settings) as engine:
            add = {"email": "ann@shop.example", "name": "Ann", "role": "owner", "password": "three odd words"}
            users.add_user(engine, town.merchant_id, **add, actor="test")
        daemon = town.start(**environment)
        with opened(town.settings) as engine, engine.database.transaction() as session:
            told = {"kind": "oversell", "key": "oversell:1:MUG", "title": "MUG is oversold by 1 at Main."}
            raise_issue(session, merchant_id=town.merchant_id, **told, now=engine.clock.now())
        until(lambda: len(postman.messages) == 1, "the issue is mailed")
        daemon.kill()
        town.start(**environment)
        with opened(town.settings) as engine, engine.database.transaction() as session:
            told = {"kind": "needs_auth", "key": "needs_auth:9", "title": "B no longer accepts our key."}
            raise_issue(session, merchant_id=town.merchant_id, **told, now=engine.clock.now())
        until(lambda: len(postman.messages) == 2, "the next issue is mailed")
    first, second = (message["Subject"] for message in postman.to("ann@shop.example"))
    assert first.endswith("MUG is oversold by 1 at Main")
    assert second.endswith("B no longer accepts our key")
