"""What a platform may be able to do before there is a connection, beyond its consent flow: both are optional.

A consent flow that can do either has the method; `isinstance` tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

import httpx


class Finding(StrEnum):
    """Of one thing that was looked at: as it should be, worth knowing, worth a thought, or in the way."""

    RIGHT = "right"
    NOTE = "note"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at, in a sentence for a shopkeeper; `more` is what it means or what to do."""

    finding: Finding
    words: str
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What an address was found to be, line by line; `settings` are those to connect with."""

    lines: tuple[Line, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    def has(self, finding: Finding) -> bool:
        """Whether any line says so."""
        return any(line.finding == finding for line in self.lines)


@runtime_checkable
class LooksAtAddress(Protocol):
    """Tells, without any key, whether a store can be connected at an address."""

    def look_at(self, settings: Mapping[str, str], *, transport: httpx.BaseTransport | None, now: datetime) -> Looked:
        """Look, by harmless calls. Never raises for what it finds; Refused where the address cannot be one."""
        ...


@runtime_checkable
class SignsLinks(Protocol):
    """Checks a link by which the platform itself asks to be connected, such as an app's install link."""

    def check_link(self, settings: Mapping[str, str], *, query: Mapping[str, str], now: datetime) -> None:
        """Refused where the platform has not signed it, or long ago."""
        ...
