"""An engine of fakes on both databases, with a clock that only moves when told."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from connectors.sdk.fake import FakeBackOfficePlugin, FakePlugin
from syncd.clock import ManualClock
from syncd.config import Settings
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.database import open_database
from syncd.engine.vault import Keyring, new_key
from tests.engine.world import World, make_world


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 21, 10, 0, tzinfo=UTC))


@pytest.fixture
def settings(tmp_path: Path, migrated_database_url: str) -> Settings:
    return Settings.model_validate({"home": tmp_path, "database": {"url": migrated_database_url}})


@pytest.fixture
def engine(clock: ManualClock, settings: Settings) -> Iterator[Engine]:
    """An engine whose platforms are `fake` and `fake-office`."""
    database = open_database(settings.database_url)
    connectors = Connectors()
    yield Engine(
        database=database,
        clock=clock,
        settings=settings,
        keyring=Keyring([new_key()]),
        plugins={"fake": FakePlugin(), "fake-office": FakeBackOfficePlugin()},
        connectors=connectors,
        random=random.Random(1),
        holder="test",
    )
    connectors.close()
    database.close()


@pytest.fixture
def merchant_with(engine: Engine, clock: ManualClock) -> Callable[..., World]:
    """Make a merchant: `merchant_with(stores=("A", "B"), skus={"MUG": 5})`; see `tests.engine.world.make_world`."""
    return partial(make_world, engine, clock)
