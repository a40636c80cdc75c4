"""The only file that talks to a shop: addresses below /wp-json/, and what its answers mean.

Updates go out as POST, which every host lets through; WordPress takes it as an update of an item (seen on 11.0.1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from connectors.sdk.budget import Priority, RateBudget
from connectors.sdk.contract import Account
from connectors.sdk.errors import (
    AccessDenied,
    ListingGone,
    MalformedPayload,
    RefusalKind,
    Refused,
    Unavailable,
)
from connectors.sdk.failures import Meaning
from connectors.sdk.http import Answer, Call, Endpoint, PlatformClient, Timeouts
from connectors.woocommerce.auth import AuthStyle, shop_url, signer, styles_to_try

REST = "wc/v3"
_HOST = re.compile(r"https?://[A-Za-z0-9.:-]{1,253}")
PAGE = 100
TIMEOUTS = Timeouts(connect=10, read=30, write=30, pool=10, total=60)
LOOK_TIMEOUTS = Timeouts(connect=8, read=8, write=8, pool=8, total=15)
"""A person waits for it."""
BURST, PER_SECOND = 40, 20
REDIRECTS = (301, 302, 303, 307, 308)
JUDGED_HERE: Mapping[int, Meaning | None] = dict.fromkeys((*REDIRECTS, 401, 403, 404, 413), None)


class NoRoute(Refused):
    """This WooCommerce is too old (or stripped) to know the address."""


class TooLarge(Unavailable):
    """The host takes fewer rows in one batch; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """WordPress's code and message of a failed answer; both empty for an answer that is no JSON."""

    code: str = ""
    message: str = ""

    def __str__(self) -> str:
        return f"{self.message} ({self.code})" if self.code else ""


