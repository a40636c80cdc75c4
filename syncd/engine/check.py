"""The doctor: everything that must be right for syncd to work, asked one by one, each answered in a sentence."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib.metadata import packages_distributions
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import StockRef, WebhookState
from schema import migrate
from schema.tables import BackOffice, Connection, ConnectionRole, ConnectionState, PoolLocation, StockItem
from syncd.config import Settings
from syncd.engine import ledger, webhooks
from syncd.engine.connections import test
from syncd.engine.context import Engine
from syncd.engine.plugins import load_plugins
from syncd.engine.vault import load_keyring
from syncd.errors import SyncdError

OURS = ("schema", "connectors", "syncd", "cli")
PORTS_THAT_ARE_CALLED = (80, 443, 8080, None)
"""WordPress calls webhooks and callbacks on no other port (wp_http_validate_url)."""
CLOCKS_MAY_DIFFER = timedelta(seconds=5)


class Verdict(StrEnum):
    """How one thing is."""

    RIGHT = "right"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was asked."""

    about: str
    verdict: Verdict
    words: str


def _right(about: str, words: str) -> Finding:
    return Finding(about=about, verdict=Verdict.RIGHT, words=words)


def _warning(about: str, words: str) -> Finding:
    return Finding(about=about, verdict=Verdict.WARNING, words=words)


def _wrong(about: str, words: str) -> Finding:
    return Finding(about=about, verdict=Verdict.WRONG, words=words)


# ------------------------------------------------------------------------------------------- without an engine


