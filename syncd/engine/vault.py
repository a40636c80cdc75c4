"""Secrets at rest: sealed with Fernet keys, the newest first; older ones open until `rotate` has sealed all anew.

The key comes from SYNCD_KEY, from the systemd credential `syncd.key`, or from a file that only we may read: one key per
line (or separated by commas), the newest first.
"""

import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select, update
from sqlmodel import Session, col

from schema.tables import Connection, OAuthState, User
from syncd.engine import leases
from syncd.errors import ConfigError, DatabaseAway, VaultError

if TYPE_CHECKING:
    from syncd.engine.context import Engine

RENEWAL = timedelta(seconds=90)
"""Longer than any exchange of tokens takes, time-outs included."""
STORE_ATTEMPTS = 5
_WAIT = 0.1


Keys = tuple[str | bytes, ...]


class Keyring:
    """Seals with the first key, opens with any. What none of them opens may be sealed with one that another process has
    made meanwhile: `read_again` is asked for the keys as they are now.
    """

    def __init__(self, keys: Sequence[str | bytes], read_again: Callable[[], Keys] | None = None) -> None:
        self._ring = _ring(tuple(keys))
        self._read_again = read_again

    def seal(self, secret: Mapping[str, str] | bytes) -> bytes:
        """Encrypt; a mapping as JSON."""
        plain = secret if isinstance(secret, bytes) else json.dumps(dict(secret), sort_keys=True).encode()
        _, fernet = self._ring
        return fernet.encrypt(plain)

    def open(self, sealed: bytes) -> dict[str, str]:
        """The mapping that was sealed. Raises VaultError."""
        return {str(name): str(value) for name, value in json.loads(self.open_bytes(sealed)).items()}

    def open_bytes(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises VaultError."""
        for _ in range(2):
            try:
                return self._ring[1].decrypt(sealed)
            except InvalidToken:
                if not self._has_other_keys():
                    break
        raise VaultError("a stored secret was sealed with another key; restore that key, or connect anew")

    def _has_other_keys(self) -> bool:
        """Whether the keys are others than they were when we read them; from now on these count."""
        try:
            keys = self._read_again() if self._read_again is not None else self._ring[0]
            if keys == self._ring[0]:
                return False
            self._ring = _ring(keys)
        except (ConfigError, OSError):
            return False
        return True

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret under the first key. Raises VaultError."""
        return self.seal(self.open_bytes(sealed))

    def derive(self, purpose: str) -> bytes:
        """32 bytes of our own for one purpose, such as signing; others once the first key is another one."""
        first = self._ring[0][0]
        return hmac.digest(first if isinstance(first, bytes) else first.encode(), purpose.encode(), "sha256")

    def with_newest(self, key: str | bytes) -> "Keyring":
        """A ring that seals with `key` and still opens what this one does."""
        return Keyring([key, *self._ring[0]])


def _ring(keys: Keys) -> tuple[Keys, MultiFernet]:
    try:
        return keys, MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ConfigError("the key is not 32 bytes in URL-safe base64; `syncd init` makes one") from error


def new_key() -> str:
    """A fresh key."""
    return Fernet.generate_key().decode()


def make_key_file(file: Path) -> None:
    """Write a new key where only we can read it. Raises FileExistsError."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(new_key() + "\n")


def load_keyring(key_file: Path, environment: Mapping[str, str] = os.environ) -> Keyring:
    """The keys of this installation. Raises ConfigError where there are none, or others can read the file."""
    if told := environment.get("SYNCD_KEY"):
        return Keyring(_keys(told))
    if credentials := environment.get("CREDENTIALS_DIRECTORY"):
        credential = Path(credentials) / "syncd.key"
        if credential.exists():
            return Keyring(_keys(credential.read_text()))
    return Keyring(_keys_in(key_file), read_again=partial(_keys_in, key_file))


def _keys_in(key_file: Path) -> Keys:
    try:
        mode = key_file.stat().st_mode
        text = key_file.read_text()
    except OSError as error:
        raise ConfigError(f"{key_file}: no key to open secrets with ({error.strerror}); run `syncd init`") from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{key_file}: others can read the key; run `chmod 600 {key_file}`")
    return _keys(text)


def _keys(text: str) -> Keys:
    return tuple(text.replace(",", " ").split())


@dataclass(frozen=True, slots=True)
class DatabaseVault:
    """The credentials of one connection: `connectors.sdk.contract.Vault`."""

    engine: "Engine"
    connection_id: int

    def load(self) -> Mapping[str, str]:
        """The credentials as stored now. Raises VaultError, DatabaseAway."""
        with self.engine.database.reading() as session:
            return self.engine.keyring.open(self._sealed(session))

    def renew(
        self, stale: Mapping[str, str], exchange: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Exchange once over all threads and processes; what came of it is stored before anybody gets it."""
        name = f"renew:{self.connection_id}"
        while True:
            current = self.load()
            if current != stale:
                return current
            held = leases.acquire(self.engine, name, duration=RENEWAL)
            if held is not None:
                break
            self.engine.clock.sleep(_WAIT)
        try:
            current = self.load()
            return current if current != stale else self._store(current, dict(exchange(current)))
        finally:
            leases.release(self.engine, held)

    def _store(self, current: Mapping[str, str], renewed: dict[str, str]) -> Mapping[str, str]:
        """Keep what an exchange gave: the platform has ended the old ones, so an absent database is waited for."""
        for attempt in range(STORE_ATTEMPTS):
            try:
                return self._replace(current, renewed)
            except DatabaseAway:
                if attempt == STORE_ATTEMPTS - 1:
                    raise
                self.engine.clock.sleep(2.0**attempt)
        return renewed

    def _replace(self, current: Mapping[str, str], renewed: dict[str, str]) -> Mapping[str, str]:
        """Store, unless a person has meanwhile connected anew: then theirs count."""
        with self.engine.database.transaction() as session:
            stored = self.engine.keyring.open(self._sealed(session, lock=True))
            if stored != current:
                return stored
            session.execute(
                update(Connection)
                .where(col(Connection.id) == self.connection_id)
                .values(credentials=self.engine.keyring.seal(renewed))
            )
        return renewed

    def _sealed(self, session: Session, *, lock: bool = False) -> bytes:
        statement = select(col(Connection.credentials)).where(col(Connection.id) == self.connection_id)
        return bytes(session.execute(statement.with_for_update() if lock else statement).scalar_one())


def rotate(engine: "Engine", new: Keyring) -> int:
    """Seal everything anew with the first key of `new`, which must hold the old ones too; how many secrets there are.

    One transaction. Running processes must find both keys where theirs come from before it.
    """
    count = 0
    columns = ((Connection, "credentials"), (User, "totp_secret"), (OAuthState, "request"))
    with engine.database.transaction() as session:
        for table, column in columns:
            for row in session.execute(select(table).with_for_update()).scalars():
                sealed: bytes | None = getattr(row, column)
                if sealed is not None:
                    setattr(row, column, new.reseal(sealed))
                    count += 1
    return count


def new_token() -> str:
    """An unguessable word for a public id, a state or a session."""
    return secrets.token_urlsafe(24)
