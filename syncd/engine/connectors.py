"""The connector objects of all connections, made when first asked for and kept while settings and credentials stay.

Another process may change a connection, or renew its tokens, at any time; the revision, a hash of what a connector was
made from, tells. One that was replaced is closed when the next one is, since a thread may still be using it.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from connectors.sdk.contract import Account, BackOffice, Plugin, Store
from connectors.sdk.http import Transport, guarded_transport
from schema.tables import Connection
from syncd.engine.vault import DatabaseVault
from syncd.errors import PluginMissing

if TYPE_CHECKING:
    from syncd.engine.context import Engine

TransportFactory = Callable[[], Transport]
Made = TypeVar("Made", Store, BackOffice)


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Made]):
    """A connector, what it was made from, and the network that it has for itself."""

    revision: str
    connector: Made
    network: Transport | None

    def close(self) -> None:
        self.connector.close()
        if self.network is not None:
            self.network.close()


@dataclass(slots=True)
class _Cache(Generic[Made]):
    current: dict[int, _Kept[Made]] = field(default_factory=dict)
    retired: dict[int, _Kept[Made]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, connection: Connection, make: Callable[[], tuple[Made, Transport | None]]) -> Made:
        connection_id, revision = _id(connection), _revision(connection)
        with self.lock:
            found = self.current.get(connection_id)
            if found is not None and found.revision == revision:
                return found.connector
            connector, network = make()
            self.current[connection_id] = _Kept(revision, connector, network)
            if found is not None:
                self._retire(connection_id, found)
        return connector

    def drop(self, connection_id: int) -> None:
        with self.lock:
            found = self.current.pop(connection_id, None)
            if found is not None:
                self._retire(connection_id, found)

    def close(self) -> None:
        with self.lock:
            for kept in (*self.current.values(), *self.retired.values()):
                kept.close()
            self.current.clear()
            self.retired.clear()

    def _retire(self, connection_id: int, kept: _Kept[Made]) -> None:
        earlier = self.retired.pop(connection_id, None)
        if earlier is not None:
            earlier.close()
        self.retired[connection_id] = kept


class Connectors:
    """A cache of connectors by connection. `transport` replaces the network in tests.

    Every connection has a network of its own, so that one whose server hangs uses up no sockets of another.
    """

    def __init__(self, transport: TransportFactory | None = None) -> None:
        self._given = transport
        self._stores: _Cache[Store] = _Cache()
        self._backoffices: _Cache[BackOffice] = _Cache()
        self._shared: Transport | None = None
        self._lock = threading.Lock()

    def store(self, engine: "Engine", connection: Connection) -> Store:
        """The connector of a store. Raises PluginMissing, and Refused where a setting is missing."""

        def make() -> tuple[Store, Transport | None]:
            account, network = self._account(engine, connection)
            return plugin_of(engine, connection.platform).store(account), network

        return self._stores.get(connection, make)

    def backoffice(self, engine: "Engine", connection: Connection) -> BackOffice:
        """The connector of a back office. Raises PluginMissing, and Refused where a setting is missing."""

        def make() -> tuple[BackOffice, Transport | None]:
            account, network = self._account(engine, connection)
            return plugin_of(engine, connection.platform).backoffice(account), network

        return self._backoffices.get(connection, make)

    def transport(self, engine: "Engine") -> Transport:
        """The network for who has no connection yet, guarded as the operator set it. It is closed with all of this."""
        if self._given is not None:
            return self._given()
        with self._lock:
            if self._shared is None:
                self._shared = _network(engine)
            return self._shared

    def forget(self, connection_id: int) -> None:
        """Drop the connector of this connection; the next one asked for is new."""
        self._stores.drop(connection_id)
        self._backoffices.drop(connection_id)

    def close(self) -> None:
        """Close all."""
        self._stores.close()
        self._backoffices.close()
        with self._lock:
            if self._shared is not None:
                self._shared.close()
                self._shared = None

    def _account(self, engine: "Engine", connection: Connection) -> tuple[Account, Transport | None]:
        """What a connector is made from, and the network if it is ours to close."""
        network = None if self._given is not None else _network(engine)
        account = Account(
            connection=connection.name,
            settings=merged_settings(engine, connection.platform, connection.settings),
            vault=DatabaseVault(engine, _id(connection)),
            clock=engine.clock,
            transport=network if self._given is None else self._given(),
        )
        return account, network


def _network(engine: "Engine") -> Transport:
    return guarded_transport(allow_private=engine.settings.security.allow_private_addresses)


def plugin_of(engine: "Engine", platform: str) -> Plugin:
    """The plugin of a platform. Raises PluginMissing."""
    plugin = engine.plugins.get(platform)
    if plugin is None:
        raise PluginMissing(f"no connector for {platform} is installed, or it could not be loaded; see `syncd check`")
    return plugin


def merged_settings(engine: "Engine", platform: str, own: Mapping[str, object]) -> dict[str, str]:
    """The operator's settings of a platform, overridden by a connection's own where those say something."""
    told = {name: str(value) for name, value in own.items() if value is not None}
    return {**engine.settings.of_platform(platform), **told}


def _revision(connection: Connection) -> str:
    parts = [connection.platform, connection.name, connection.account_id, connection.settings]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode() + connection.credentials).hexdigest()


def _id(connection: Connection) -> int:
    if connection.id is None:
        raise ValueError("a connection is stored before it is used")
    return connection.id
