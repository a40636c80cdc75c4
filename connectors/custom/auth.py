"""The one secret of a custom store, which signs in both directions in the manner of Standard Webhooks."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from connectors.sdk.errors import RefusalKind, Refused
from connectors.sdk.signatures import sign_standard_webhook

SECRET = "secret"  # noqa: S105 - the name of a credential


def signing_headers(credentials: Mapping[str, str], body: bytes, now: datetime) -> dict[str, str]:
    """The headers of one message, under an id of its own. Refused where there is no secret, or none that can be one."""
    try:
        return sign_standard_webhook(credentials.get(SECRET, ""), f"syncd_{secrets.token_hex(12)}", now, body)
    except ValueError as error:
        raise Refused(
            "The secret of a custom store is whsec_ and base64; enter it again.", kind=RefusalKind.CONFIGURATION
        ) from error


def signing_secrets(credentials: Mapping[str, str]) -> tuple[str, ...]:
    """What may have signed a delivery."""
    secret = credentials.get(SECRET, "")
    return (secret,) if secret else ()
