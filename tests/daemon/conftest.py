"""The parts of the daemon over an engine of fakes."""

from tests.engine.conftest import clock, engine, merchant_with, settings  # noqa: F401 fixtures
