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


@dataclass(slots=True)
class _Cache(Generic[Made]):
    current: dict[int, tuple[str, Made]] = field(default_factory=dict)
    retired: dict[int, Made] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, connection: Connection, make: Callable[[], Made]) -> Made:
        connection_id, revision = _id(connection), _revision(connection)
        with self.lock:
            found = self.current.get(connection_id)
            if found is not None and found[0] == revision:
                return found[1]
            made = make()
            self.current[connection_id] = (revision, made)
            if found is not None:
                self._retire(connection_id, found[1])
        return made

    def drop(self, connection_id: int) -> None:
        with self.lock:
            found = self.current.pop(connection_id, None)
            if found is not None:
                self._retire(connection_id, found[1])

    def close(self) -> None:
        with self.lock:
            for made in (*(made for _, made in self.current.values()), *self.retired.values()):
                made.close()
            self.current.clear()
            self.retired.clear()

    def _retire(self, connection_id: int, made: Made) -> None:
        earlier = self.retired.pop(connection_id, None)
        if earlier is not None:
            earlier.close()
        self.retired[connection_id] = made


class Connectors:
    """A cache of connectors by connection. `transport` replaces the network in tests."""

    def __init__(self, transport: TransportFactory | None = None) -> None:
        self._transport = transport
        self._stores: _Cache[Store] = _Cache()
        self._backoffices: _Cache[BackOffice] = _Cache()

    def store(self, engine: "Engine", connection: Connection) -> Store:
        """The connector of a store. Raises PluginMissing, and Refused where a setting is missing."""
        return self._stores.get(
            connection, lambda: plugin_of(engine, connection.platform).store(self.account(engine, connection))
        )

    def backoffice(self, engine: "Engine", connection: Connection) -> BackOffice:
        """The connector of a back office. Raises PluginMissing, and Refused where a setting is missing."""
        return self._backoffices.get(
            connection, lambda: plugin_of(engine, connection.platform).backoffice(self.account(engine, connection))
        )

    def account(self, engine: "Engine", connection: Connection) -> Account:
        """What a connector of this connection is made from: the operator's settings under the connection's own."""
        return Account(
            connection=connection.name,
            settings=merged_settings(engine, connection.platform, connection.settings),
            vault=DatabaseVault(engine, _id(connection)),
            clock=engine.clock,
            transport=self.transport(engine),
        )

    def transport(self, engine: "Engine") -> Transport:
        """The network, guarded as the operator set it."""
        if self._transport is not None:
            return self._transport()
        return guarded_transport(allow_private=engine.settings.security.allow_private_addresses)

    def forget(self, connection_id: int) -> None:
        """Drop the connector of this connection; the next one asked for is new."""
        self._stores.drop(connection_id)
        self._backoffices.drop(connection_id)

    def close(self) -> None:
        """Close all."""
        self._stores.close()
        self._backoffices.close()


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
