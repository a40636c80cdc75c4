"""One daemon per SQLite file: whoever holds the lock beside it is the one."""

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO

from syncd.errors import ConfigError

ATTEMPTS = 5
BETWEEN = 0.1


class SingleInstance:
    """The lock of one database file, held while this object lives and `release` was not called."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._file: TextIO | None = None

    def take(self) -> None:
        """Raises ConfigError where another daemon has it."""
        try:
            file = self._path.open("a+")
        except OSError as error:
            raise ConfigError(f"[database] url: {self._path.parent} cannot be written: {error.strerror}") from error
        if not _lock(file, attempts=ATTEMPTS):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise ConfigError(
                f"another `syncd run` (process {holder}) works on this SQLite database; several need PostgreSQL"
            )
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def is_taken(self) -> bool:
        """Whether a daemon is running on this database."""
        if not self._path.exists():
            return False
        with self._path.open("a+") as file:
            return not _lock(file)

    def release(self) -> None:
        """Let the next one have it."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _lock(file: TextIO, *, attempts: int = 1) -> bool:
    """Whether the lock was had; who only asks holds it for a moment, so one failure proves nothing."""
    for attempt in range(attempts):
        if attempt:
            time.sleep(BETWEEN)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False
