"""The simulated platforms of `syncd sandbox`, on real sockets, with a few goods in them."""

import json
import random
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from syncd.sandbox.prokip import SimulatedProkip
from syncd.sandbox.serve import served_together
from syncd.sandbox.shopify import SimulatedShopify
from syncd.sandbox.wire import Platform, Request
from syncd.sandbox.woocommerce import SimulatedWooCommerce

GOODS = {"MUG-01": ("Mug", 20), "CANDLE-02": ("Candle", 35), "TIN-03": ("Tin", 50)}
CURRENCY = "KES"
"""What the simulated Prokip counts in."""

Described = dict[str, dict[str, str]]


@contextmanager
def served(ports: Mapping[str, int], *, with_goods: bool) -> Iterator[Described]:
    """Serve these platforms until the block ends; yields of each its address, how to connect it by command and on the
    pages, and how to sell there.

    Port 0 lets the operating system choose.
    """
    platforms = {name: _make(name) for name in ports}
    if with_goods:
        for platform in platforms.values():
            _stock(platform)
    with served_together(platforms, ports) as addresses:
        yield {name: _describe(platform, addresses[name]) for name, platform in platforms.items()}


def _now() -> datetime:
    return datetime.now(UTC)


def _make(name: str) -> Platform:
    chance = random.Random(secrets.randbits(64))
    match name:
        case "shopify":
            return SimulatedShopify(clock=_now, random=chance, currency=CURRENCY)
        case "woocommerce":
            woocommerce = SimulatedWooCommerce(clock=_now, random=chance)
            woocommerce.shop.rules.currency = CURRENCY
            return woocommerce
        case "prokip":
            return SimulatedProkip(clock=_now, random=chance)
        case _:
            raise ValueError(f"{name} is not simulated")


def _stock(platform: Platform) -> None:
    """A few goods, the same everywhere, by the control that people use over HTTP."""
    for sku, (title, quantity) in GOODS.items():
        body = json.dumps({"sku": sku, "title": title, "price": "9.90", "quantity": quantity}).encode()
        answer = platform.handle(
            Request(
                method="POST",
                scheme="http",
                host="127.0.0.1",
                path="/_sandbox/products",
                headers={"content-type": "application/json"},
                body=body,
            )
        )
        if answer.status >= 400:
            raise RuntimeError(f"the sandbox did not take {sku}: {answer.body.decode()}")


def _describe(platform: Platform, address: str) -> dict[str, str]:
    """Where it is, how to connect it by command and on the pages, and how to sell there."""
    order = '{"lines": [{"sku": "MUG-01", "quantity": 1}]}'
    sell = f"curl -X POST {address}/_sandbox/orders -d '{order}'"
    match platform:
        case SimulatedShopify():
            shop = platform.shop.domain
            connect = (
                f"syncd connect shopify --shop {shop} --api-url {address} "
                f"--token {platform.access_token} --webhook-secret {platform.client_secret}"
            )
            pages = f"shop {shop}, with a daemon that knows the app: " + _environment(platform, address)
        case SimulatedWooCommerce():
            platform.url = address
            connect = (
                f"syncd connect woocommerce --url {address} --key {platform.key.key} --secret {platform.key.secret}"
            )
            pages = f"address {address}"
        case SimulatedProkip():
            known = platform.credentials
            place = next(iter(platform.business.locations))
            connect = f"syncd backoffice set prokip --url {address} --token {known.access_token} --location {place}"
            pages = (
                f"address {address}, user {known.username}, password {known.password}, "
                f"client id {known.client_id}, client secret {known.client_secret}"
            )
            sell = f"curl -X POST {address}/_sandbox/till -d '{order}'"
        case _:
            raise TypeError(f"{type(platform).__name__} is no simulated platform of ours")
    return {
        "address": address,
        "connect": connect,
        "pages": pages,
        "sell": sell,
        "stock": f"curl {address}/_sandbox/stock",
    }


def _environment(shopify: SimulatedShopify, address: str) -> str:
    """What the daemon is started with, so that the simulated Shopify asks its merchant for consent."""
    told = {"CLIENT_ID": shopify.client_id, "CLIENT_SECRET": shopify.client_secret, "BASE_URL": address}
    return " ".join(f"SYNCD_SHOPIFY__{name}={value}" for name, value in told.items())
