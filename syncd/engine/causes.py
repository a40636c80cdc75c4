"""What moved an SKU last, in words that a merchant knows: an order by its name in the store, a reading by its time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from schema.tables import Connection, Listing, Match, Merchant, Movement, MovementKind
from syncd.engine.authority import LEDGER, OWN_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The SKU on a figure, what moved it last in words, and when that was sold if it was a sale."""

    sku: str = ""
    cause: str = ""
    sold_at: datetime | None = None


def labels(session: Session, connection: Connection, item_ids: Sequence[int]) -> dict[int, Label]:
    """For each figure the SKU on it and what moved that SKU last."""
    by_item = {
        listing.stock_item_id: listing.sku
        for listing in session.exec(
            select(Listing).where(col(Listing.stock_item_id).in_(item_ids), Listing.match == Match.LINKED)
        )
        if listing.sku
    }
    newest = (
        select(func.max(Movement.id))
        .where(Movement.merchant_id == connection.merchant_id, col(Movement.sku).in_(set(by_item.values())))
        .group_by(col(Movement.sku))
    )
    last = {row.sku: row for row in session.exec(select(Movement).where(col(Movement.id).in_(newest)))}
    words = Words.load(session, connection.merchant_id, last.values())
    return {item_id: _label(sku, last.get(sku), words) for item_id, sku in by_item.items()}


def _label(sku: str, last: Movement | None, words: "Words") -> Label:
    if last is None:
        return Label(sku=sku, cause="its first number")
    is_sale = last.kind is MovementKind.ORDER and last.open_delta > 0
    return Label(sku=sku, cause=words.of(last), sold_at=last.occurred_at if is_sale else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Names of connections by their codes, and the merchant's time zone."""

    names: dict[str, str]
    zone: ZoneInfo

    @staticmethod
    def load(session: Session, merchant_id: int, movements: Iterable[Movement]) -> "Words":
        """What is needed to speak of these movements."""
        codes = {row.source for row in movements}
        rows = session.exec(
            select(Connection.code, Connection.name).where(
                Connection.merchant_id == merchant_id, col(Connection.code).in_(codes)
            )
        ).all()
        zone = ZoneInfo(session.get_one(Merchant, merchant_id).time_zone)
        return Words(names={LEDGER: OWN_NAME, **dict(rows)}, zone=zone)

    def of(self, row: Movement) -> str:
        """One movement, as what happened."""
        source = self.names.get(row.source, row.source)
        order = f"order {row.note or row.event}"
        match row.kind:
            case MovementKind.READING:
                return f"the reading of {source} of {self._time(row.occurred_at)}"
            case MovementKind.ORDER:
                return f"{order} of {source}: {_units(row.open_delta)}"
            case MovementKind.RECORDED:
                return f"{order}, recorded in {source}"
            case MovementKind.RETURNED:
                return f"{order}, returned in {source}"
            case MovementKind.BASELINE:
                return f"{order} of {source}, which is from before it went live"
            case MovementKind.RELEASED:
                return f"{order}, whose units were let go"
            case MovementKind.ADJUSTMENT:
                by = f" by {row.actor}" if row.actor else ""
                return f"a count{by} of {self._time(row.occurred_at)}" + (f": {row.note}" if row.note else "")

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%d %b %H:%M:%S}"


def _units(delta: int) -> str:
    return f"{delta} sold" if delta >= 0 else f"{-delta} given back"
