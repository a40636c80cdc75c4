"""A process that dies: just before the commit of its nth transaction from now on."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.orm import Session


class Crash(BaseException):
    """The process is gone. Nothing of ours catches it."""


@contextmanager
def crash_at_commit(nth: int) -> Iterator[None]:
    """Die before the nth commit within the block; nothing happens where there are fewer."""
    left = nth

    def count(_session: Session) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Crash

    event.listen(Session, "before_commit", count)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", count)
