"""What the platforms' own books say: read once, when all is quiet. Nothing here asks syncd."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.demo.hand import Json
from syncd.demo.stage import Stage

_OURS = re.compile(r"(?P<store>[a-z][a-z0-9-]*)/(?P<order>[^/]+?)(-(?P<n>\d+))?")
"""A sale that syncd recorded carries an invoice number made of the connection's code and the order's id."""

Order = tuple[str, str]
"""Store and order id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOrder:
    """One order as its store keeps it; units by SKU. `taken`: taken from the store's stock and not put back."""

    store: str
    id: str
    is_paid: bool
    ordered: Mapping[str, int]
    taken: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOfficeSale:
    """One sale in the back office. `order` is None when it was rung up at the till."""

    invoice_no: str
    order: Order | None
    sold: Mapping[str, int]
    returned: Mapping[str, int]

    @property
    def kept(self) -> Counter[str]:
        """Units sold and not brought back."""
        return Counter(self.sold) - Counter(self.returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything the platforms know: stock by place and SKU, the stores' orders, the back office's sales."""

    stock: Mapping[str, Mapping[str, int]]
    orders: Sequence[StoreOrder]
    sales: Sequence[BackOfficeSale]


def read_books(stage: Stage) -> Books:
    """Ask every platform."""
    return Books(
        stock={name: hand.stock() for name, hand in stage.hands.items()},
        orders=[_order(name, row) for name, hand in stage.stores.items() for row in hand.orders()],
        sales=[_sale(row, tuple(stage.stores)) for row in stage.till.sales()],
    )


def _order(store: str, row: Json) -> StoreOrder:
    return StoreOrder(
        store=store,
        id=str(row["id"]),
        is_paid=bool(row["paid"]),
        ordered=_units(row, "quantity"),
        taken=_units(row, "taken"),
    )


def _sale(row: Json, stores: Sequence[str]) -> BackOfficeSale:
    invoice_no = str(row["invoice_no"])
    ours = _OURS.fullmatch(invoice_no)
    return BackOfficeSale(
        invoice_no=invoice_no,
        order=(ours["store"], ours["order"]) if ours and ours["store"] in stores else None,
        sold=_units(row, "quantity"),
        returned=_units(row, "returned"),
    )


def _units(row: Json, of: str) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in row["lines"]:
        units[str(line["sku"])] += int(line[of])
    return units
