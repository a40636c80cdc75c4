"""What every resolver is given: the store, the app that calls, and the errors Shopify answers with."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from graphql import GraphQLError

from syncd.sandbox.shopify.api.bulk import Bulk
from syncd.sandbox.shopify.api.keys import Keys
from syncd.sandbox.shopify.records import Order
from syncd.sandbox.shopify.shop import Shop
from syncd.sandbox.shopify.webhooks import Webhooks

ORDER_WINDOW = timedelta(days=60)
MAX_ARRAY = 250

Args = Mapping[str, object]
Resolver = Callable[["Call", object, Args], object]
Fields = dict[str, Resolver]


@dataclass(slots=True, kw_only=True)
class Call:
    """One API call: who asks (`scopes`), from where (`address`), and what is told beside the data (`warnings`)."""

    shop: Shop
    scopes: frozenset[str]
    address: str
    client_id: str
    services: "Services"
    is_bulk: bool = False
    warnings: list[dict[str, object]] = field(default_factory=list)
    latency: float = 0.0

    def may(self, scope: str) -> bool:
        """Whether the app has a scope; write_x covers read_x."""
        return scope in self.scopes or scope.replace("read_", "write_", 1) in self.scopes

    def visible_orders(self) -> list[Order]:
        """The orders that the app may see."""
        return [order for order in self.shop.orders.values() if self.sees(order)]

    def sees(self, order: Order) -> bool:
        """Whether an order is of the last 60 days, or the app may see all."""
        return self.may("read_all_orders") or order.created_at >= self.shop.now() - ORDER_WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of the store that are not stock and orders, as the API sees them."""

    webhooks: Webhooks
    bulk: Bulk
    keys: Keys
    uninstall: Callable[[], None]


def failure(code: str, message: str) -> GraphQLError:
    """A top-level error with Shopify's code."""
    return GraphQLError(message, extensions={"code": code})


def parse_gid(value: object, *kinds: str) -> tuple[str, int]:
    """Split a global id into kind and number, which is -1 for a kind not in `kinds`; what is no id is refused."""
    match = re.fullmatch(r"gid://shopify/(\w+)/(\d+)(\?.*)?", str(value))
    if match is None:
        raise failure("INVALID_VARIABLE", f"Invalid global id '{value}'")
    kind = match[1]
    if kinds and kind not in kinds:
        return kind, -1
    return kind, int(match[2])


def number_in(value: object, kind: str) -> int:
    """The number of a global id of this kind; -1, which nothing has, for another kind."""
    return parse_gid(value, kind)[1]


def check_array(values: object, name: str) -> None:
    """Refuse more than 250 elements."""
    if isinstance(values, list) and len(values) > MAX_ARRAY:
        raise failure(
            "MAX_INPUT_SIZE_EXCEEDED",
            f"The input array size of {len(values)} is greater than the maximum allowed of {MAX_ARRAY}. ({name})",
        )
