"""JSON as PHP writes it: slashes escaped, everything beyond ASCII as escapes, no blanks."""

import json


def encoded(value: object) -> bytes:
    """The exact bytes that the shop would send."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()
