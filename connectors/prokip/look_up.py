"""Whether Prokip's list of sales can be trusted with finding one again, found out before any is written.

Filters that a server does not know it ignores in silence, so each is tried with a value that nothing can match. And one
that it knows might lose what it should find, so a sale that is there already is looked for by what it says of itself.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.prokip.routes import Routes
from connectors.sdk.errors import OutcomeUnknown, RefusalKind, Refused, Unavailable
from connectors.sdk.reader import Reader

BY_BOTH, BY_CONTACT, NOT_AT_ALL = "source and contact", "contact", "no"
_READ = "look up sales, for which the user needs the right to see them"
_FINISH = "try whether a sale can be changed"
_NEVER_MATCHING = {"contact_id": "999999999", "start_date": "2100-01-01"}
_SAMPLES = "50"
_SPECIAL = "woocommerce"  # asked for this source, the server lists the sales of a module of its own
_BY_HAND = "a sale whose answer is lost is not sent again but waits for a person."


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """By what a sale is looked up, and what a person should know of that."""

    by: str
    warnings: tuple[str, ...] = ()


def try_look_up(routes: Routes) -> LookUp:
    """Ask for what cannot be there, and for what is."""
    ignored = _ignored(routes)
    newest = routes.rows("sell", _READ, {"per_page": _SAMPLES, "order_by_date": "desc"})
    if newest and not _finds(routes, newest[0], _days_and_contact(newest[0])):
        return LookUp(by=NOT_AT_ALL, warnings=(f"Prokip's list of sales loses some when it is narrowed: {_BY_HAND}",))
    if len(ignored) == len(_NEVER_MATCHING) + 1:
        return LookUp(by=NOT_AT_ALL, warnings=(f"Prokip ignores every filter of its list of sales: {_BY_HAND}",))
    warnings = []
    if ignored:
        names = " and ".join(ignored)
        warnings.append(f"Prokip ignores the filter {names} of sales: looking one up reads more pages.")
    if not _finds_by_source(routes, newest):
        warnings.append("Prokip does not find sales by their source: they are looked up by contact alone.")
        return LookUp(by=BY_CONTACT, warnings=tuple(warnings))
    return LookUp(by=BY_BOTH, warnings=tuple(warnings))


def check_drafts(routes: Routes, not_after: datetime) -> None:
    """Refused where a sale cannot be changed: then no draft could become one. There is no sale 0."""
    try:
        routes.put("sell/0", _FINISH, b"{}", not_after)
    except OutcomeUnknown as error:
        raise Unavailable(str(error), operation=_FINISH) from error
    except Refused as refused:
        if refused.kind is RefusalKind.CONFIGURATION and "No query results" not in str(refused):
            raise Refused(
                "This Prokip cannot change a sale, so a draft could not become one. Set it up without --strict.",
                kind=RefusalKind.CONFIGURATION,
                operation=_FINISH,
            ) from refused


def _ignored(routes: Routes) -> list[str]:
    tried = {"source": f"syncd-never-{secrets.token_hex(8)}", **_NEVER_MATCHING}
    return [name for name, value in tried.items() if routes.rows("sell", _READ, {name: value, "per_page": "1"})]


def _days_and_contact(row: Reader) -> dict[str, str]:
    day = str(row.fields.get("transaction_date") or "")[:10]
    contact = row.fields.get("contact_id")
    return {"start_date": day, "end_date": day, **({"contact_id": str(contact)} if contact else {})}


def _finds_by_source(routes: Routes, rows: Sequence[Reader]) -> bool:
    """Whether it does, or nothing there says the contrary."""
    sources = [(row, row.fields.get("source")) for row in rows]
    for row, source in sources:
        if isinstance(source, str) and source not in {"", _SPECIAL}:
            return _finds(routes, row, {**_days_and_contact(row), "source": source})
    return True


def _finds(routes: Routes, wanted: Reader, params: Mapping[str, str]) -> bool:
    pages = routes.pages("sell", _READ, {**params, "order_by_date": "asc"}, 100)
    return any(row.fields.get("id") == wanted.fields.get("id") for _, rows, _ in pages for row in rows)
