"""What of a catalogue may enter, and what a person is told of the rest. The rule is `syncd/domain/border.py`."""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlmodel import Session, select

from connectors.sdk.values import CatalogueItem
from schema.tables import Connection, Issue, IssueState
from syncd.domain import border
from syncd.engine.issues import raise_issue, resolve_issue

log = structlog.get_logger(__name__)

KIND = "bad_sku"


def kept(told: Iterable[CatalogueItem]) -> list[CatalogueItem]:
    """The items as they are kept; one that has no possible id is left out."""
    fit = []
    for item in told:
        try:
            fit.append(border.item(item))
        except border.Unfit as error:
            log.warning("item_left_out", reason=str(error))
    return fit


def tell_no_skus(session: Session, connection: Connection, told: Iterable[CatalogueItem], now: datetime) -> None:
    """One issue for each product whose SKU cannot be one, closed when it has another one. `told` is as it came."""
    waiting = set(
        session.exec(
            select(Issue.key).where(
                Issue.merchant_id == connection.merchant_id,
                Issue.kind == KIND,
                Issue.connection_id == connection.id,
                Issue.state == IssueState.OPEN,
            )
        )
    )
    for item in told:
        key = border.text(f"{KIND}:{connection.id}:{item.external_id}", border.LONGEST_TITLE)
        if border.is_no_sku(item.sku):
            _tell(session, connection, item, key, now)
        elif key in waiting:
            resolve_issue(session, connection.merchant_id, key, by="the store", now=now)


def _tell(session: Session, connection: Connection, item: CatalogueItem, key: str, now: datetime) -> None:
    name = border.text(item.title, border.LONGEST_TITLE) or item.external_id
    begin = border.text(item.sku or "", 40)
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind=KIND,
        key=key,
        title=f"{name} of {connection.name} has an SKU that cannot be one.",
        why=f"It is longer than {border.LONGEST_SKU} characters or holds some that nobody can type: {begin!r}. "
        "The product counts as one without SKU: its stock is not kept.",
        what_to_do=f"Give it another SKU in {connection.name}.",
        connection_id=connection.id,
        details={"listing": border.text(item.external_id, border.LONGEST_ID)},
        now=now,
    )
