"""A merchant's first day from the command line alone, against the simulated platforms, without a daemon."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from schema import migrate
from syncd.daemon.single import SingleInstance
from syncd.demo.stage import Stage
from tests.cli.conftest import Terminal
from tests.postgres import find_binaries

MUG = "MUG-KIJANI"


def test_a_sale_is_synchronised_by_hand(terminal: Terminal, stage: Stage, connect: Callable[..., None]) -> None:
    connect()
    order = stage.hands["shopify"].buy({MUG: 3}, paid=True)
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    shows = {name: hand.stock()[MUG] for name, hand in stage.hands.items()}
    assert shows == {"shopify": 77, "woocommerce": 77, "prokip": 77}
    (sale,) = terminal.ask("sales")
    assert (sale["connection"], sale["order_id"], sale["sku"], sale["quantity"]) == ("online", order, MUG, 3)
    assert sale["backoffice_id"] in {str(row["id"]) for row in stage.till.sales()}
    status = terminal.ask("status")
    assert [status[name] for name in ("deliveries_unapplied", "pushes_owed", "backoffice_owed", "issues_open")] == [
        0,
        0,
        0,
        0,
    ]
    assert {(row["name"], row["platform"], row["state"]) for row in status["connections"]} >= {
        ("gifts", "woocommerce", "live"),
        ("online", "shopify", "live"),
    }
    stock = terminal.ask("stock", MUG)
    assert (stock["sku"], stock["on_hand"], stock["open"], stock["available"]) == (MUG, 77, 0, 77)
    assert {(row["connection"], row["desired"], row["observed"]) for row in stock["listings"]} == {
        ("gifts", 77, 77),
        ("online", 77, 77),
    }
    assert terminal.type("ledger", "verify") == 0
    assert terminal.type("explain", MUG) == 0
    assert "should show" in terminal.said


def test_a_run_is_undone_and_stays_so(terminal: Terminal, stage: Stage, connect: Callable[..., None]) -> None:
    connect()
    stage.till.ring_up({MUG: 5})
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 75
    (number,) = [
        run["id"]
        for run in terminal.ask("runs", "list")
        if run["kind"] == "push"
        and any(push["sku"] == MUG for push in terminal.ask("runs", "show", str(run["id"]))["pushes"])
        and run["connection"] == "gifts"
    ]
    assert terminal.type("runs", "undo", str(number)) == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 80
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 80, "what a person put back is not overwritten"
    assert stage.hands["shopify"].stock()[MUG] == 75


def test_a_dry_run_says_what_it_would_push_and_writes_nothing(
    terminal: Terminal, stage: Stage, connect: Callable[..., None]
) -> None:
    connect()
    stage.till.ring_up({MUG: 5})
    assert terminal.type("sync", "--dry-run", "--wait") == 0, terminal.errors
    assert {name: hand.stock()[MUG] for name, hand in stage.stores.items()} == {"shopify": 80, "woocommerce": 80}


def test_rules_change_what_a_store_shows(terminal: Terminal, stage: Stage, connect: Callable[..., None]) -> None:
    connect()
    assert terminal.type("rules", "set", "safety_stock", "2", "--sku", MUG) == 0, terminal.errors
    assert terminal.type("rules", "set", "buffer", "1", "--connection", "gifts") == 0, terminal.errors
    assert terminal.type("rules", "set", "cap", "10", "--connection", "online", "--sku", MUG) == 0, terminal.errors
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert {name: hand.stock()[MUG] for name, hand in stage.stores.items()} == {"shopify": 10, "woocommerce": 77}


def test_shadow_shows_and_writes_nothing(terminal: Terminal, stage: Stage, connect: Callable[..., None]) -> None:
    stage.hands["woocommerce"].set_stock(MUG, 70)
    connect(live=False)
    assert terminal.type("connections", "preview", "gifts") == 0
    assert "70" in terminal.said
    assert "80" in terminal.said
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 70


def test_without_a_back_office_the_own_ledger_is_the_authority(
    terminal: Terminal, stage: Stage, connect: Callable[..., None]
) -> None:
    assert terminal.type("backoffice", "set", "ledger") == 0, terminal.errors
    assert terminal.type("adjust", MUG, "=12", "--reason", "counted") == 0, terminal.errors
    key = stage.woocommerce.key
    address = stage.hands["woocommerce"].address
    words = ("connect", "woocommerce", "--url", address, "--key", key.key, "--secret", key.secret, "--name", "gifts")
    assert terminal.type(*words) == 0, terminal.errors
    assert terminal.type("connections", "live", "gifts", "--yes") == 0, terminal.errors
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 12
    stage.hands["woocommerce"].buy({MUG: 2}, paid=True)
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    stock = terminal.ask("stock", MUG)
    assert (stock["on_hand"], stock["open"]) == (10, 0)
    assert terminal.type("adjust", MUG, "-3", "--reason", "broken") == 0, terminal.errors
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 7


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("connections", "show", "nobody"), 1),
        (("stock", "NO-SUCH-SKU"), 1),
        (("connect", "shopify"), 2),
        (("no-such-verb",), 2),
        (("adjust", MUG, "sideways", "--reason", "x"), 2),
        (("status",), 0),
        (("issues", "list"), 0),
    ],
)
def test_exit_codes(terminal: Terminal, words: tuple[str, ...], code: int) -> None:
    assert terminal.type(*words) == code, terminal.errors
    assert "Traceback" not in terminal.errors


def test_the_wrong_key_is_told_in_words(terminal: Terminal, stage: Stage) -> None:
    address = stage.hands["woocommerce"].address
    assert terminal.type("backoffice", "set", "ledger") == 0
    words = ("connect", "woocommerce", "--url", address, "--key", "ck_wrong", "--secret", "cs_wrong")
    assert terminal.type(*words) == 1
    assert "key" in terminal.errors
    assert terminal.ask("status")["connections"] == []


@pytest.fixture
def postgresql_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools of the server that the tests run on come first: pg_dump refuses a server that is newer than itself."""
    monkeypatch.setenv("PATH", f"{find_binaries()}{os.pathsep}{os.environ['PATH']}")


