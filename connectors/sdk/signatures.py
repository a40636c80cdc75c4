"""Proof over raw bytes that somebody who knows the secret has sent them. Comparisons take constant time."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from connectors.sdk.errors import InvalidSignature

STANDARD_TOLERANCE = timedelta(minutes=5)
_STANDARD_PREFIX = "whsec_"


def hmac_sha256_base64(secret: bytes, body: bytes) -> str:
    """HMAC-SHA256 of a body in base64 (Shopify's and WooCommerce's signature)."""
    return base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()


def hmac_sha256_hex(secret: bytes, body: bytes) -> str:
    """HMAC-SHA256 of a body in lower-case hexadecimal."""
    return hmac.digest(secret, body, hashlib.sha256).hex()


def check_hmac_base64(body: bytes, signature: str | None, secrets: Sequence[str]) -> None:
    """InvalidSignature unless one of the secrets signed these bytes. An empty secret proves nothing."""
    _prove([hmac_sha256_base64(secret.encode(), body) for secret in secrets if secret], [signature or ""])


def check_hmac_hex(body: bytes, signature: str | None, secrets: Sequence[str]) -> None:
    """InvalidSignature unless one of the secrets signed these bytes. An empty secret proves nothing."""
    _prove([hmac_sha256_hex(secret.encode(), body) for secret in secrets if secret], [(signature or "").lower()])


def check_standard_webhook(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """InvalidSignature unless one of the secrets signed a Standard Webhooks delivery within five minutes of `now`.

    Headers are `webhook-id`, `webhook-timestamp` and `webhook-signature`, names in lower case. A secret is `whsec_` and
    base64, or plain base64; one that is empty or garbled proves nothing. https://www.standardwebhooks.com
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        raise InvalidSignature("The delivery lacks webhook-id or a webhook-timestamp in whole seconds.")
    if abs(now.timestamp() - int(timestamp)) > STANDARD_TOLERANCE.total_seconds():
        raise InvalidSignature("The delivery's timestamp is more than five minutes away from our time.")
    keys = [key for key in map(_standard_key, secrets) if key]
    presented = [part[3:] for part in headers.get("webhook-signature", "").split(" ") if part.startswith("v1,")]
    _prove([_standard_signature(key, message_id, timestamp, body) for key in keys], presented)


def sign_standard_webhook(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a Standard Webhooks delivery, names in lower case. ValueError for a secret that is none."""
    key = _standard_key(secret)
    if not key:
        raise ValueError("A secret of Standard Webhooks is base64, with or without whsec_ before it.")
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + _standard_signature(key, message_id, timestamp, body),
    }


def _standard_key(secret: str) -> bytes:
    """The key's bytes; empty for a secret that is empty or garbled."""
    try:
        return base64.b64decode(secret.removeprefix(_STANDARD_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _standard_signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    return hmac_sha256_base64(key, f"{message_id}.{timestamp}.".encode() + body)


def _prove(expected: Sequence[str], presented: Sequence[str]) -> None:
    """Compare all with all, without stopping at the first match."""
    matches = [
        hmac.compare_digest(ours.encode(), theirs.encode(errors="replace")) for ours in expected for theirs in presented
    ]
    if not any(matches):
        raise InvalidSignature("No known secret has signed this delivery.")
