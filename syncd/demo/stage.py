"""The stage: three simulated platforms with the same goods on their shelves, and hands to act at them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from syncd.demo.hand import Hand
from syncd.sandbox.prokip import SimulatedProkip
from syncd.sandbox.serve import served
from syncd.sandbox.shopify import SimulatedShopify
from syncd.sandbox.wire import Platform
from syncd.sandbox.woocommerce import SimulatedWooCommerce

CURRENCY = "KES"
SHOP = "demo.myshopify.com"
STORES = ("shopify", "woocommerce")


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """One SKU and how many of it lie on the shelf at first."""

    sku: str
    title: str
    price: str
    quantity: int


GOODS = (
    Good(sku="TEE-BLACK-M", title="T-shirt, black, M", price="950.00", quantity=60),
    Good(sku="TEE-WHITE-L", title="T-shirt, white, L", price="950.00", quantity=40),
    Good(sku="MUG-KIJANI", title="Mug, green", price="450.00", quantity=80),
    Good(sku="KIKOI-BLUE", title="Kikoi, blue", price="1800.00", quantity=30),
    Good(sku="BASKET-M", title="Sisal basket", price="2400.00", quantity=25),
    Good(sku="COFFEE-500", title="Coffee, 500 g", price="1200.00", quantity=90),
    Good(sku="LAMP-SOLAR", title="Solar lamp", price="3100.00", quantity=20),
    Good(sku="PRINT-A2", title="Art print, signed, A2", price="7500.00", quantity=8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running platforms; `hands` by name: shopify, woocommerce, prokip."""

    shopify: SimulatedShopify
    woocommerce: SimulatedWooCommerce
    prokip: SimulatedProkip
    hands: Mapping[str, Hand]

    @property
    def stores(self) -> dict[str, Hand]:
        """The hands at the two stores."""
        return {name: self.hands[name] for name in STORES}

    @property
    def till(self) -> Hand:
        """The hand at the back office."""
        return self.hands["prokip"]

    def calm(self) -> None:
        """Switch every fault off."""
        for store in self.stores.values():
            store.trouble(
                latency_seconds=0,
                error_rate=0,
                lost_answer_rate=0,
                webhook_drop_rate=0,
                webhook_duplicate_rate=0,
                webhook_delay_seconds=0,
                webhook_reorder=False,
                down=False,
            )
        self.till.trouble(
            latency_seconds=0,
            error_rate=0,
            lost_answer_rate=0,
            commit_then_500_rate=0,
            commit_then_hang_rate=0,
            late_commit_rate=0,
            down=False,
        )


@contextmanager
def set_up(
    *,
    clock: Callable[[], datetime],
    random: Random,
    prokip_limit: int | None = None,
    webhook_retries: Sequence[timedelta] = tuple(timedelta(seconds=seconds) for seconds in (2, 4, 8, 15, 30, 60)),
) -> Iterator[Stage]:
    """Serve the three platforms on ports the system picks, until the block ends.

    `prokip_limit` is requests a minute, None for no limit. Shopify repeats a failed webhook after `webhook_retries`
    (the real one waits minutes).
    """
    shopify = SimulatedShopify(
        shop=SHOP, clock=clock, random=random, currency=CURRENCY, retry_delays=tuple(webhook_retries)
    )
    woocommerce = SimulatedWooCommerce(clock=clock, random=random)
    woocommerce.shop.rules.currency = CURRENCY
    prokip = SimulatedProkip(clock=clock, random=random, throttle=prokip_limit)
    with ExitStack() as running:
        platforms: dict[str, Platform] = {"shopify": shopify, "woocommerce": woocommerce, "prokip": prokip}
        addresses = {name: running.enter_context(served(platform)) for name, platform in platforms.items()}
        woocommerce.url = addresses["woocommerce"]
        hands = {name: running.enter_context(closing(Hand(name, url))) for name, url in addresses.items()}
        yield Stage(shopify=shopify, woocommerce=woocommerce, prokip=prokip, hands=hands)


def stock_up(stage: Stage, goods: Sequence[Good] = GOODS, *, store_differs_by: int = 0) -> None:
    """Put the goods on every shelf; `store_differs_by` makes the stores' first numbers wrong by so many units."""
    for good in goods:
        stage.till.add_product(good.sku, good.title, good.price, good.quantity)
        for wrong, store in zip((store_differs_by, -store_differs_by), stage.stores.values(), strict=True):
            store.add_product(good.sku, good.title, good.price, max(0, good.quantity + wrong))
