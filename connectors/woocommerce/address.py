"""Looking at an address before anybody approves anything: whether WooCommerce lives there, and how it is reached."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from connectors.sdk.answer import Answer
from connectors.sdk.consent import account_of_exchange
from connectors.sdk.doorstep import Finding, Line, Looked
from connectors.sdk.errors import ConnectorError, MalformedPayload
from connectors.sdk.http import Transport
from connectors.sdk.reader import Reader
from connectors.woocommerce.auth import WooCommerceConsent, shop_url
from connectors.woocommerce.client import REDIRECTS, REST, Passer

MOST_REDIRECTS = 3
PERMALINKS = "In WordPress open Settings, Permalinks, choose 'Post name', save; check again."


class WooCommerceDoorstep(WooCommerceConsent):
    """The consent flow, which can also tell whether it would lead anywhere."""

    def look_at(self, settings: Mapping[str, str], *, transport: Transport | None, now: datetime) -> Looked:
        """Where the shop is, whether it is one, and whether its line is encrypted."""
        url = shop_url(settings)
        lines: list[Line] = []
        try:
            answer = _ask(url, transport, now)
            while (moved_to := _moved_to(answer, url)) and len(lines) < MOST_REDIRECTS:
                url = moved_to
                lines.append(_note(f"The address forwards to {url}"))
                answer = _ask(url, transport, now)
        except ConnectorError as error:
            return Looked(lines=(*lines, _silent(url, error)))
        found = _index_of(answer)
        if found is None:
            return Looked(lines=(_right("The store's server answers"), *lines, _not_found(url, transport, now)))
        if REST not in (found.maybe_values("namespaces") or []):
            words = "This is a WordPress, but there is no WooCommerce in it"
            return Looked(lines=(_right("The store's server answers"), *lines, _wrong(words, "Is it switched on?")))
        home = (found.maybe_text("home") or url).rstrip("/")
        return Looked(
            lines=(
                _right("The store answers"),
                *lines,
                _right("It is a WooCommerce store, and its permalinks are set so that we can reach it"),
                *_home(url, home),
                _line(url),
            ),
            settings={"url": url},
        )


def _ask(url: str, transport: Transport | None, now: datetime, *, by_query: bool = False) -> Answer:
    passer = Passer(account_of_exchange({"url": url}, transport=transport, now=now))
    try:
        return passer.index(by_query=by_query)
    finally:
        passer.close()


def _index_of(answer: Answer) -> Reader | None:
    """The API's index, if that is what came."""
    if answer.status != 200:
        return None
    try:
        found = Reader.of(answer.json(), "the index")
        return found if found.maybe_values("namespaces") is not None else None
    except MalformedPayload:
        return None


def _moved_to(answer: Answer, url: str) -> str:
    """The shop's address as a redirect names it; empty where it stays on this one."""
    if answer.status not in REDIRECTS:
        return ""
    parts = urlsplit(answer.headers.get("location", ""))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        return ""
    path = parts.path.partition("/wp-json")[0].rstrip("/")
    moved = f"{parts.scheme}://{parts.netloc}{path}"
    return "" if moved == url or "/wp-json" not in parts.path else moved


def _not_found(url: str, transport: Transport | None, now: datetime) -> Line:
    """Why there is no index: plain permalinks, something in between, or another website."""
    try:
        answer = _ask(url, transport, now, by_query=True)
    except ConnectorError:
        answer = None
    if answer is not None and _index_of(answer) is not None:
        return _wrong("WordPress's permalinks are set to Plain, so that we cannot reach its store", PERMALINKS)
    if answer is not None and answer.status in (401, 403):
        return _wrong(
            "A security plugin or Cloudflare turned us away",
            "Allow this server's address for /wp-json/, then check again.",
        )
    return _wrong(
        "This is a website, but we find no WooCommerce on it", "Is the store under another address, such as /shop?"
    )


def _silent(url: str, error: ConnectorError) -> Line:
    if "private" in str(error).lower():
        words = "This address is inside a private network, which syncd does not call"
        return _wrong(words, "An operator can allow it.")
    return _wrong(f"Nothing answers at {urlsplit(url).netloc}", "Check the spelling. Does it open in your browser?")


def _home(url: str, home: str) -> tuple[Line, ...]:
    if home == url:
        return ()
    return (_note(f"WordPress calls itself {home}", "We use the address that you gave, and sign with that one."),)


def _line(url: str) -> Line:
    if url.startswith("https://"):
        return _right("The connection is encrypted (https)")
    return Line(
        finding=Finding.WARNING,
        words="This store has no encryption (http)",
        more="Its key and its orders can be read and changed on the way. Ask your host for a free certificate first.",
    )


def _right(words: str) -> Line:
    return Line(finding=Finding.RIGHT, words=words)


def _note(words: str, more: str = "We use that one from now on. Nothing to do.") -> Line:
    return Line(finding=Finding.NOTE, words=words, more=more)


def _wrong(words: str, more: str) -> Line:
    return Line(finding=Finding.WRONG, words=words, more=more)
