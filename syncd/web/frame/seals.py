"""Words that a browser keeps for us and must not change: CSRF tokens, and what a page is to say after a redirect."""

import base64
import hmac
import json
from dataclasses import dataclass

from syncd.engine.vault import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line for the next page. `tone`: `ok`, `info`, `warn` or `bad`."""

    words: str
    tone: str = "ok"


def csrf_token(keyring: Keyring, holder: str) -> str:
    """The token of the forms of one browser; `holder` is the random word of its cookie."""
    return hmac.new(keyring.derive("csrf"), holder.encode(), "sha256").hexdigest()


def is_csrf_token(keyring: Keyring, holder: str, told: str) -> bool:
    """Whether a form came from a page of ours in this browser."""
    return bool(holder) and hmac.compare_digest(csrf_token(keyring, holder).encode(), told.encode())


def seal_said(keyring: Keyring, said: Said) -> str:
    """As a cookie's value."""
    body = base64.urlsafe_b64encode(json.dumps([said.tone, said.words[:600]]).encode())
    return f"{body.decode()}.{_mac(keyring, body)}"


def open_said(keyring: Keyring, value: str) -> Said | None:
    """What the cookie says, if we sealed it."""
    body, _, mac = value.partition(".")
    if not hmac.compare_digest(_mac(keyring, body.encode()).encode(), mac.encode()):
        return None
    tone, words = json.loads(base64.urlsafe_b64decode(body))
    return Said(words=words, tone=tone)


def _mac(keyring: Keyring, body: bytes) -> str:
    return hmac.new(keyring.derive("said"), body, "sha256").hexdigest()
