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


class Keyring:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        self._keys = tuple(keys)
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise ConfigError("the key is not 32 bytes in URL-safe base64; `syncd init` makes one") from error

    def seal(self, secret: Mapping[str, str] | bytes) -> bytes:
        """Encrypt; a mapping as JSON."""
        plain = secret if isinstance(secret, bytes) else json.dumps(dict(secret), sort_keys=True).encode()
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> dict[str, str]:
        """The mapping that was sealed. Raises VaultError."""
        return {str(name): str(value) for name, value in json.loads(self.open_bytes(sealed)).items()}

    def open_bytes(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises VaultError."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise VaultError("a stored secret was sealed with another key; restore that key, or connect anew") from None

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret under the first key. Raises VaultError."""
        return self.seal(self.open_bytes(sealed))

    def derive(self, purpose: str) -> bytes:
        """32 bytes of our own for one purpose, such as signing; others once the first key is another one."""
        first = self._keys[0]
        return hmac.digest(first if isinstance(first, bytes) else first.encode(), purpose.encode(), "sha256")

    def with_newest(self, key: str | bytes) -> "Keyring":
        """A ring that seals with `key` and still opens what this one does."""
        return Keyring([key, *self._keys])


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
        return _keyring(told)
    if credentials := environment.get("CREDENTIALS_DIRECTORY"):
        credential = Path(credentials) / "syncd.key"
        if credential.exists():
            return _keyring(credential.read_text())
    try:
        mode = key_file.stat().st_mode
        text = key_file.read_text()
    except OSError as error:
        raise ConfigError(f"{key_file}: no key to open secrets with ({error.strerror}); run `syncd init`") from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{key_file}: others can read the key; run `chmod 600 {key_file}`")
    return _keyring(text)


def _keyring(text: str) -> Keyring:
    return Keyring(text.replace(",", " ").split())


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

    One transaction. Running processes must know both keys before it and may forget the old one after it.
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
