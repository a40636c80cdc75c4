"""How far the setup is: of the first store for the overview, of one store for the steps at the left of its pages."""

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from schema.tables import Connection, ConnectionState, Listing, Match
from syncd.engine.views.authority import authority_view
from syncd.engine.views.stores import connected_stores
from syncd.web.frame.wording import count_words, platform_name, store_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step: `state` is done, now or later."""

    key: str
    state: str
    path: str = ""
    sub: str = ""


STEPS = (
    ("backoffice", "Back office"),
    ("store", "Choose a store"),
    ("connect", "Connect it"),
    ("matching", "Match products"),
    ("shadow", "Shadow run"),
    ("live", "Go live"),
)


def first_steps(session: Session, merchant_id: int) -> list[Step]:
    """The four steps to the first live store; empty once one is live."""
    stores = connected_stores(session, merchant_id)
    if any(row.live_at is not None for row in stores):
        return []
    office = office_words(session, merchant_id)
    first = stores[0] if stores else None
    path = store_path(first.code) if first else ""
    linked = 0 if first is None else linked_count(session, first)
    done = [office is not None, first is not None, linked > 0, False]
    subs = [office or "", f"{first.name}, {platform_name(first.platform)}" if first else "", "", ""]
    if linked:
        subs[2] = f"{count_words(linked, 'product')} matched"
    paths = ["/app/setup/backoffice", "/app/setup/store", f"{path}/matching", f"{path}/shadow"]
    now = done.index(False)
    keys = ("backoffice", "store", "matching", "live")
    return [
        Step(
            key=key,
            state="done" if done[n] else "now" if n == now else "later",
            path=paths[n],
            sub=subs[n] if done[n] else "",
        )
        for n, key in enumerate(keys)
    ]


def office_words(session: Session, merchant_id: int) -> str | None:
    """The back office in a word or two: `Prokip, 2 locations`. None where nobody has chosen one."""
    authority = authority_view(session, merchant_id)
    if not authority.is_set:
        return None
    active = sum(1 for place in authority.locations if place.is_active)
    return f"{authority.name[:1].upper()}{authority.name[1:]}, {count_words(active, 'location')}"


def linked_count(session: Session, store: Connection) -> int:
    """How many products of a store belong to a SKU."""
    return session.exec(
        select(func.count())
        .select_from(Listing)
        .where(Listing.connection_id == store.id, Listing.match == Match.LINKED, col(Listing.gone_at).is_(None))
    ).one()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """The steps at the left: key, word, state, sub, path."""

    steps: tuple[tuple[str, str, str, str, str], ...]
    number: int


def rail(session: Session, merchant_id: int, here: str, store: Connection | None = None, platform: str = "") -> Rail:
    """The steps as they stand, on the page of one of them."""
    number = next(n for n, (key, _) in enumerate(STEPS) if key == here)
    subs = {"backoffice": office_words(session, merchant_id) or ""}
    chosen = store.platform if store else platform
    subs["store"] = platform_name(chosen) if chosen else ""
    path = store_path(store.code) if store else ""
    paths = {"backoffice": "/app/setup/backoffice", "store": "/app/setup/store"}
    if store:
        subs["connect"] = store.name
        paths |= {"connect": path, "matching": f"{path}/matching", "shadow": f"{path}/shadow"}
    is_live = store is not None and store.state is not ConnectionState.SHADOW
    steps = []
    for n, (key, word) in enumerate(STEPS):
        state = "now" if n == number else "done" if n < number or is_live else "later"
        steps.append((key, word, state, subs.get(key, ""), paths.get(key, "") if state == "done" else ""))
    return Rail(steps=tuple(steps), number=number + 1)
