"""The arithmetic of the inventory cache: on hand, open, available, and the movements that they are the sum of."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """One SKU at one location: `on_hand` is None until the authority was read, `open` negative if a return is owed."""

    on_hand: int | None = None
    open: int = 0
    safety_stock: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What one ledger row adds. `on_hand` None leaves an unknown figure unknown, 0 does not."""

    on_hand: int | None = None
    open: int = 0


def available(cache: Cache) -> int | None:
    """Units that may still be sold, negative when more are promised than there are; None when nobody knows."""
    return None if cache.on_hand is None else cache.on_hand - cache.open - cache.safety_stock


def is_oversold(cache: Cache) -> bool:
    """More sold than there is. Below zero by the safety stock alone is sold out, not oversold."""
    return cache.on_hand is not None and cache.on_hand < cache.open


def apply(cache: Cache, movement: Movement) -> Cache:
    """The cache after one movement."""
    return Cache(
        on_hand=_sum(cache.on_hand, movement.on_hand),
        open=cache.open + movement.open,
        safety_stock=cache.safety_stock,
    )


def fold(movements: Iterable[Movement]) -> tuple[int | None, int]:
    """(on hand, open) as the sum of a ledger, in any order."""
    on_hand: int | None = None
    opened = 0
    for movement in movements:
        on_hand = _sum(on_hand, movement.on_hand)
        opened += movement.open
    return on_hand, opened


def order_movement(open_delta: int) -> Movement:
    """A store's order took (or gave back) units that the authority does not know of yet."""
    return Movement(open=open_delta)


def reading(cache: Cache, quantity: int) -> Movement:
    """The authority says that `quantity` lie there; the first such movement makes the figure known."""
    return Movement(on_hand=quantity - (cache.on_hand or 0))


def acknowledged_sale(cache: Cache, quantity: int) -> Movement:
    """The authority has recorded a sale: what was open has left its shelf, and available does not change."""
    return Movement(on_hand=_if_known(cache, -quantity), open=-quantity)


def acknowledged_return(cache: Cache, quantity: int, *, returned_before: int, returned_after: int) -> Movement:
    """The authority holds `quantity` units more as returned than we had last seen acknowledged.

    Only what our own write returned (`returned_before` is read just before it) goes onto the shelf here: what a
    cashier had returned by hand is in the readings already.
    """
    return Movement(on_hand=_if_known(cache, returned_after - returned_before), open=quantity)


def adjustment(delta: int) -> Movement:
    """A person corrects syncd's own ledger."""
    return Movement(on_hand=delta)


def adjustment_to(cache: Cache, quantity: int) -> Movement:
    """A person counted `quantity` on the shelf."""
    return reading(cache, quantity)


def filled_from_store(cache: Cache, shown: int) -> Movement:
    """The own ledger begins with what a closed look found in a store: available becomes `shown`."""
    return reading(cache, shown + cache.open + cache.safety_stock)


def released_open(taken: int, acknowledged: int) -> Movement:
    """A person lets go of units that will never be recorded (an unpaid order cancelled without restock)."""
    return Movement(open=acknowledged - taken)


def _if_known(cache: Cache, delta: int) -> int | None:
    return None if cache.on_hand is None else delta


def _sum(figure: int | None, delta: int | None) -> int | None:
    if delta is None:
        return figure
    return delta if figure is None else figure + delta
