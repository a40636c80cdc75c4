"""What became of a sale or a return, by the body of the answer. Pure.

Success and refusal of a sale are both answered 200; a status alone proves nothing here.
"""

import re

from connectors.prokip.translate import recorded_sale, rows_of
from connectors.sdk.answer import Answer
from connectors.sdk.errors import ConnectorError, MalformedPayload, OutcomeUnknown, RefusalKind, Refused, Unavailable
from connectors.sdk.reader import Reader
from connectors.sdk.values import RecordedSale


def judged_sale(answer: Answer, *, allows_overselling: bool) -> RecordedSale:
    """What became of one sale, by the body: success and refusal are both answered 200.

    Raises Refused or Unavailable where it was surely not recorded, OutcomeUnknown where the body does not say.
    """
    try:
        document = answer.json()
        is_bare = isinstance(document, dict) and "data" not in document
        rows = rows_of([document] if is_bare else document, "the answer to a sale")
        if len(rows) == 1 and rows[0].has("id"):
            return recorded_sale(rows[0])
        words = _buried_words(rows[0]) if len(rows) == 1 else None
    except MalformedPayload as error:
        raise OutcomeUnknown(f"Prokip's answer to a sale cannot be read: {error}") from error
    if words is None:
        raise OutcomeUnknown("Prokip answered a sale with neither its id nor a reason.")
    raise refusal(words, allows_overselling=allows_overselling)


def _buried_words(row: Reader) -> str | None:
    """The message of a failure that the server hides in an answer of 200: `original.error.message`."""
    original = row.maybe_nested("original") or row
    error = original.maybe_nested("error")
    return None if error is None else error.maybe_text("message") or ""


# Exceptions of PHP and Laravel, which are never translated: something is set up wrongly.
_SET_UP_WRONGLY = re.compile(
    r"No query results for model|sell_price_inc_tax|No products added|Invalid form data|Undefined (array key|index)"
)
# Deadlock, lock wait time-out, lost connection. Never a bare number: the words may quote a product's name.
_PASSES_BY_ITSELF = re.compile(
    r"SQLSTATE\[(40|08)\w+\]|SQLSTATE\[HY000\](: General error:)? \[?(1205|2002|2006|2013)\b"
    r"|Deadlock found when|Lock wait timeout exceeded"
)
_OVERSOLD = re.compile(r"Mismatch between sold and purchase quantity")


def refusal(words: str, *, allows_overselling: bool) -> ConnectorError:
    """What a refused sale needs. The words about overselling are translated, so where the business forbids it any
    text that is no exception's means that.
    """
    said = f"Prokip refused the sale: {' '.join(words.split())[:300]}"
    if _PASSES_BY_ITSELF.search(words):
        return Unavailable(said)
    if _SET_UP_WRONGLY.search(words):
        return Refused(said, kind=RefusalKind.CONFIGURATION)
    if _OVERSOLD.search(words) or (not allows_overselling and "SQLSTATE" not in words):
        return Refused(said, kind=RefusalKind.OVERSELLING)
    return Refused(said, kind=RefusalKind.OTHER)


def is_recorded_return(answer: Answer) -> bool:
    """Whether the body names the return's document; some servers wrap it in `data`."""
    try:
        body = Reader.of(answer.json(), "the answer to a return")
        return body.has("id") or (body.maybe_nested("data") or body).has("id")
    except MalformedPayload:
        return False