def counted(terminal: Terminal) -> int:
    (found,) = [terminal.ask("stock", MUG)]
    return found["on_hand"]


@pytest.mark.usefixtures("postgresql_tools")
def test_what_was_backed_up_comes_back(terminal: Terminal) -> None:
    file = terminal.home / "copy"
    assert terminal.type("backoffice", "set", "ledger") == 0, terminal.errors
    assert terminal.type("adjust", MUG, "=12", "--reason", "counted") == 0, terminal.errors
    told = terminal.ask("db", "backup", str(file))
    assert told["bytes"] == file.stat().st_size > 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert terminal.type("adjust", MUG, "=3", "--reason", "counted again") == 0, terminal.errors
    assert terminal.ask("db", "restore", str(file), "--yes")["revision"] == migrate.head()
    assert counted(terminal) == 12
    assert terminal.ask("ledger", "verify")["right"] is True
    assert terminal.type("adjust", MUG, "+1", "--reason", "found one") == 0, terminal.errors
    assert counted(terminal) == 13


@pytest.mark.usefixtures("postgresql_tools")
def test_a_backup_overwrites_no_file_and_leaves_no_half_one(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = terminal.home / "copy"
    file.write_text("something else")
    assert terminal.type("db", "backup", str(file)) == 1
    assert file.read_text() == "something else"
    monkeypatch.setenv("SYNCD_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    assert terminal.type("db", "backup", str(terminal.home / "half")) == 1
    assert "pg_dump failed" in terminal.errors
    assert not (terminal.home / "half").exists()


@pytest.mark.usefixtures("postgresql_tools")
@pytest.mark.parametrize("kind", ["garbage", "another database", "nothing"])
def test_what_is_no_backup_of_ours_is_not_restored(terminal: Terminal, kind: str) -> None:
    file = terminal.home / "copy"
    if kind == "garbage":
        file.write_bytes(b"no database at all" * 100)
    elif kind == "another database":
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE bookmarks (url TEXT)")
            other.commit()
    assert terminal.type("backoffice", "set", "ledger") == 0, terminal.errors
    assert terminal.type("adjust", MUG, "=12", "--reason", "counted") == 0, terminal.errors
    assert terminal.type("db", "restore", str(file), "--yes") == 1
    assert counted(terminal) == 12


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_nothing_is_restored_under_a_daemon(terminal: Terminal, database_url: str) -> None:
    file = terminal.home / "copy"
    assert terminal.type("db", "backup", str(file)) == 0, terminal.errors
    single = SingleInstance(Path(database_url.removeprefix("sqlite:///")))
    single.take()
    assert terminal.type("db", "restore", str(file), "--yes") == 1
    assert "stop every `syncd run` first" in terminal.errors
    single.release()
    assert terminal.type("db", "restore", str(file), "--yes") == 0, terminal.errors


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_a_backup_is_a_whole_database(terminal: Terminal, stage: Stage, connect: Callable[..., None]) -> None:
    connect()
    file = terminal.home / "copy"
    assert terminal.type("db", "backup", str(file)) == 0, terminal.errors
    assert file.stat().st_size > 0
    assert terminal.type("keys", "rotate") == 0, terminal.errors
    assert terminal.type("connections", "test", "gifts") == 0, terminal.errors


def test_an_sku_that_is_counted_after_its_store_was_connected_is_matched(terminal: Terminal, stage: Stage) -> None:
    assert terminal.type("backoffice", "set", "ledger") == 0, terminal.errors
    key = stage.woocommerce.key
    address = stage.hands["woocommerce"].address
    words = ("connect", "woocommerce", "--url", address, "--key", key.key, "--secret", key.secret, "--name", "gifts")
    assert terminal.type(*words) == 0, terminal.errors
    assert terminal.type("connections", "live", "gifts", "--yes") == 0, terminal.errors
    assert terminal.type("adjust", MUG, "=12", "--reason", "counted") == 0, terminal.errors
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 12
