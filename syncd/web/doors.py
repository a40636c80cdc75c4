"""Who may deliver where: the connections and their signing secrets, kept in memory for a few seconds.

A webhook costs no query that way. A secret that changed is found out by a signature that does not fit: then we look
again, but not more than once a second.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from connectors.sdk.contract import WebhookDoor
from schema.tables import Connection, ConnectionState
from syncd.engine.context import Engine
from syncd.errors import VaultError

KEPT_FOR = timedelta(seconds=10)
AGAIN_AFTER = timedelta(seconds=1)
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a delivery went: to one connection's own path, or to the platform's with an account in its headers."""

    platform: str
    public_id: str | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A connection that may deliver, and every secret that may sign for it."""

    connection_id: int
    secrets: tuple[str, ...]
    found_at: datetime


class Doors:
    """Looks guests up. `find` and `find_again` may block on the database: call them from a thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._guests: dict[Address, Guest] = {}

    def of(self, platform: str) -> WebhookDoor | None:
        """The platform's door; None where there is no such platform, or it delivers nothing."""
        plugin = self._engine.plugins.get(platform)
        return None if plugin is None else plugin.door

    def own_secrets(self, platform: str, door: WebhookDoor) -> tuple[str, ...]:
        """The secrets of the operator's own app, which may sign for shops that we do not know any more."""
        return door.secrets(self._engine.settings.of_platform(platform))

    def known(self, address: Address) -> Guest | None:
        """The guest, if it was looked up lately. Never blocks."""
        guest = self._guests.get(address)
        if guest is None or guest.found_at + KEPT_FOR <= self._engine.clock.now():
            return None
        return guest

    def find(self, address: Address, door: WebhookDoor) -> Guest | None:
        """The connection at this address, None where there is none that is not disconnected. Raises DatabaseAway."""
        with self._engine.database.reading() as session:
            row = _connection(session, address)
        if row is None or row.id is None:
            with self._lock:
                self._guests.pop(address, None)
            return None
        guest = Guest(
            connection_id=row.id,
            secrets=door.secrets({**self._engine.settings.of_platform(address.platform), **self._credentials(row)}),
            found_at=self._engine.clock.now(),
        )
        with self._lock:
            if len(self._guests) >= MOST_KEPT:
                self._guests.clear()
            self._guests[address] = guest
        return guest

    def is_stale(self, guest: Guest) -> bool:
        """Whether it is worth looking again for other secrets."""
        return guest.found_at + AGAIN_AFTER <= self._engine.clock.now()

    def _credentials(self, row: Connection) -> Mapping[str, str]:
        try:
            return self._engine.keyring.open(row.credentials)
        except VaultError:
            return {}  # no secret, so nothing verifies; `syncd check` tells of the missing key


def _connection(session: Session, address: Address) -> Connection | None:
    query = select(Connection).where(
        Connection.platform == address.platform, Connection.state != ConnectionState.DISCONNECTED
    )
    if address.public_id is not None:
        return session.exec(query.where(Connection.public_id == address.public_id)).first()
    by_account = query.where(Connection.account_id == address.account_id)
    return session.exec(by_account.order_by(col(Connection.id))).first()
