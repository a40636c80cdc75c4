"""Troubles that a person or a test can switch on; the same words on every simulated platform."""

from dataclasses import dataclass, fields

from syncd.sandbox.shopify.shop import Body, NotAllowed


@dataclass(slots=True, kw_only=True)
class Faults:
    """All rates are shares between 0 and 1. `throttle` says whether the platform's limits are enforced."""

    latency_seconds: float = 0.0
    error_rate: float = 0.0
    lost_answer_rate: float = 0.0
    webhook_drop_rate: float = 0.0
    webhook_duplicate_rate: float = 0.0
    webhook_delay_seconds: float = 0.0
    webhook_reorder: bool = False
    throttle: bool = True
    down: bool = False

    def as_body(self) -> Body:
        """All settings by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def update(self, wanted: Body) -> None:
        """Change the named settings; an unknown name or a wrong kind of value is refused and nothing changes."""
        known = self.as_body()
        for name, value in wanted.items():
            if name not in known:
                raise NotAllowed(400, f"unknown fault {name!r}, known are {', '.join(known)}")
            is_switch = isinstance(known[name], bool)
            if is_switch != isinstance(value, bool) or not isinstance(value, bool | int | float):
                raise NotAllowed(400, f"{name} takes {'true or false' if is_switch else 'a number'}")
        for name, value in wanted.items():
            setattr(self, name, value)
