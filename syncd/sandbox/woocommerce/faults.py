"""What goes wrong on demand, and the quirks of hosts that stand between a client and WooCommerce."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Rates are shares of 1, times are seconds. A lost answer is one whose effect has happened."""

    latency_seconds: float = 0.0
    error_rate: float = 0.0
    lost_answer_rate: float = 0.0
    webhook_drop_rate: float = 0.0
    webhook_duplicate_rate: float = 0.0
    webhook_delay_seconds: float = 0.0
    webhook_reorder: bool = False
    down: bool = False


@dataclass(slots=True, kw_only=True)
class Faults:
    """The levels in force, and the dice."""

    random: Random
    levels: Levels = Levels()

    def set(self, changes: Mapping[str, object]) -> Levels:
        """Change some levels; an unknown name or a value of the wrong kind is a ValueError."""
        kinds = {item.name: type(getattr(self.levels, item.name)) for item in fields(Levels)}
        unknown = changes.keys() - kinds.keys()
        if unknown:
            raise ValueError(f"there is no fault named {', '.join(sorted(unknown))}")
        values = {name: _as(kinds[name], name, value) for name, value in changes.items()}
        self.levels = Levels(**{**asdict(self.levels), **values})
        return self.levels

    def shown(self) -> dict[str, object]:
        """The levels by name."""
        return asdict(self.levels)

    @property
    def webhook_delay(self) -> timedelta:
        """How much later than usual the queue gets to a delivery."""
        return timedelta(seconds=self.levels.webhook_delay_seconds)

    def fails(self) -> bool:
        """Whether this request meets a broken server, before anything happens."""
        return self.random.random() < self.levels.error_rate

    def loses_answer(self) -> bool:
        """Whether this answer never arrives."""
        return self.random.random() < self.levels.lost_answer_rate

    def drops_webhook(self) -> bool:
        """Whether a delivery gets lost on its way."""
        return self.random.random() < self.levels.webhook_drop_rate

    def repeats_webhook(self) -> bool:
        """Whether a delivery is made once more."""
        return self.random.random() < self.levels.webhook_duplicate_rate

    def pick(self, waiting: Sequence[Item]) -> Item:
        """Which of the waiting deliveries goes next: the oldest, or any when order is disturbed."""
        return self.random.choice(waiting) if self.levels.webhook_reorder else waiting[0]


def _as(kind: type, name: str, value: object) -> float | bool:
    if kind is bool and isinstance(value, bool):
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    raise ValueError(f"{name} takes {'true or false' if kind is bool else 'a number, 0 or more'}")


@dataclass(slots=True, kw_only=True)
class Quirks:
    """What hosts do to requests and answers, each seen in the field; all off by default."""

    plain_permalinks: bool = False
    strips_authorization: bool = False
    hides_https: bool = False
    refuses_put: bool = False
    php_noise: bool = False
    blocks_clients: bool = False
    redirects_to: str = ""
    owner_lost_rights: bool = False
    """The user behind keys and webhooks may no longer read orders: webhooks deliver a signed 401 body."""
