"""What people do in the shop: customers buy, staff edit, pay, cancel and refund. SKUs in, ids out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from syncd.sandbox.woocommerce import orders
from syncd.sandbox.woocommerce.goods import Product, shown_sku
from syncd.sandbox.woocommerce.orders import NotEnough
from syncd.sandbox.woocommerce.sales import REDUCED, Line, Order
from syncd.sandbox.woocommerce.shop import Shop

Given = ParamSpec("Given")
Done = TypeVar("Done")


class Unknown(LookupError):
    """No such SKU, order or line."""


def _alone(action: Callable[Concatenate["People", Given], Done]) -> Callable[Concatenate["People", Given], Done]:
    """Let nobody else at the shop while somebody acts, so that an order takes all of its stock or waits."""

    @wraps(action)
    def act(self: "People", /, *args: Given.args, **kwargs: Given.kwargs) -> Done:
        with self.shop.lock:
            return action(self, *args, **kwargs)

    return act


@dataclass(slots=True, kw_only=True)
class People:
    """Customers and staff of one shop."""

    shop: Shop

    @_alone
    def add_product(
        self,
        sku: str,
        quantity: int = 0,
        *,
        title: str = "",
        price: Decimal = Decimal("10.00"),
        tracked: bool = True,
        backorders: str = "no",
        parent: Product | None = None,
        variable: bool = False,
    ) -> Product:
        """Put a product on the shelf: simple, `variable` (a parent), or a variation of `parent`.

        A parent with `tracked` counts for its untracked variations. A double SKU is accepted, as imports do.
        """
        now = self.shop.now()
        kind = "variation" if parent else "variable" if variable else "simple"
        product = Product(
            id=self.shop.next_post_id(),
            name=title or sku or "Product",
            sku=sku,
            price=price,
            created=now,
            modified=now,
            type=kind,
            parent=parent,
            option=("Option", title or sku) if parent else None,
            manages_stock=tracked,
            stock=quantity if tracked else 0,
            backorders=backorders,
        )
        return self.shop.add(product)

    @_alone
    def remove_product(self, sku: str) -> None:
        """Delete a product for good, with its variations; nobody is told."""
        self.shop.remove(self.product(sku))

    @_alone
    def stock(self) -> dict[str, int]:
        """The quantity that each counted SKU shows; a parent that counts for its variations shows the same as they."""
        found: dict[str, int] = {}
        for product in self.shop.products.values():
            kept_by = self.shop.keeper(product)
            if product.sku and kept_by is not None and product.status != "trash":
                found[product.sku] = kept_by.stock
        return found

    @_alone
    def set_stock(self, sku: str, quantity: int) -> None:
        """A member of staff types a number into the product page."""
        kept_by = self.shop.keeper(self.product(sku))
        if kept_by is None:
            raise Unknown(f"nobody counts {sku}")
        self.shop.set_stock(kept_by, quantity)

    @_alone
    def buy(
        self, lines: Iterable[tuple[str, int]], *, paid: bool = True, status: str | None = None, force: bool = False
    ) -> Order:
        """A customer checks out; NotEnough when the shop would not sell so many, unless forced.

        Unpaid orders are on-hold (a bank transfer), which takes stock; `status` asks for another.
        """
        wanted = [(self.product(sku), quantity) for sku, quantity in lines]
        for product, quantity in wanted:
            if not force and not orders.sellable(self.shop, product, quantity):
                raise NotEnough(f"{quantity} of {shown_sku(product)} are not to be had")
        made = [orders.new_line(self.shop, product, quantity) for product, quantity in wanted]
        return orders.place(self.shop, made, status or ("processing" if paid else "on-hold"), paid=paid and not status)

    @_alone
    def pay(self, order_id: int) -> Order:
        """The money for an order arrives."""
        order = self.order(order_id)
        orders.pay(self.shop, order)
        return order

    @_alone
    def set_status(self, order_id: int, status: str) -> Order:
        """Staff step an order to a status."""
        order = self.order(order_id)
        orders.set_status(self.shop, order, status)
        return order

    @_alone
    def cancel(self, order_id: int, *, restock: bool = True) -> Order:
        """Cancel an order. Core always gives stock back; without `restock` it is a shop whose plugin forbids that."""
        order = self.order(order_id)
        if restock:
            orders.set_status(self.shop, order, "cancelled")
        else:
            order.status = "cancelled"
            orders.saved(self.shop, order)
        return order

    @_alone
    def refund(self, order_id: int, lines: Iterable[tuple[str, int]], *, restock: bool = True) -> Order:
        """Refund units of an order at what was paid for them."""
        order = self.order(order_id)
        parts = [self._part(order, sku, quantity) for sku, quantity in lines]
        money = sum((part[2] + _share(orders.tax(self.shop, part[0]), part) for part in parts), Decimal(0))
        orders.refund(self.shop, order, parts, money.quantize(orders.CENT), "", restock=restock)
        return order

    def _part(self, order: Order, sku: str, quantity: int) -> tuple[Line, int, Decimal]:
        line = self.line(order, sku)
        return line, quantity, (line.total / line.quantity * quantity).quantize(orders.CENT)

    @_alone
    def edit(self, order_id: int, sku: str, quantity: int) -> Order:
        """Staff change how many of an SKU an order has: 0 removes the line, an SKU not in it adds one."""
        order = self.order(order_id)
        try:
            line = self.line(order, sku)
        except Unknown:
            orders.add_line(self.shop, order, orders.new_line(self.shop, self.product(sku), quantity))
        else:
            orders.change_quantity(self.shop, order, line, quantity)
        orders.saved(self.shop, order)
        return order

    @_alone
    def trash(self, order_id: int) -> None:
        """Move an order to the trash."""
        orders.trash(self.shop, self.order(order_id))

    @_alone
    def restore(self, order_id: int) -> None:
        """Take an order out of the trash."""
        orders.restore(self.shop, self.order(order_id))

    @_alone
    def delete(self, order_id: int) -> None:
        """Delete an order for good."""
        orders.delete(self.shop, self.order(order_id))

    @_alone
    def orders(self) -> list[dict[str, object]]:
        """All orders as the tests and the demo read them; `taken` is what the shop took and has not put back."""
        return [self.told(order) for order in self.shop.orders.values()]

    def told(self, order: Order) -> dict[str, object]:
        """One order in short."""
        return {
            "id": order.id,
            "name": str(order.id),
            "status": order.status,
            "paid": order.paid_at is not None,
            "lines": [
                {"sku": self._sku(line), "quantity": line.quantity, "taken": line.number(REDUCED)}
                for line in order.lines
            ],
        }

    def product(self, sku: str) -> Product:
        """The product that owns an SKU; Unknown when there is none."""
        found = self.shop.by_sku(sku)
        if found is None:
            raise Unknown(f"no product has the SKU {sku}")
        return found

    def order(self, order_id: int) -> Order:
        """An order by its id; Unknown when there is none."""
        if order_id not in self.shop.orders:
            raise Unknown(f"there is no order {order_id}")
        return self.shop.orders[order_id]

    def line(self, order: Order, sku: str) -> Line:
        """The order's line of an SKU; Unknown when there is none."""
        found = next((line for line in order.lines if self._sku(line) == sku), None)
        if found is None:
            raise Unknown(f"order {order.id} has no line of {sku}")
        return found

    def _sku(self, line: Line) -> str:
        sold = self.shop.products.get(line.sold_id)
        return shown_sku(sold) if sold else ""


def _share(amount: Decimal, part: tuple[Line, int, Decimal]) -> Decimal:
    line, quantity, _ = part
    return amount / line.quantity * quantity
