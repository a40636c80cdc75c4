"""What every command keeps to: --json, exit codes, homes, merchants, secrets that are not typed, no tracebacks."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from cli import app
from syncd.cli.frame import merchant_first
from syncd.cli.sandbox import Simulated
from syncd.cli.simulated import served
from syncd.demo.stage import Stage
from tests.cli.conftest import Terminal

MUG = "MUG-KIJANI"
SQLITE = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
WITHOUT_JSON = {"run", "demo"}
"""They print no data: one logs, the other shows a play."""


def leaves(command=None, path=()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command that does something, with the words that lead to it."""
    command = command or typer.main.get_command(app)
    children = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name, child in children.items():
        yield from leaves(child, (*path, name))


COMMANDS = dict(leaves())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_takes_json_and_explains_itself(path):
    command = COMMANDS[path]
    options = {option for parameter in command.params for option in parameter.opts}
    assert path[0] in WITHOUT_JSON or "--json" in options
    assert command.help
    assert command.help.splitlines()[0].endswith(".")


def test_the_grammar_of_the_design_is_there():
    said = {" ".join(path) for path in COMMANDS}
    assert said >= {
        *("init", "demo", "sandbox", "run", "check", "status", "stock", "explain", "adjust", "sync"),
        *("backoffice set prokip", "backoffice set ledger"),
        *(f"connect {platform}" for platform in ("shopify", "woocommerce", "custom")),
        *(
            f"connections {verb}"
            for verb in (
                "show",
                "set",
                "reconnect",
                "pause",
                "resume",
                "preview",
                "live",
                "test",
                "webhooks",
                "disconnect",
            )
        ),
        *(f"match {verb}" for verb in ("list", "link", "unlink", "ignore", "create", "take")),
        *("rules list", "rules set", "users list", "users add", "users reset"),
        *("sales retry", "sales recorded-as", "sales leave-out"),
        *(f"issues {verb}" for verb in ("list", "show", "resolve", "release")),
        *("deliveries list", "deliveries show", "deliveries replay", "runs list", "runs show", "runs undo"),
        *("ledger verify", "ledger show", "keys rotate", "db upgrade", "db backup", "db restore"),
    }


# ------------------------------------------------------------------------------------------- homes and merchants


@SQLITE
def test_init_again_leaves_everything_as_it_was(terminal: Terminal):
    before = {file.name: file.read_bytes() for file in terminal.home.iterdir() if file.name in {"config.toml", "key"}}
    assert terminal.type("init", "--name", "Another") == 0
    after = {file.name: file.read_bytes() for file in terminal.home.iterdir() if file.name in before}
    assert before == after
    assert len(before) == 2
    assert (terminal.home / "key").stat().st_mode & 0o077 == 0


