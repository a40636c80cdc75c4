"""Safety stock, buffer, cap and low stock: the narrowest rule counts, SKU before store before all.

What a rule was at a time before is in the record of deeds, where `rule_setting.py` notes each.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import AuditEvent, Rule, RuleKind

DEED = "rule.set"


@dataclass(frozen=True, slots=True)
class Rules:
    """A merchant's rules for some SKUs, looked up without the database."""

    values: dict[tuple[RuleKind, int | None, str | None], int]

    def of(self, kind: RuleKind, sku: str, connection_id: int | None = None) -> int | None:
        """The value that counts, or None where nothing is set."""
        for scope in ((connection_id, sku), (None, sku), (connection_id, None), (None, None)):
            value = self.values.get((kind, *scope))
            if value is not None:
                return value
        return None

    def safety_stock(self, sku: str) -> int:
        """Units of a SKU that are never offered, at each location."""
        return self.of(RuleKind.SAFETY_STOCK, sku) or 0


def load_rules(session: Session, merchant_id: int, skus: Iterable[str]) -> Rules:
    """Every rule that can matter for these SKUs."""
    rows = session.exec(_that_matter(), params={"merchant": merchant_id, "skus": list(skus)})
    return Rules({(row.kind, row.connection_id, row.sku): row.value for row in rows})


@cache
def _that_matter() -> SelectOfScalar[Rule]:
    is_of_them = col(Rule.sku).in_(bindparam("skus", expanding=True))
    return select(Rule).where(col(Rule.merchant_id) == bindparam("merchant"), or_(col(Rule.sku).is_(None), is_of_them))


def safety_stock_at(session: Session, merchant_id: int, sku: str, at: datetime) -> Rules:
    """The safety stock of one SKU as it was set at a time; no other rules."""
    values = {scope: _last_set(session, merchant_id, scope, at) for scope in (sku, None)}
    kind = RuleKind.SAFETY_STOCK
    return Rules({(kind, None, scope): value for scope, value in values.items() if value is not None})


def _last_set(session: Session, merchant_id: int, sku: str | None, at: datetime) -> int | None:
    """What the safety stock of an SKU (None: of all) was set to last by then; None where it was not, or taken away."""
    told_sku = col(AuditEvent.details)["sku"].as_string()
    last = session.exec(
        select(AuditEvent)
        .where(
            AuditEvent.merchant_id == merchant_id,
            AuditEvent.action == DEED,
            col(AuditEvent.details)["kind"].as_string() == RuleKind.SAFETY_STOCK.value,
            told_sku.is_(None) if sku is None else told_sku == sku,
            col(AuditEvent.at) <= at,
        )
        .order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc())
        .limit(1)
    ).first()
    value = last.details["value"] if last is not None else None
    return value if isinstance(value, int) else None
