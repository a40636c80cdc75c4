"""Prokip passes the conformance suite of back offices, in both dialects."""

import pytest

from connectors.sdk.suite import BackOfficeConformance
from tests.connectors.prokip.driver import ProkipDriver


class TestConnectorDialect(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return ProkipDriver()


class StrictDriver(ProkipDriver):
    """Sales are made from drafts: what counts is the answer of the write that moves stock."""

    def __init__(self):
        super().__init__(settings={"strict": "yes"})
        self.loses_next = False

    def lose_next_answer(self):
        self.loses_next = True

    def _carry(self, request):
        if self.loses_next and (request.method == "PUT" or request.url.path.endswith("/sell-return")):
            self.loses_next = False
            self.prokip.faults.next_writes = ["commit_then_hang"]
        return super()._carry(request)


class TestStrict(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return StrictDriver()


class TestServerWithoutVariations(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return ProkipDriver(missing_routes=["variation"], ignored_filters=["source", "contact_id"])


class TestSimpleDialect(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return ProkipDriver(
            dialect="simple", settings={"dialect": "simple"}, credentials={"access_token": "sandbox-access-token"}
        )
