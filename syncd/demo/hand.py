"""A hand that acts at one simulated platform, through its `/_sandbox` controls over HTTP."""

from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]


class NotDone(Exception):
    """The platform said no: sold out, no such order, or it makes no sense."""


class Hand:
    """People at one platform: they buy, pay, cancel, type numbers in, and read the books. Thread-safe."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        limits = httpx.Limits(keepalive_expiry=3.0)  # less than the 5 s after which the platform closes it
        self._client = httpx.Client(base_url=address, timeout=30, trust_env=False, limits=limits)

    def close(self) -> None:
        """Drop the connections to the platform."""
        self._client.close()

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:  # noqa: ANN401 - foreign JSON
        answer = self._client.request(method, f"/_sandbox/{path}", json=body)
        if answer.is_error:
            raise NotDone(f"{self.name}: {answer.text}")
        return answer.json()

    def stock(self) -> dict[str, int]:
        """What the platform shows, by SKU."""
        return {sku: int(quantity) for sku, quantity in self._ask("GET", "stock").items()}

    def set_stock(self, sku: str, quantity: int) -> None:
        """Somebody types a number in."""
        self._ask("PUT", f"stock/{quote(sku, safe='')}", {"quantity": quantity})

    def add_product(self, sku: str, title: str, price: str, quantity: int) -> None:
        """Put a product on the shelf."""
        self._ask("POST", "products", {"sku": sku, "title": title, "price": price, "quantity": quantity})

    def buy(self, lines: dict[str, int], *, paid: bool) -> str:
        """A customer checks out in a store; the order's id. Raises NotDone when sold out."""
        return str(self._ask("POST", "orders", {"lines": _rows(lines), "paid": paid})["id"])

    def pay(self, order_id: str) -> None:
        """The money for an order arrives."""
        self._ask("POST", f"orders/{order_id}/pay")

    def cancel(self, order_id: str) -> None:
        """An order is cancelled and its units go back on sale."""
        self._ask("POST", f"orders/{order_id}/cancel", {"restock": True})

    def refund(self, order_id: str, lines: dict[str, int], *, restock: bool) -> None:
        """Units of an order are refunded; with `restock` they go back on sale."""
        self._ask("POST", f"orders/{order_id}/refund", {"lines": _rows(lines), "restock": restock})

    def orders(self) -> list[Json]:
        """The store's own orders: id, paid, and per line sku, quantity and taken."""
        return list(self._ask("GET", "orders"))

    def ring_up(self, lines: dict[str, int]) -> str:
        """The till sells; the sale's id."""
        return str(self._ask("POST", "till", {"lines": _rows(lines)})["id"])

    def take_back(self, sale_id: str, lines: dict[str, int]) -> None:
        """The till takes goods back."""
        self._ask("POST", f"till/{sale_id}/return", {"lines": _rows(lines)})

    def receive(self, sku: str, quantity: int) -> None:
        """Goods come in on a purchase."""
        self._ask("POST", "purchases", {"sku": sku, "quantity": quantity})

    def sales(self) -> list[Json]:
        """The back office's own sales: invoice_no, and per line sku, quantity and returned."""
        return list(self._ask("GET", "sales"))

    def log(self) -> Json:
        """Calls that were made to the platform."""
        return dict(self._ask("GET", "log"))

    def trouble(self, **faults: object) -> None:
        """Switch faults on or off."""
        self._ask("PUT", "faults", faults)


def _rows(lines: dict[str, int]) -> list[Json]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