def test_what_is_not_set_up_yet_says_what_to_run(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.delenv("SYNCD_DIR", raising=False)
    terminal = Terminal(home=tmp_path / "nowhere", capsys=capsys)
    assert terminal.type("status") == 2
    assert "syncd init" in terminal.errors
    assert terminal.said == ""


@SQLITE
def test_a_wrong_setting_is_one_line_that_names_key_and_file(terminal: Terminal):
    (terminal.home / "config.toml").write_text("[push]\nsettle = 'soon'\n")
    assert terminal.type("status") == 2
    (line,) = terminal.errors.splitlines()
    assert "[push] settle" in line
    assert str(terminal.home / "config.toml") in line


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path, capsys, monkeypatch):
    terminal = Terminal(home=tmp_path, capsys=capsys)
    monkeypatch.setenv("SYNCD_DATABASE__URL", f"sqlite:///{tmp_path / 'there.db'}")
    assert terminal.type("init") == 0
    monkeypatch.setenv("SYNCD_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert terminal.type("status") == 1
    assert terminal.errors.startswith("syncd: the database does not answer")
    assert len(terminal.errors.splitlines()) == 1
    assert terminal.type("check") == 1
    assert "database" in terminal.said


def test_merchant_may_be_said_anywhere_before_a_double_dash():
    assert merchant_first(["stock", "--merchant", "B", "X"]) == ["--merchant", "B", "stock", "X"]
    assert merchant_first(["stock", "X", "--merchant=B"]) == ["--merchant=B", "stock", "X"]
    assert merchant_first(["stock", "--", "--merchant"]) == ["stock", "--", "--merchant"]


@SQLITE
def test_with_several_merchants_a_command_asks_for_which(terminal: Terminal):
    from syncd.config import load_settings
    from syncd.engine.init import add_merchant
    from syncd.engine.opening import opened

    with opened(load_settings(terminal.home)) as engine, engine.database.transaction() as session:
        add_merchant(session, "Second")
    assert terminal.type("status") == 1
    assert "--merchant NAME" in terminal.errors
    assert "My business, Second" in terminal.errors
    assert terminal.type("status", "--merchant", "Second") == 0
    assert terminal.type("status", "--merchant", "Third") == 1


# ------------------------------------------------------------------------------------------- secrets and users


@SQLITE
def test_a_password_comes_from_stdin_and_is_not_stored_as_it_is(terminal: Terminal, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough pass phrase\n"))
    assert terminal.type("users", "add", "Ada@example.com", "--role", "owner", "--password-stdin") == 0
    (user,) = terminal.ask("users")
    assert (user["email"], user["role"]) == ("ada@example.com", "owner")
    link = terminal.ask("users", "reset", "ada@example.com")
    assert link["path"].startswith("/reset/")
    assert b"pass phrase" not in b"".join(file.read_bytes() for file in terminal.home.rglob("*") if file.is_file())


@SQLITE
def test_nobody_is_added_without_a_password(terminal: Terminal, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert terminal.type("users", "add", "ada@example.com") == 2
    assert terminal.ask("users") == []


@SQLITE
def test_a_secret_is_read_from_stdin_and_shown_nowhere(terminal: Terminal, stage: Stage, monkeypatch):
    assert terminal.type("backoffice", "set", "ledger") == 0
    key = stage.woocommerce.key
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key.secret}\n"))
    words = ("--url", stage.hands["woocommerce"].address, "--key", key.key, "--secret", "-", "--name", "gifts")
    assert terminal.type("connect", "woocommerce", *words) == 0, terminal.errors
    for command in (("connections", "show", "gifts"), ("connections",), ("status",), ("check",)):
        terminal.type(*command, "--json")
        assert key.secret not in terminal.said + terminal.errors
        assert key.key not in terminal.said + terminal.errors
    stored = b"".join(file.read_bytes() for file in terminal.home.rglob("*") if file.is_file())
    assert key.secret.encode() not in stored


# ------------------------------------------------------------------------------------------- matching, issues, raw


def test_a_product_without_a_partner_is_linked_by_hand_and_its_sales_are_counted(terminal, stage, connect):
    connect()
    shop = stage.hands["woocommerce"]
    stage.woocommerce.people.add_product("MUG-XMAS", 9)
    assert terminal.type("sync", "--full", "--wait") == 0, terminal.errors
    shop.buy({"MUG-XMAS": 2}, paid=True)
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    (issue,) = terminal.ask("issues", "list")
    assert (issue["kind"], issue["connection"], issue["sku"]) == ("unknown_sku", "gifts", "MUG-XMAS")
    assert issue["what_to_do"]
    found = terminal.ask("match", "--connection", "gifts", "--only", "unmatched")
    (row,) = found["rows"]
    assert (row["external_sku"], row["result"]) == ("MUG-XMAS", "unmatched")
    assert terminal.ask("match", "link", "--connection", "gifts", "MUG-XMAS", MUG)["orders_counted"] == 1
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.till.stock()[MUG] == 78
    assert terminal.ask("issues", "list") == []


def test_a_number_that_somebody_typed_is_held_and_released_as_ours(terminal, stage, connect):
    connect()
    stage.hands["shopify"].set_stock(MUG, 500)
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    (issue,) = terminal.ask("issues")
    assert (issue["kind"], issue["sku"]) == ("drift_held", MUG)
    assert terminal.type("issues", "release", str(issue["id"])) == 1
    assert "--ours" in terminal.errors
    assert terminal.type("issues", "release", str(issue["id"]), "--ours", "--theirs") == 2
    assert terminal.type("issues", "release", str(issue["id"]), "--ours") == 0, terminal.errors
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["shopify"].stock()[MUG] == 80


def test_what_was_pulled_can_be_looked_at_and_taken_in_again_without_counting_twice(terminal, stage, connect):
    connect()
    stage.hands["shopify"].buy({MUG: 3}, paid=True)
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    (delivery,) = terminal.ask("deliveries", "list", "--connection", "online")
    shown = terminal.ask("deliveries", "show", str(delivery["id"]))
    assert json.loads(shown["body"])["lines"]
    assert terminal.type("deliveries", "replay", str(delivery["id"])) == 0, terminal.errors
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.till.stock()[MUG] == 77
    assert len(terminal.ask("sales")) == 1
    assert terminal.type("ledger", "verify") == 0


def test_a_store_is_paused_resumed_and_disconnected(terminal, stage, connect):
    connect()
    assert terminal.ask("connections", "pause", "gifts")["state"] == "paused"
    stage.till.ring_up({MUG: 5})
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 80
    assert terminal.ask("connections", "resume", "gifts")["state"] == "live"
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert stage.hands["woocommerce"].stock()[MUG] == 75
    assert terminal.type("connections", "disconnect", "gifts", "--yes") == 0, terminal.errors
    assert {row["name"] for row in terminal.ask("connections")} == {"Kisimani Stores", "online"}
    assert terminal.type("connections", "show", "gifts") == 0


def test_the_doctor_finds_everything_right_but_the_missing_address(terminal, stage, connect):
    connect()
    found = terminal.ask("check")
    assert {row["about"] for row in found if row["verdict"] != "right"} == {"public address"}
    assert {"gifts", "online", "ledger", "database", "gifts, clock", "online, clock"} <= {row["about"] for row in found}


def test_the_doctor_finds_a_store_that_does_not_answer(terminal, stage, connect):
    connect()
    stage.woocommerce.keys.held.clear()
    assert terminal.type("check", "--json") == 1
    found = {row["about"]: row for row in json.loads(terminal.said)}
    assert found["gifts"]["verdict"] == "wrong"
    assert found["online"]["verdict"] == "right"


# ------------------------------------------------------------------------------------------- upkeep


@SQLITE
def test_a_copy_that_is_put_back_brings_the_old_numbers(terminal: Terminal):
    assert terminal.type("backoffice", "set", "ledger") == 0
    assert terminal.type("rules", "set", "safety_stock", "2") == 0
    copy = terminal.home / "copy.db"
    assert terminal.type("db", "backup", str(copy)) == 0, terminal.errors
    assert terminal.type("db", "backup", str(copy)) == 1
    assert terminal.type("rules", "set", "safety_stock", "9") == 0
    assert terminal.type("db", "restore", str(copy)) == 1
    assert terminal.type("db", "restore", str(copy), "--yes") == 0, terminal.errors
    assert [rule["value"] for rule in terminal.ask("rules")] == [2]
    assert terminal.type("rules", "set", "safety_stock", "none") == 0
    assert terminal.ask("rules") == []


def test_the_sandbox_says_how_to_connect_and_sell():
    with served({name.value: 0 for name in Simulated}, with_goods=True) as described:
        assert set(described) == {"shopify", "woocommerce", "prokip"}
        for facts in described.values():
            assert facts["connect"].startswith("syncd ")
            assert facts["address"] in facts["sell"]
            assert facts["address"] in facts["pages"]


@SQLITE
def test_the_address_and_keys_that_the_sandbox_prints_connect(terminal: Terminal):
    with served({name.value: 0 for name in Simulated}, with_goods=True) as described:
        for name in ("prokip", "shopify", "woocommerce"):
            words = described[name]["connect"].split()[1:]
            assert terminal.type(*words) == 0, terminal.errors
        assert [row["state"] for row in terminal.ask("connections")].count("shadow") == 2
        assert [row["on_hand"] for row in terminal.ask("stock")] == [35, 20, 50]
