"""A sale in two steps, for servers that are slow or lose answers: a draft, which moves no stock, is made into a sale.

Nothing is sent twice that counts. A draft whose answer is lost is harmless: the next look finds it, or another one is
made, and what is too many is deleted before one of them becomes the sale. So a request of ours that the server still
works on, however late, meets a draft that is gone or a sale that is finished, and changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.prokip.judge import judged_sale, refusal
from connectors.prokip.routes import Routes
from connectors.prokip.translate import recorded_sale
from connectors.prokip.writing import number, to_json
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, RefusalKind, Refused, Unavailable
from connectors.sdk.reader import Reader
from connectors.sdk.values import RecordedSale

LOOKS = 4
BEGIN, FINISH, TIDY = "make the draft of a sale", "make a draft into a sale", "delete a draft that is too many"
Form = Mapping[str, object]


def record(
    routes: Routes, form: Form, look: Callable[[], Sequence[Reader]], not_after: datetime, *, allows_overselling: bool
) -> RecordedSale:
    """Record the sale of this form. `look` lists all that the server holds under its number, drafts as well.

    Raises Unavailable as long as there are drafts at most, OutcomeUnknown only once a draft may have become the sale.
    """
    sale = _Sale(routes, form, not_after, allows_overselling)
    try:
        return _recorded(sale, look)
    except MalformedPayload as error:
        raise Refused(f"Prokip lists a sale of this number in a way that cannot be read: {error}") from error


def is_draft(row: Reader) -> bool:
    """Whether a listed sale has not happened yet."""
    return row.maybe_text("status") == "draft"


@dataclass(frozen=True, slots=True)
class _Sale:
    """What every step needs."""

    routes: Routes
    form: Form
    not_after: datetime
    allows_overselling: bool


def _recorded(sale: _Sale, look: Callable[[], Sequence[Reader]]) -> RecordedSale:
    """Look, take one step, look again. At most one draft is made."""
    has_begun = False
    for _ in range(LOOKS):
        held = sorted(look(), key=_age)
        for row in held:
            if not is_draft(row):
                return recorded_sale(row)
        if len(held) == 1:
            return _finish(sale, held[0])
        for row in held[1:]:
            _delete(sale, row.id("id"))
        if not held and has_begun:
            break
        if not held:
            _begin(sale)
            has_begun = True
    raise Refused(
        "Prokip does not list the drafts that it makes, or does not delete them. Set it up again without --strict.",
        kind=RefusalKind.CONFIGURATION,
    )


def _age(row: Reader) -> tuple[int, str]:
    return (len(row.id("id")), row.id("id"))


def _begin(sale: _Sale) -> None:
    """Make a draft. If the answer is lost, the next look tells what became of it."""
    body = to_json({"sells": [{**sale.form, "status": "draft", "payments": []}]})
    try:
        judged_sale(sale.routes.post("sell", BEGIN, body, sale.not_after), allows_overselling=sale.allows_overselling)
    except OutcomeUnknown as lost:
        raise _nothing_recorded(lost) from lost


def _delete(sale: _Sale, sale_id: str) -> None:
    """Delete a draft. If it has become a sale meanwhile, that is undone: what it took goes back."""
    try:
        sale.routes.delete(f"sell/{sale_id}", TIDY, sale.not_after)
    except OutcomeUnknown as lost:
        raise _nothing_recorded(lost) from lost


def _nothing_recorded(lost: OutcomeUnknown) -> Unavailable:
    return Unavailable(f"{lost} No sale was recorded, at most a draft.", request_id=lost.request_id)


def _finish(sale: _Sale, draft: Reader) -> RecordedSale:
    """The lines keep their ids: those that a request does not name are deleted, and made anew."""
    recorded = recorded_sale(draft)
    body = to_json({**sale.form, "status": "final", "products": _with_line_ids(sale.form, recorded)})
    try:
        answer = sale.routes.put(f"sell/{recorded.sale_id}", FINISH, body, sale.not_after)
    except Refused as refused:
        if refused.kind is RefusalKind.CONFIGURATION:
            raise
        raise refusal(str(refused), allows_overselling=sale.allows_overselling) from refused
    try:
        told = Reader.of(answer.json(), "the answer to a sale")
        told = told.maybe_nested("data") or told
        is_done = told.id("id") == recorded.sale_id and told.text("status") == "final"
    except MalformedPayload as error:
        raise OutcomeUnknown(f"Prokip's answer to a sale cannot be read: {error}") from error
    if not is_done:
        raise OutcomeUnknown("Prokip answered, but not that the sale is finished.")
    return recorded


def _with_line_ids(form: Form, draft: RecordedSale) -> list[Form]:
    left = [(line.external_id, line.external_line_id) for line in draft.lines]
    named: list[Form] = []
    products = form["products"]
    for product in products if isinstance(products, list) else ():
        found = next((pair for pair in left if pair[0] == str(product["variation_id"])), None)
        if found is not None:
            left.remove(found)
        named.append({**product, "sell_line_id": number(found[1])} if found else product)
    return named
