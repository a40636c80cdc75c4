"""The daemon's own errors. What a platform did is in `connectors.sdk.errors`.

SyncdError
├── ConfigError     a setting is wrong: one line naming key and file, exit 2
├── DatabaseAway    the database cannot be reached or cannot write: wait and try again, 503 to a store
├── LeaseLost       somebody else has the lease, or it is about to end: store nothing, start over
├── VaultError      sealed data that none of our keys opens
├── PluginMissing   a connection's platform has no working connector
├── NotPossible     what a person asked for cannot be done as things stand; the message says why
│   ├── AlreadyConnected  this account is the connection `code` already
│   └── ChooseLocation    the store has several locations, and nobody has said which one it sells from
├── NotSignedIn     the e-mail, password, code or token does not let anybody in
└── TooManyTries    wait until `until`
"""

from collections.abc import Sequence
from datetime import datetime


class SyncdError(Exception):
    """Any of the below. A message says what, where, and what to do; never a secret."""


class ConfigError(SyncdError):
    """The configuration cannot be used; the message is one line for the operator."""


class DatabaseAway(SyncdError):
    """The database gives and takes nothing now. Nothing was stored, or the answer to the commit was lost."""


class LeaseLost(SyncdError):
    """What was to be done under a lease must not be done any more."""


class VaultError(SyncdError):
    """Sealed data does not open: the key that sealed it is missing."""


class PluginMissing(SyncdError):
    """There is no connector for this platform, or it could not be loaded; the message says which."""


class NotPossible(SyncdError):
    """A request that makes no sense as things stand; the message is for the person who asked."""


class AlreadyConnected(NotPossible):
    """The account is a connection already: the one with this code."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ChooseLocation(NotPossible):
    """The store keeps its stock at several locations: `places` are their ids and names, to choose from."""

    def __init__(self, message: str, *, places: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.places = tuple(places)


class NotSignedIn(SyncdError):
    """Nobody is let in by this. `tries_left` is how often one may still try, None where that is not counted."""

    def __init__(self, message: str, *, tries_left: int | None = None) -> None:
        super().__init__(message)
        self.tries_left = tries_left


class TooManyTries(SyncdError):
    """No more tries before `until`."""

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until