class WooClient:
    """Calls one shop. `style` is how the key pair travels, by default what the connection's settings remember."""

    def __init__(self, account: Account, style: AuthStyle | None = None) -> None:
        self._clock, self._numbers = account.clock, count(1)
        url = shop_url(account.settings)
        remembered = account.settings.get("auth")
        self.style = style or (AuthStyle(remembered) if remembered in list(AuthStyle) else styles_to_try(url)[0])
        endpoint = Endpoint(
            base_url=f"{url}/wp-json/",
            timeouts=TIMEOUTS,
            user_agent="syncd (stock synchronisation)",
            headers={"Accept": "application/json"},
            statuses=JUDGED_HERE,
            words=lambda answer: str(words_of(answer)),
        )
        budget = RateBudget(maximum=BURST, per_second=PER_SECOND, clock=account.clock)
        self._client = PlatformClient(account, endpoint, budget=budget, auth=signer(account, self.style))

    def index(self) -> Answer:
        """The API's own index, cut to what tells the shop apart (whole, it is about a megabyte)."""
        fields = {"_fields": "name,home,url,timezone_string,namespaces"}
        return self._send(Call(method="GET", path="", operation="read the index", is_write=False, params=fields))

    def read(
        self,
        path: str,
        operation: str,
        params: Mapping[str, str] | None = None,
        *,
        not_after: datetime | None = None,
        is_bulk: bool = False,
    ) -> Answer:
        """Read past any cache: every address is asked once only, and an answer that admits to be old is Unavailable."""
        answer = self._send(
            Call(
                method="GET",
                path=f"{REST}/{path}",
                operation=operation,
                is_write=False,
                params={**(params or {}), "_syncd": self._unique()},
                not_after=not_after,
                priority=Priority.BULK if is_bulk else Priority.TARGETED,
            )
        )
        if _is_cached(answer):
            raise Unavailable(
                "A cache answered instead of the shop. Exclude /wp-json/ from its caching.", operation=operation
            )
        return answer

    def write(
        self,
        path: str,
        operation: str,
        body: object,
        *,
        not_after: datetime | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST a JSON body."""
        return self._send(
            Call(
                method="POST",
                path=f"{REST}/{path}",
                operation=operation,
                is_write=True,
                params=params,
                json=body,
                not_after=not_after,
            )
        )

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()

    def _unique(self) -> str:
        return f"{int(self._clock.now().timestamp() * 1000)}-{next(self._numbers)}"

    def _send(self, call: Call) -> Answer:
        answer = self._client.send(call)
        if not 200 <= answer.status < 300:
            raise judged(answer, call.operation)
        return answer


class Passer:
    """Looks at a shop as anybody may, without a key."""

    def __init__(self, account: Account) -> None:
        endpoint = Endpoint(
            base_url=f"{shop_url(account.settings)}/",
            timeouts=LOOK_TIMEOUTS,
            user_agent="syncd (stock synchronisation)",
            headers={"Accept": "application/json"},
            statuses=JUDGED_HERE,
        )
        self._client = PlatformClient(
            account, endpoint, budget=RateBudget(maximum=10, per_second=1, clock=account.clock)
        )

    def index(self, *, by_query: bool = False) -> Answer:
        """The API's index, whatever came back for it: by its address, or `by_query`, which plain permalinks take."""
        fields = {"_fields": "name,home,url,timezone_string,namespaces"}
        return self._client.send(
            Call(
                method="GET",
                path="" if by_query else "wp-json/",
                operation="look at the shop",
                is_write=False,
                params={"rest_route": "/", **fields} if by_query else fields,
                expects_json=False,
                retries=0,
            )
        )

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()


def judged(answer: Answer, operation: str) -> AccessDenied | ListingGone | NoRoute | Refused | TooLarge | Unavailable:
    """What a redirect, 401, 403, 404 or 413 of a shop means. None of them has had an effect."""
    words = words_of(answer)
    if answer.status in REDIRECTS:
        return Refused(_moved(answer), kind=RefusalKind.CONFIGURATION, operation=operation)
    if answer.status == 413:
        return TooLarge(f"The shop takes fewer rows at once. {words}", operation=operation)
    if answer.status == 404 and words.code == "rest_no_route":
        return NoRoute(f"This WooCommerce cannot {operation}.", operation=operation)
    if answer.status == 404 and words.code:
        return ListingGone(str(words), operation=operation)
    if answer.status == 404:
        message = "There is no WordPress API at this address: no WooCommerce, a wrong address, or plain permalinks."
        return Refused(message, kind=RefusalKind.CONFIGURATION, operation=operation)
    if not words.code:
        message = "Something in front of the shop (a firewall, a bot check) keeps us out. Allow /wp-json/ for syncd."
        return Unavailable(f"{message} (status {answer.status})", operation=operation)
    if "nonce" in words.message.lower():
        return Unavailable(str(words), operation=operation)
    return AccessDenied(f"The shop does not accept the key: {words}. {_advice(words)}", operation=operation)


def _moved(answer: Answer) -> str:
    found = _HOST.match(answer.headers.get("location", ""))
    where = f"to {found[0]} " if found else ""
    return (
        f"The shop redirects {where}(status {answer.status}). Connect with the address that it redirects to; "
        "where that is the same, set the permalinks of WordPress to anything but Plain."
    )


def _advice(words: Words) -> str:
    if "timestamp" in words.message.lower():
        return "The clocks of the shop and of syncd differ by more than 15 minutes."
    if "permissions" in words.message:
        return "Make a key that may read and write."
    if "secret" in words.message or "match" in words.message:
        return "Check the secret, and that the address is the one in WordPress's general settings."
    return "The key is unknown or was removed, or the host strips it from requests."


def words_of(answer: Answer) -> Words:
    """WordPress's own words for a failure, without mark-up."""
    try:
        document = answer.json()
    except MalformedPayload:
        return Words()
    if not isinstance(document, dict):
        return Words()
    code, message = document.get("code"), document.get("message")
    if not isinstance(code, str) or not isinstance(message, str):
        return Words()
    return Words(code=code, message=re.sub(r"<[^>]*>", "", message))


def _is_cached(answer: Answer) -> bool:
    headers = answer.headers
    told = (headers.get("x-litespeed-cache", ""), headers.get("cf-cache-status", ""), headers.get("x-wc-cache", ""))
    return headers.get("age", "0") != "0" or any(word.lower() == "hit" for word in told)
