"""The account behind the one exchange that ends a consent flow, when there is no connection yet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from connectors.sdk.contract import Account
from connectors.sdk.errors import AccessDenied


def account_of_exchange(
    settings: Mapping[str, str], *, transport: httpx.BaseTransport | None, now: datetime
) -> Account:
    """An account without credentials, whose time stands still: a client on it never waits."""
    return Account(connection="", settings=settings, vault=_EmptyVault(), clock=_StillClock(now), transport=transport)


@dataclass(frozen=True, slots=True)
class _StillClock:
    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Return at once: a person is waiting for the page."""


@dataclass(frozen=True, slots=True)
class _EmptyVault:
    def load(self) -> Mapping[str, str]:
        return {}

    def renew(
        self,
        stale: Mapping[str, str],  # noqa: ARG002 - there is nothing to renew
        exchange: Callable[[Mapping[str, str]], Mapping[str, str]],  # noqa: ARG002
    ) -> Mapping[str, str]:
        raise AccessDenied("There are no credentials to renew before the consent is complete.")
