"""The command line in this process, in a home of its own, beside simulated platforms; no daemon runs."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli import app
from syncd.cli.frame import run
from syncd.demo.stage import GOODS, SHOP, Stage, set_up, stock_up


@dataclass
class Terminal:
    """Types commands; keeps what they said."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    said: str = ""
    errors: str = ""

    def type(self, *words: str) -> int:
        """Run a command; its exit code."""
        code = run(app, ["--dir", str(self.home), *words])
        self.said, self.errors = self.capsys.readouterr()
        return code

    def ask(self, *words: str) -> Any:
        """Run a command that must succeed, with --json; what it printed."""
        assert self.type(*words, "--json") == 0, self.errors
        return json.loads(self.said)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with set_up(clock=lambda: datetime.now(UTC), random=random.Random(1)) as stage:
        stock_up(stage, GOODS[:3])
        yield stage


@pytest.fixture
def terminal(
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    """A fresh home, made by `init`."""
    monkeypatch.setenv("SYNCD_DATABASE__URL", database_url)
    monkeypatch.setenv("SYNCD_SECURITY__ALLOW_PRIVATE_ADDRESSES", "true")
    terminal = Terminal(home=tmp_path, capsys=capsys)
    assert terminal.type("init") == 0, terminal.errors
    return terminal


@pytest.fixture
def connect(terminal: Terminal, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Connect everything by the commands that a user types; `live` makes both stores live."""

    def connect(*, live: bool = True) -> None:
        own = stage.prokip.credentials
        monkeypatch.setenv("SYNCD_PASSWORD", own.password)
        people = ("--username", own.username, "--client-id", own.client_id, "--client-secret", own.client_secret)
        place = stage.prokip.people.location().name
        prokip = ("backoffice", "set", "prokip", "--url", stage.till.address, "--location", place, *people)
        assert terminal.type(*prokip) == 0, terminal.errors
        woo, shopify = stage.hands["woocommerce"].address, stage.hands["shopify"].address
        key = stage.woocommerce.key
        words = ("connect", "woocommerce", "--url", woo, "--key", key.key, "--secret", key.secret, "--name", "gifts")
        assert terminal.type(*words) == 0, terminal.errors
        token = ("--token", stage.shopify.access_token, "--webhook-secret", stage.shopify.client_secret)
        words = ("connect", "shopify", "--shop", SHOP, "--api-url", shopify, *token, "--name", "online")
        assert terminal.type(*words) == 0, terminal.errors
        if live:
            for name in ("gifts", "online"):
                assert terminal.type("connections", "live", name, "--yes") == 0, terminal.errors
            assert terminal.type("sync", "--wait") == 0, terminal.errors

    return connect
