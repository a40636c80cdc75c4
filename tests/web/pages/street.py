"""A street of shops with a morning behind them, for pages that must look right: the market of the engine's tests with
names people know, a store in shadow, one without access, a held number, an oversell, an unknown SKU.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from sqlmodel import select

from connectors.sdk.fake import FakeShop
from connectors.sdk.fake.post import TOPICS
from schema.tables import Connection, ConnectionState, Listing, Location, Merchant, PoolLocation, RuleKind
from syncd.engine import catalogue, rule_setting
from syncd.engine.inbox import Inbox
from syncd.engine.people import users
from syncd.engine.people.sign_in import Place, begin_session
from syncd.engine.plugins import load_plugins
from syncd.web.edge import Edge, create_app
from syncd.web.frame.visit import SESSION
from syncd.web.metrics import Metrics
from tests.market.market import Market, _connect, make_market

GOODS = {
    "MUG-CER-KIL": ("Ceramic mug, Kilimanjaro", 18, "1200"),
    "MUG-CER-MAR": ("Ceramic mug, Maasai Mara", 7, "1200"),
    "MUG-ENA-BLU": ("Enamel mug, blue 350 ml", 53, "850"),
    "MUG-ENA-WHT": ("Enamel mug, white 350 ml", 31, "850"),
    "TIN-BIS-RND": ("Biscuit tin, round", 2, "700"),
    "TIN-COF-500": ("Coffee tin, 500 g", 20, "1150"),
    "TIN-TEA-250": ("Tea tin, 250 g", 35, "640"),
    "TSH-KIT-L": ("Kitenge pocket shirt, L", 22, "1850"),
    "TSH-KIT-M": ("Kitenge pocket shirt, M", 14, "1850"),
    "TSH-LGO-XL": ("Logo shirt, XL", 2, "1450"),
}
NAMES = {"a": "Mwangaza Online", "b": "Gifts & Tins", "c": "Wholesale desk", "office": "Prokip"}
ROLES = ("owner", "operator", "viewer")


@dataclass
class Street:
    """The market, and who may look at its pages."""

    market: Market
    users: dict[str, int]

    def token(self, role: str) -> str:
        """A cookie of a user with this role."""
        return begin_session(self.market.engine, self.users[role], place=Place()).token

    def cookies(self, role: str) -> dict[str, str]:
        return {SESSION: self.token(role)}

    def app(self, inbox: Inbox) -> object:
        return create_app(Edge(engine=self.market.engine, inbox=inbox, metrics=Metrics()))

    def sell(self, shop: str, lines: dict[str, int], *, seconds: float = 1.4, is_paid: bool = True) -> str:
        """A sale, heard of and pushed to the others a moment later."""
        order_id = self.market.shops[shop].sell(lines, is_paid=is_paid)
        self.market.pass_time(seconds / 2)
        self.market.deliver()
        self.market.take_in()
        self.market.pass_time(seconds / 2)
        for name in ("a", "b"):
            self.market.push(name)
        return order_id


def make_street(url: str, home: Path) -> Street:
    """Connected, in shadow, nothing sold."""
    market = make_market(url, home)
    add_shop(market, "c")
    for sku, (title, quantity, price) in GOODS.items():
        market.sku(sku, quantity)
        for shop in market.shops.values():
            item = shop.item(sku)
            shop.items[item.external_id] = replace(item, title=title, price=Decimal(price))
        market.office.items[market.office.item(sku).external_id] = replace(market.office.item(sku), title=title)
    with market.engine.database.transaction() as session:
        merchant = session.get_one(Merchant, market.merchant_id)
        merchant.name, merchant.time_zone, merchant.currency = "Mwangaza Home", "Africa/Nairobi", "KES"
        session.get_one(Location, market.location_id).name = "Westlands"
        for key, name in NAMES.items():
            session.get_one(Connection, market.ids[key]).name = name
        for listing in session.exec(select(Listing)):
            listing.title, price = GOODS[listing.sku][0], GOODS[listing.sku][2]
            listing.price = Decimal(price)
    market.engine = replace(market.engine, plugins={**load_plugins().found, **market.engine.plugins})
    people = {}
    for role, name in zip(ROLES, ("Achieng Were", "Brian Otieno", "Carol Mumbi"), strict=True):
        added = users.add_user(
            market.engine,
            market.merchant_id,
            email=f"{role}@mwangaza.example",
            name=name,
            role=role,
            password="three odd words here",
            actor="test",
        )
        people[role] = added.id
    return Street(market=market, users=people)


def add_shop(market: Market, name: str) -> FakeShop:
    """One more store, in shadow."""
    shop = market.engine.plugins["fake"].add(FakeShop(clock=market.clock, account_id=f"{name}.example", compares=True))
    market.shops[name] = shop
    with market.engine.database.transaction() as session:
        shop.post.subscriptions = dict.fromkeys(TOPICS, f"https://syncd.example/{name}")
        _connect(market, session, name, "fake", {"shop": shop.account_id}, ConnectionState.SHADOW, "paid")
        session.add(PoolLocation(connection_id=market.ids[name], location_id=market.location_id))
    return shop


def live_a_morning(street: Street) -> None:
    """Two stores live, sales, an unpaid order, a return, a number changed by hand, an oversell, an unknown SKU."""
    market = street.market
    engine, merchant = market.engine, market.merchant_id
    rule_setting.set_rule(engine, merchant, RuleKind.SAFETY_STOCK, 2, sku="MUG-ENA-BLU", actor="test")
    rule_setting.set_rule(engine, merchant, RuleKind.LOW_STOCK, 5, actor="test")
    rule_setting.set_rule(engine, merchant, RuleKind.BUFFER, 1, connection_id=market.ids["a"], actor="test")
    market.go_live("a", "b")
    market.pass_time(3600)
    paid = street.sell("a", {"MUG-ENA-BLU": 1})
    market.settle()
    market.pass_time(900)
    street.sell("b", {"TIN-TEA-250": 2}, seconds=2.2)
    market.settle()
    market.pass_time(600)
    market.shops["a"].refund(paid, {"MUG-ENA-BLU": 1}, restock=True)
    market.settle()
    market.pass_time(400)
    _oversell(street)
    _unknown_sku(street)
    _watch_the_shadow(street)
    market.shops["a"].set_stock("TIN-COF-500", 60)
    market.calm(seconds=200, every=20)
    street.sell("b", {"MUG-ENA-BLU": 2}, seconds=1.7, is_paid=False)
    market.pass_time(27)
    street.sell("b", {"MUG-ENA-BLU": 1}, seconds=2.9, is_paid=False)
    market.pass_time(60)
    street.sell("c", {"TIN-TEA-250": 1})
    market.pass_time(8)
    street.sell("a", {"TSH-KIT-M": 1}, seconds=1.3)


def _oversell(street: Street) -> None:
    """The till and a store sell the last ones half a minute apart."""
    market = street.market
    market.sweep()
    market.pass_time(12)
    market.office.till_sale("TSH-LGO-XL", 2)
    market.pass_time(31)
    street.sell("a", {"TSH-LGO-XL": 1}, seconds=1.1, is_paid=False)
    market.pass_time(18)
    market.sweep()
    market.push("b")


def _watch_the_shadow(street: Street) -> None:
    """The store in shadow sells the shirt that the till had sold, and its number follows minutes later."""
    market = street.market
    shop = market.shops["c"]
    shop.set_stock("TSH-LGO-XL", 2)
    market.settle()
    market.pass_time(120)
    street.sell("c", {"TSH-LGO-XL": 1})
    shop.set_stock("MUG-ENA-BLU", 52)
    market.settle()


def _unknown_sku(street: Street) -> None:
    market = street.market
    shop = market.shops["b"]
    shop.add_item("MUG-XMAS-26", 9, price=Decimal(1100))
    item = shop.item("MUG-XMAS-26")
    shop.items[item.external_id] = replace(item, title="Christmas mug 2026")
    catalogue.refresh(market.engine, market.held(f"store:{market.ids['b']}"), market.ids["b"])
    street.sell("b", {"MUG-XMAS-26": 1})


def lose_access(street: Street, name: str) -> None:
    """A store takes its key back; it is noticed at the next call."""
    market = street.market
    market.shops[name].end_access()
    market.settle()


def hold_a_reading(street: Street) -> None:
    """The back office suddenly says that most shelves are empty: the brake holds it."""
    market = street.market
    backoffice = market.engine.settings.backoffice.model_copy(update={"brake_at_least": 4})
    settings = market.engine.settings.model_copy(update={"backoffice": backoffice})
    market.engine = replace(market.engine, settings=settings)
    market.pass_time(300)
    kept = {sku: market.office.stock(sku) for sku in GOODS}
    for sku in list(GOODS)[:6]:
        market.office.set_stock(sku, 0)
    market.sweep()
    for sku, quantity in kept.items():
        market.office.set_stock(sku, quantity)
