"""A part of a page that may fail without the rest: then its card says so."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from syncd.errors import DatabaseAway
from syncd.web.frame.visit import Visit

log = structlog.get_logger(__name__)
Found = TypeVar("Found")


def card(visit: Visit, read: Callable[[Session], Found]) -> Found | None:
    """What is read for one card; None where that could not be read just now."""
    try:
        with visit.reading() as session:
            return read(session)
    except (DatabaseAway, SQLAlchemyError):
        log.exception("card_failed", path=visit.request.url.path)
        return None
