"""Connectors are found by the entry point group `syncd.connectors`, ours and a stranger's alike.

An entry point names whatever answers as `connectors.sdk.contract.Plugin`: an object, a class that makes one without
arguments, or a module that is one or has one as its attribute `plugin`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import cast

from connectors.sdk.contract import Plugin

GROUP = "syncd.connectors"
_NEEDED = ("platform", "role", "door", "consent", "store", "backoffice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """By platform what was found; by entry point name why another one cannot be used."""

    found: Mapping[str, Plugin]
    broken: Mapping[str, str]


def platforms_with_consent(found: Mapping[str, Plugin]) -> frozenset[str]:
    """Platforms that have a page of approval of their own."""
    return frozenset(name for name, plugin in found.items() if plugin.consent is not None)


def load_plugins() -> Plugins:
    """Every connector that is installed. One that fails is named in `broken`; the others run."""
    return load_from(entry_points(group=GROUP))


def load_from(entries: Iterable[EntryPoint]) -> Plugins:
    """The connectors of these entry points."""
    found: dict[str, Plugin] = {}
    broken: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: entry.name):
        try:
            plugin = _load(entry)
        except Exception as error:  # noqa: BLE001 a stranger's module may raise anything while it is imported
            broken[entry.name] = f"{type(error).__name__}: {error}"
            continue
        if plugin.platform in found:
            broken[entry.name] = f"another connector is called {plugin.platform} already"
        else:
            found[plugin.platform] = plugin
    return Plugins(found=found, broken=broken)


def _load(entry: EntryPoint) -> Plugin:
    loaded: object = entry.load()
    if isinstance(loaded, ModuleType):
        loaded = getattr(loaded, "plugin", loaded)
    if isinstance(loaded, type):
        loaded = loaded()
    if missing := [name for name in _NEEDED if not hasattr(loaded, name)]:
        raise TypeError(f"{entry.value} is no connector: it has no {', '.join(missing)}")
    return cast("Plugin", loaded)
