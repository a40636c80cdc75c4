"""Everything one simulated shop consists of, for the modules that answer requests."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from syncd.sandbox.woocommerce.faults import Faults, Quirks
from syncd.sandbox.woocommerce.keys import Keys
from syncd.sandbox.woocommerce.shop import Shop
from syncd.sandbox.woocommerce.webhooks import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One stock figure written over REST."""

    sku: str
    before: int
    after: int
    at: datetime


@dataclass(slots=True, kw_only=True)
class Books:
    """What outsiders did, for tests and the demo's verdict."""

    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    pushes: list[Push] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Site:
    """A shop at an address. `home` has no slash at its end and may have a path."""

    home: str
    shop: Shop
    keys: Keys
    queue: Queue
    faults: Faults
    quirks: Quirks = field(default_factory=Quirks)
    books: Books = field(default_factory=Books)

    @property
    def base(self) -> str:
        """The path of the home address, empty for a shop at the root."""
        return urlsplit(self.home).path.rstrip("/")

    def below(self, path: str) -> str:
        """A path without the shop's own sub-path."""
        return path.removeprefix(self.base)
