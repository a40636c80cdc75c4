"""Logs: one line per fact, and nothing in them that is nobody's business."""

import io
import json
import logging

import pytest
import structlog

from syncd.config import LogSettings
from syncd.log import set_up_logging


@pytest.fixture
def lines():
    root = logging.getLogger()
    before = (root.handlers, root.level)
    stream = io.StringIO()
    set_up_logging(LogSettings(format="json"), stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_fact_is_one_line_with_its_event_level_and_time(lines):
    structlog.get_logger("syncd.test").info("pushed", connection="A", sku="MUG", attempt=2)
    (line,) = lines()
    assert (line["event"], line["level"], line["connection"], line["attempt"]) == ("pushed", "info", "A", 2)
    assert line["timestamp"].endswith("Z")


def test_nothing_secret_or_personal_is_logged(lines):
    logger = structlog.get_logger("syncd.test")
    secrets = {
        "access_token": "hush",
        "headers": {"Authorization": "hush", "x": "Bearer hush"},
        "customer_email": "hush",
        "url": "https://shop.example/x?token=hush#hush",
        "database": "postgresql://me:hush@db/syncd",
        "words": "asked https://user:hush@shop.example/?hush=1 for hush@example.org with shpat_hush12345678hush",
        "many": ["whsec_hushhushhush", ("ck_0123456789abcdef0123",)],
        "body": b"hush",
        "error": ValueError("https://shop.example/?hush"),
    }
    logger.warning("odd", **secrets)
    logging.getLogger("library").warning("went to https://shop.example/?hush for %s", "hush@example.org")
    text = json.dumps(lines())
    assert "hush" not in text
    assert "0123456789abcdef" not in text
    assert "https://shop.example/x" in text


def test_a_traceback_is_part_of_its_line_and_cleaned_too(lines):
    try:
        int("https://shop.example/?hush")
    except ValueError:
        structlog.get_logger("syncd.test").exception("step_failed")
    (line,) = lines()
    assert "Traceback" in line["exception"]
    assert "ValueError" in line["exception"]
    assert "?hush'" not in line["exception"]
