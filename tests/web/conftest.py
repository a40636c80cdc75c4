"""The app over an engine of fakes, asked in process."""

import pytest
from starlette.testclient import TestClient

from syncd.engine.inbox import Inbox
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics
from tests.engine.conftest import clock, engine, merchant_with, settings  # noqa: F401 fixtures


@pytest.fixture
def inbox(engine):  # noqa: F811
    inbox = Inbox(engine.database)
    inbox.start()
    yield inbox
    inbox.stop()


@pytest.fixture
def client(engine, inbox):  # noqa: F811
    app = create_app(Edge(engine=engine, inbox=inbox, metrics=Metrics()))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client
