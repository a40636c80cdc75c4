"""Keeping an installation: copies of the database and back, and a new key."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import make_url

from schema import migrate
from syncd.config import Settings
from syncd.engine.context import Engine
from syncd.engine.vault import Keyring, new_key, rotate
from syncd.errors import ConfigError, NotPossible

LONGEST = 3600.0


def back_up(settings: Settings, target: Path) -> None:
    """Copy the whole database into a file, also while the daemon runs. The key is not in it. Raises NotPossible."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise NotPossible(f"{target} is there already; name another file.") from None
    try:
        _copy_into(settings, target)
    except BaseException:
        target.unlink()
        raise


def _copy_into(settings: Settings, target: Path) -> None:
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    else:
        _run_postgresql("pg_dump", "--format=custom", "--no-owner", f"--file={target}", settings=settings)


def restore(settings: Settings, source: Path) -> str:
    """Put a copy in the database's place; what was there is lost. Returns the revision that it is at then.

    No daemon may run. Raises NotPossible.
    """
    if not source.is_file():
        raise NotPossible(f"There is no file {source}.")
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        _check_sqlite(source)
        with closing(sqlite3.connect(source)) as copy, closing(sqlite3.connect(str(url.database))) as target:
            copy.backup(target)
    else:
        options = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", "--single-transaction")
        _run_postgresql("pg_restore", *options, settings=settings, last=source)
    migrate.upgrade(settings.database_url)
    return migrate.current(settings.database_url) or ""


def _check_sqlite(file: Path) -> None:
    """Raise NotPossible where a file is no whole database of ours."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as copy:
            is_whole = copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
            tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError:
        is_whole, tables = False, set()
    if not is_whole or not tables >= {"alembic_version", "movement"}:
        raise NotPossible(f"{file} is no whole backup of syncd's. Nothing was changed.")


def _run_postgresql(tool: str, *options: str, settings: Settings, last: Path | None = None) -> None:
    """Run one of PostgreSQL's own tools; the password goes by the environment, never by the command line."""
    path = shutil.which(tool)
    if path is None:
        raise NotPossible(f"{tool} is not installed here; it comes with PostgreSQL's client tools.")
    url = make_url(settings.database_url)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    address = url.set(drivername="postgresql", password=None).render_as_string()
    command = [path, *options, f"--dbname={address}", *([str(last)] if last else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False)  # noqa: S603 - a fixed tool, no shell
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NotPossible(f"{tool} failed: {words}")


def new_first_key(engine: Engine) -> int:
    """Make a new key, seal every secret with it, and keep the old ones behind it; how many secrets there are.

    The file is written before anything is sealed: a crash in between costs nothing. Raises ConfigError where the key
    does not come from the file.
    """
    file = engine.settings.key_file
    if os.environ.get("SYNCD_KEY") or not file.exists():
        raise ConfigError("the key comes from the environment: put a new one first in it, then `syncd keys reseal`")
    keys = [new_key(), *file.read_text().replace(",", " ").split()]
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write("\n".join(keys) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
    return rotate(engine, Keyring(keys))


def reseal(engine: Engine) -> int:
    """Seal every secret with the first of the present keys."""
    return rotate(engine, engine.keyring)
