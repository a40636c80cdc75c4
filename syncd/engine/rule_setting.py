"""Setting rules: safety stock, buffer, cap and low stock, for all, for a store, for an SKU, or for an SKU in a store.

How they are looked up is `rules.py`.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from schema.tables import Connection, ConnectionRole, Rule, RuleKind
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.desired import refresh, refresh_all
from syncd.engine.match import known_skus
from syncd.engine.rules import DEED
from syncd.engine.wake import wake
from syncd.errors import NotPossible

MOST = 1_000_000
OF_STORES = (RuleKind.BUFFER, RuleKind.CAP)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """One rule; None for `connection` or `sku` means every one."""

    kind: str
    connection: str | None
    sku: str | None
    value: int


def list_rules(session: Session, merchant_id: int) -> list[RuleView]:
    """Every rule, the widest first."""
    rows = session.exec(
        select(Rule, Connection)
        .outerjoin(Connection, col(Connection.id) == col(Rule.connection_id))
        .where(Rule.merchant_id == merchant_id)
    ).all()
    views = [
        RuleView(
            kind=rule.kind.value, connection=store.name if rule.connection_id else None, sku=rule.sku, value=rule.value
        )
        for rule, store in rows
    ]
    return sorted(views, key=lambda view: (view.kind, view.connection or "", view.sku or ""))


def set_rule(
    engine: Engine,
    merchant_id: int,
    kind: RuleKind,
    value: int | None,
    *,
    connection_id: int | None = None,
    sku: str | None = None,
    actor: str,
) -> None:
    """Set a rule, or take it away with None; the numbers of the stores follow. Raises NotPossible."""
    _check(kind, value, connection_id)
    now = engine.clock.now()
    with engine.database.transaction() as session:
        if sku is not None and sku not in known_skus(session, merchant_id, [sku]):
            raise NotPossible(f"The back office knows no SKU {sku!r}.")
        store = _store(session, merchant_id, connection_id)
        row = session.exec(
            select(Rule).where(
                Rule.merchant_id == merchant_id,
                Rule.kind == kind,
                col(Rule.connection_id).is_not_distinct_from(connection_id),
                col(Rule.sku).is_not_distinct_from(sku),
            )
        ).first()
        if value is None and row is not None:
            session.delete(row)
        elif value is not None and row is not None:
            row.value = value
        elif value is not None:
            session.add(Rule(merchant_id=merchant_id, kind=kind, connection_id=connection_id, sku=sku, value=value))
        session.flush()
        details = {"kind": kind.value, "value": value, "sku": sku}
        audit(session, merchant_id, actor, DEED, store.name if store else "", details, now)
        if sku is None:
            refresh_all(session, merchant_id)
        else:
            refresh(session, merchant_id, [sku])
        wake(session)


def _check(kind: RuleKind, value: int | None, connection_id: int | None) -> None:
    if value is not None and not 0 <= value <= MOST:
        raise NotPossible(f"{value} is no number of units: it lies between 0 and {MOST}.")
    if connection_id is not None and kind not in OF_STORES:
        raise NotPossible(
            "Safety stock and low stock are the shelf's, not a store's; hold back in one store by a buffer."
        )


def _store(session: Session, merchant_id: int, connection_id: int | None) -> Connection | None:
    if connection_id is None:
        return None
    row = session.get(Connection, connection_id)
    if row is None or row.merchant_id != merchant_id or row.role is not ConnectionRole.STORE:
        raise NotPossible("Rules of one connection are for stores.")
    return row
