"""A street with a morning behind it, served on a socket, and a browser to look at it: made once for all tests.

Tests only look at it; who wants to change something has a `fresh_street`.
"""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from starlette.testclient import TestClient

from schema import migrate
from syncd.daemon.server import WebServer, bind
from syncd.engine.inbox import Inbox
from syncd.web.edge import Edge, create_app
from syncd.web.frame.visit import SESSION
from syncd.web.metrics import Metrics
from tests.browser import launched_browser
from tests.web.pages.street import Street, live_a_morning, lose_access, make_street


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "empty.sqlite"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@contextmanager
def a_street(empty: Path, home: Path) -> Iterator[Street]:
    file = home / "street.sqlite"
    shutil.copy(empty, file)
    street = make_street(f"sqlite:///{file}", home)
    yield street
    street.market.engine.database.close()


@pytest.fixture(scope="session")
def street(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Two stores live, one in shadow; one of the live ones has just lost its key."""
    with a_street(empty_database, tmp_path_factory.mktemp("street")) as street:
        live_a_morning(street)
        lose_access(street, "b")
        yield street


@pytest.fixture
def fresh_street(empty_database: Path, tmp_path: Path) -> Iterator[Street]:
    """The same shops, all in shadow, nothing sold: a test's own, to change."""
    with a_street(empty_database, tmp_path) as street:
        yield street


@dataclass
class Served:
    """A street on a socket."""

    street: Street
    url: str
    stopping: threading.Event


@contextmanager
def serve(street: Street) -> Iterator[Served]:
    engine, stopping = street.market.engine, threading.Event()
    inbox = Inbox(engine.database)
    inbox.start()
    listener = bind("127.0.0.1:0")
    app = create_app(Edge(engine=engine, inbox=inbox, metrics=Metrics(), stopping=stopping))
    web = WebServer(app=app, listener=listener, settings=engine.settings)
    web.start()
    try:
        yield Served(street=street, url=f"http://127.0.0.1:{listener.getsockname()[1]}", stopping=stopping)
    finally:
        stopping.set()
        web.stop(10)
        inbox.stop()


@pytest.fixture(scope="session")
def served(street: Street) -> Iterator[Served]:
    with serve(street) as served:
        yield served


@contextmanager
def client_of(street: Street, role: str | None) -> Iterator[TestClient]:
    """Asks in process, as somebody."""
    inbox = Inbox(street.market.engine.database)
    app = create_app(Edge(engine=street.market.engine, inbox=inbox, metrics=Metrics()))
    cookies = {} if role is None else {SESSION: street.token(role)}
    with TestClient(app, base_url="http://127.0.0.1", cookies=cookies, follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with launched_browser() as browser:
        yield browser


def open_page(browser: Browser, served: Served, role: str | None, *, width: int = 1280, dark: bool = False) -> Page:
    """A page of a browser in which somebody is signed in. What it complains of fails the test that reads `faults`."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    if role is not None:
        context.add_cookies([{"name": SESSION, "value": served.street.token(role), "url": served.url}])
    return context.new_page()
