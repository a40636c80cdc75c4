"""A hand that runs into an error of our own again and again: nobody reads a log, so an issue says it."""

from datetime import datetime

from sqlmodel import Session

from schema.tables import BackOffice, Connection
from syncd.engine.context import Engine
from syncd.engine.issues import raise_issue, resolve_issue


def tell(engine: Engine, hand: str, owner: int, *, is_stuck: bool) -> None:
    """Open the issue of this hand, or close it. `owner` is a store's id, of other hands the merchant's."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        merchant_id, connection = _whose(session, hand, owner)
        key = f"stuck:{hand}:{owner}"
        if not is_stuck:
            resolve_issue(session, merchant_id, key, by="syncd", now=now)
            return
        _raise(session, merchant_id, connection, key, now)


def _whose(session: Session, hand: str, owner: int) -> tuple[int, Connection | None]:
    if hand == "store":
        store = session.get_one(Connection, owner)
        return store.merchant_id, store
    office = session.get_one(BackOffice, owner)
    return owner, session.get(Connection, office.connection_id) if office.connection_id else None


def _raise(session: Session, merchant_id: int, connection: Connection | None, key: str, now: datetime) -> None:
    name = connection.name if connection else "the own ledger"
    raise_issue(
        session,
        merchant_id=merchant_id,
        kind="stuck",
        key=key,
        title=f"syncd stumbles over something at {name}, and that is our fault.",
        why="The same work has failed several times in a row. It is tried again every minute, and what comes after it "
        "waits. Sales are taken in all the same, and other stores are kept right.",
        what_to_do="Look for `loop_failed` in the log of `syncd run`, and report it. An update may help.",
        connection_id=connection.id if connection else None,
        now=now,
    )
