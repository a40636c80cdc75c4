"""Logging: one line per fact, for people or as JSON, on standard error. What could be secret or personal is blanked.

An event is a stable snake_case name; the connection, SKU, delivery and attempt are bound at the edge of a step.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import TextIO

import structlog

from syncd.config import LogSettings

Event = MutableMapping[str, object]

BLANK = "[removed]"
_SECRET_NAME = re.compile(
    r"(token|secret|password|passphrase|authori[sz]ation|cookie|credential|api_?key|consumer_?key|signature|hmac"
    r"|email|phone|address|customer|body|payload|totp)",
    re.IGNORECASE,
)
_URL_QUERY = re.compile(r"(?P<start>\b[a-z][a-z0-9+.-]*://[^\s?#\"']*)[?#][^\s\"']*", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?P<start>\b[a-z][a-z0-9+.-]*://)[^\s/@\"']+@", re.IGNORECASE)
_SECRET_WORD = re.compile(
    r"\b(whsec_[A-Za-z0-9+/=]{8,}|shp[a-z]{2,3}_[A-Za-z0-9]{8,}|c[ks]_[a-f0-9]{16,}|gAAAA[\w=-]{20,}"
    r"|Bearer\s+\S+|Basic\s+\S{8,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)"
)
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b")


def redact(_logger: object, _method: str, event: Event) -> Event:
    """Blank every value whose name or look says that it is none of a log's business."""
    for name, value in event.items():
        event[name] = BLANK if _SECRET_NAME.search(name) else _clean(value)
    return event


def clean_text(text: str) -> str:
    """The text without queries and passwords of urls, tokens and mail addresses."""
    text = _URL_QUERY.sub(rf"\g<start>?{BLANK}", _URL_PASSWORD.sub(rf"\g<start>{BLANK}@", text))
    return _EMAIL.sub(BLANK, _SECRET_WORD.sub(BLANK, text))


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {name: BLANK if _SECRET_NAME.search(str(name)) else _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    if isinstance(value, bytes):
        return BLANK
    if isinstance(value, BaseException):
        return clean_text(f"{type(value).__name__}: {value}")
    return value


def set_up_logging(settings: LogSettings, stream: TextIO = sys.stderr) -> None:
    """Send our lines, and those of the libraries, to `stream` in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_from_library, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for noisy in ("httpx", "httpcore", "apscheduler", "uvicorn", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _from_library(_logger: object, _method: str, event: Event) -> Event:
    """A library's sentence is not a name of an event: it goes into `words`."""
    event["words"] = event.pop("event", "")
    event["event"] = "library"
    return event
