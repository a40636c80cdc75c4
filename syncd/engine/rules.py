"""Safety stock, buffer, cap and low stock: the narrowest rule counts, SKU before store before all."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from schema.tables import Rule, RuleKind


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
    rows = session.exec(
        select(Rule).where(Rule.merchant_id == merchant_id, or_(col(Rule.sku).is_(None), col(Rule.sku).in_(list(skus))))
    )
    return Rules({(row.kind, row.connection_id, row.sku): row.value for row in rows})