def check_ground(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What an engine needs before there is one."""
    yield _right("home", str(settings.home))
    yield from _packages()
    yield from _connectors()
    yield _attempt("key", lambda: _key(settings, environment))
    yield _attempt("database", lambda: _database(settings))
    yield from _address(settings)


def _attempt(about: str, question: Callable[[], str]) -> Finding:
    try:
        return _right(about, question())
    except (SyncdError, ConnectorError) as error:
        return _wrong(about, str(error))
    except DBAPIError as error:
        return _wrong(about, str(error.orig).strip().splitlines()[0])


def _packages() -> Iterator[Finding]:
    """A stranger's distribution of one of our names would be imported instead of ours, in silence."""
    owners = packages_distributions()
    for name in OURS:
        strangers = sorted(set(owners.get(name, [])) - {"syncd"})
        if strangers:
            words = f"{', '.join(strangers)} installs a package of this name too: use an environment of syncd's own"
            yield _wrong(f"package {name}", words)


def _connectors() -> Iterator[Finding]:
    plugins = load_plugins()
    yield _right("connectors", ", ".join(sorted(plugins.found)) or "none")
    for name, reason in plugins.broken.items():
        yield _wrong(f"connector {name}", reason)


def _key(settings: Settings, environment: Mapping[str, str]) -> str:
    load_keyring(settings.key_file, environment)
    return "from the environment" if environment.get("SYNCD_KEY") else "there, and only we can read it"


def _database(settings: Settings) -> str:
    present, newest = migrate.current(settings.database_url), migrate.head()
    if present != newest:
        raise SyncdError(f"is at revision {present}, this syncd needs {newest}: run `syncd db upgrade`")
    return f"answers, revision {present}"


def _address(settings: Settings) -> Iterator[Finding]:
    """What stores call. Their platforms refuse more than a browser does."""
    url = settings.web.public_url
    if not url:
        yield _warning("public address", "web.public_url is not set: stores cannot tell us of sales, they are pulled")
        return
    parts = urlsplit(url)
    if parts.scheme != "https":
        yield _warning("public address", f"{url} is not https: most platforms deliver nothing there")
    if parts.port not in PORTS_THAT_ARE_CALLED:
        yield _warning("public address", f"port {parts.port}: some platforms call 80, 443 and 8080 only")
    if parts.hostname in {"localhost", "127.0.0.1", "::1"} or (parts.hostname or "").startswith(("10.", "192.168.")):
        yield _warning("public address", f"{parts.hostname} is private: a store elsewhere cannot reach it")
    elif parts.scheme == "https":
        yield _right("public address", url)


# ------------------------------------------------------------------------------------------- with one


def check_merchant(engine: Engine, merchant_id: int) -> Iterator[Finding]:
    """What one merchant's connections need."""
    with engine.database.reading() as session:
        office = session.get(BackOffice, merchant_id)
        rows = session.exec(
            select(Connection)
            .where(Connection.merchant_id == merchant_id, Connection.state != ConnectionState.DISCONNECTED)
            .order_by(col(Connection.name))
        ).all()
        differences = len(ledger.verify(session, merchant_id))
    if office is None:
        yield _wrong("back office", "nobody was named who knows what is on the shelf: `syncd backoffice set …`")
    yield (
        _right("ledger", "every figure is the sum of its movements")
        if not differences
        else _wrong("ledger", f"{differences} figures are not the sum of their movements: `syncd ledger verify`")
    )
    for row in rows:
        yield from check_connection(engine, row)


def check_connection(engine: Engine, row: Connection) -> Iterator[Finding]:
    """What one connection needs, asked by harmless calls."""
    try:
        info = test(engine, row.id or 0)
    except (ConnectorError, SyncdError) as error:
        yield _wrong(row.name, str(error))
        return
    yield _right(row.name, f"{info.name} answers, {row.state.value}")
    for words in info.warnings:
        yield _warning(row.name, words)
    if row.role is ConnectionRole.STORE:
        yield from _check_store(engine, row)


def _check_store(engine: Engine, row: Connection) -> Iterator[Finding]:
    with engine.database.reading() as session:
        if not _has_pool(session, row):
            yield _wrong(row.name, "sells from no location: `syncd connections set NAME --location …`")
        sample = session.exec(select(StockItem).where(StockItem.connection_id == row.id).limit(1)).first()
    if engine.settings.web.public_url:
        yield from _check_webhooks(engine, row)
    if sample is not None:
        yield from _check_clock(engine, row, sample)


def _has_pool(session: Session, row: Connection) -> bool:
    return session.exec(select(PoolLocation).where(PoolLocation.connection_id == row.id)).first() is not None


def _check_webhooks(engine: Engine, row: Connection) -> Iterator[Finding]:
    about = f"{row.name}, webhooks"
    try:
        report = engine.connectors.store(engine, row).check_webhooks(webhooks.address(engine, row), repair=False)
    except ConnectorError as error:
        yield _wrong(about, str(error))
        return
    amiss = [topic for topic, state in report.states.items() if state is not WebhookState.RIGHT]
    if amiss:
        words = "; ".join(f"{topic}: {report.words.get(topic, report.states[topic].value)}" for topic in amiss)
        yield _wrong(about, f"{words}. `syncd connections webhooks {row.name}` mends them")
    else:
        yield _right(about, f"{len(report.states)} subscriptions")
    if row.refused_signatures:
        yield _warning(about, f"{row.refused_signatures} deliveries had a wrong signature")


def _check_clock(engine: Engine, row: Connection, sample: StockItem) -> Iterator[Finding]:
    """Ours against the platform's Date: fences compare times of the platform with each other, people compare both."""
    about = f"{row.name}, clock"
    try:
        reading = engine.connectors.store(engine, row).read_stock(
            [StockRef(stock_id=sample.external_id, parent_id=sample.parent_id)]
        )
    except ConnectorError as error:
        yield _warning(about, str(error))
        return
    ahead = reading.platform_at - reading.answered_at
    if abs(ahead) > CLOCKS_MAY_DIFFER:
        seconds = round(ahead.total_seconds())
        yield _warning(about, f"differs from ours by {seconds:+d} s: set the clock of this machine by NTP")
    else:
        yield _right(about, "agrees with ours")
