"""Making a home: config.toml, key, database, and the first merchant. Safe to do again: what is there stays."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, select

from schema import migrate
from schema.tables import Merchant
from syncd.clock import SystemClock
from syncd.config import FILE_NAME, load_settings
from syncd.engine.database import open_database
from syncd.engine.people import setup_code
from syncd.engine.vault import load_keyring, make_key_file
from syncd.errors import NotPossible

CONFIG = """\
# syncd's settings. Everything has a default; config.example.toml lists it all. The environment overrides:
# SYNCD_WEB__PUBLIC_URL is [web] public_url.

[database]
# SQLite needs nothing else. For several processes or machines: "postgresql://user:password@host/name".
url = "{database}"

[web]
listen = "127.0.0.1:8484"
# What stores and browsers call, such as "https://sync.example.com".
public_url = "{public_url}"
"""
DEFAULT_DATABASE = "sqlite:///{home}/syncd.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made; what is empty was there before. `setup_code` makes the first owner, until there is one."""

    home: str
    config: bool
    key: bool
    merchant: str
    setup_code: str = ""


def make_home(
    home: Path,
    merchant: str = "My business",
    *,
    database: str = "",
    public_url: str = "",
    environment: Mapping[str, str] = os.environ,
) -> Made:
    """Make what is missing. Raises ConfigError, DatabaseAway, and OSError where the folder cannot be written."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = _make_config(home, database, public_url)
    settings = load_settings(home, environment)
    key = _make_key(settings.key_file, environment)
    keyring = load_keyring(settings.key_file, environment)
    migrate.upgrade(settings.database_url)
    opened = open_database(settings.database_url)
    try:
        with opened.transaction() as session:
            made = _first_merchant(session, merchant)
        code = setup_code.issue(opened, keyring, SystemClock())
    finally:
        opened.close()
    return Made(home=str(home), config=config, key=key, merchant=made, setup_code=code or "")


def _make_config(home: Path, database: str, public_url: str) -> bool:
    file = home / FILE_NAME
    if file.exists():
        return False
    text = CONFIG.replace("{database}", database or DEFAULT_DATABASE).replace("{public_url}", public_url)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    return True


def _make_key(key_file: Path, environment: Mapping[str, str]) -> bool:
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    given = environment.get("SYNCD_KEY") or (credentials and (Path(credentials) / "syncd.key").exists())
    if given or key_file.exists():
        return False
    make_key_file(key_file)
    return True


def _first_merchant(session: Session, name: str) -> str:
    if session.exec(select(Merchant.id).limit(1)).first() is not None:
        return ""
    session.add(Merchant(name=name, created_at=SystemClock().now()))
    return name


def find_merchant(session: Session, name: str | None) -> Merchant:
    """The merchant of this name, or the only one. Raises NotPossible."""
    merchants = session.exec(select(Merchant).order_by(Merchant.name)).all()
    names = ", ".join(merchant.name for merchant in merchants)
    if name is None:
        if len(merchants) == 1:
            return merchants[0]
        raise NotPossible(f"Say for whom: --merchant NAME. There are: {names}." if names else "Run `syncd init` first.")
    for merchant in merchants:
        if merchant.name == name:
            return merchant
    raise NotPossible(f"There is no merchant {name!r}. There are: {names or 'none yet'}.")


def add_merchant(session: Session, name: str) -> Merchant:
    """One more merchant. Raises NotPossible where the name is taken."""
    if session.exec(select(Merchant.id).where(Merchant.name == name)).first() is not None:
        raise NotPossible(f"There is a merchant {name} already.")
    merchant = Merchant(name=name, created_at=SystemClock().now())
    session.add(merchant)
    session.flush()
    return merchant
