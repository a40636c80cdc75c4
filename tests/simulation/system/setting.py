"""What a history is about: drawn from its seed before anything happens."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

SKUS = ("MUG", "mug", "TIN", "SET", "CUP", "PLATE", "LATER")
POOLS = (("L1",), ("L1",), ("L2",), ("L1", "L2"), ("L2", "L1"))
SKEWS = (0, 0, 0, 0, -90, 7200, -86400, 3.5)


@dataclass(frozen=True)
class ShopSetting:
    """One store: whether it compares and declares what it took, its pool, its clock, how its policy and lists are."""

    compares: bool
    pool: tuple[str, ...]
    skew: timedelta
    record: str
    order_lag: timedelta
    has_hints: bool
    goes_live: bool


@dataclass(frozen=True)
class Setting:
    """Everything that stays as it is for one history."""

    skus: tuple[str, ...]
    shops: dict[str, ShopSetting]
    on_hand: int
    processes: int
    has_nightly: bool
    has_edits: bool
    loss: float
    doubling: float
    delay: float
    meddling: float
    crashes: float
    rules: dict[str, int] = field(default_factory=dict)
    events: int = 20
    has_own_ledger: bool = False


def draw(seed: int, *, has_own_ledger: bool = False) -> Setting:
    """The setting of a seed; with syncd's own ledger it is the same but for the back office."""
    chance = random.Random(f"setting:{seed}")
    skus = tuple(sorted({chance.choice(SKUS) for _ in range(chance.choice([1, 1, 2, 3]))} | {"MUG"}))
    has_nightly = chance.random() < 0.6
    shops = {name: _shop(chance, name, has_nightly) for name in "abc"[: chance.choice([1, 2, 2, 2, 3])]}
    rules = {
        kind: chance.choice(values)
        for kind, values in (("safety_stock", (1, 3)), ("buffer", (1, 2)), ("cap", (4, 8)))
        if chance.random() < 0.15
    }
    hints = all(shop.has_hints for shop in shops.values())
    return Setting(
        skus=skus,
        shops=shops,
        on_hand=chance.choice([3, 8, 12, 30]),
        processes=chance.choice([1, 1, 2, 3]),
        has_nightly=has_nightly,
        has_edits=(has_nightly or hints) and chance.random() < 0.5,
        loss=chance.choice([0, 0.1, 0.4]),
        doubling=chance.choice([0, 0.15]),
        delay=chance.choice([0, 2, 20, 600, 14_400]),
        meddling=chance.choice([0, 0.01, 0.05, 0.15]),
        crashes=chance.choice([0, 0, 0.003, 0.01, 0.03]),
        rules=rules,
        events=chance.randrange(6, 26),
        has_own_ledger=has_own_ledger,
    )


def _shop(chance: random.Random, name: str, has_nightly: bool) -> ShopSetting:
    return ShopSetting(
        compares={"a": True, "b": False}.get(name, chance.random() < 0.5),
        pool=chance.choice(POOLS),
        skew=timedelta(seconds=chance.choice(SKEWS)),
        record=chance.choice(["paid", "paid", "placed"]),
        order_lag=timedelta(seconds=chance.choice([0, 0, 0, 5, 40])),
        has_hints=chance.random() < 0.7,
        goes_live=chance.random() < 0.93,
    )


def describe(setting: Setting) -> str:
    """In words, for the head of a story."""
    shops = "; ".join(
        f"{name} {'compares' if shop.compares else 'cannot compare'}, sells from {'+'.join(shop.pool)}, records when "
        f"{shop.record}, clock {shop.skew.total_seconds():+g} s, lists {shop.order_lag.total_seconds():g} s behind"
        + ("" if shop.has_hints else ", tells no stock")
        for name, shop in setting.shops.items()
    )
    rules = ", ".join(f"{kind} {value}" for kind, value in setting.rules.items()) or "no rules"
    return (
        f"{'own ledger; ' if setting.has_own_ledger else ''}{setting.on_hand} each of {', '.join(setting.skus)}; "
        f"{shops}; {rules}; {setting.processes} process(es); "
        f"nightly comparison {'on' if setting.has_nightly else 'off'}; webhooks lost {setting.loss:.0%}, "
        f"up to {setting.delay:g} s late"
    )
