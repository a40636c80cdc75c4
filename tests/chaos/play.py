"""The story: people act while machines fail; then quiet; then the books are opened."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from syncd.demo.books import read_books
from syncd.demo.hand import NotDone
from syncd.demo.process import CommandFailed
from syncd.demo.stage import STORES
from syncd.demo.town import Town
from syncd.demo.verdict import judge
from syncd.errors import SyncdError
from tests.chaos import hands
from tests.chaos.daemons import events, surprises
from tests.chaos.database import Postgres
from tests.chaos.faults import Diary, Driver, begin_platform_trouble
from tests.chaos.scene import LEASE, USUAL, Scene, Wanted, differs, set_scene

QUIET_WITHIN = 180.0
RECOVERY = 12.0
"""For how many seconds after its end a trouble still keeps sales from being known."""
LOOK_EVERY = 0.25
TELL_EVERY = 10.0
TELLING = ("lease_lost", "pushes_unknown", "records_unknown", "database_away", "connection_down", "inbox_cannot_write")
"""Events of the daemons' logs whose counts show that the troubles were felt."""

Told = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Figures to print, and what is wrong: nothing, when every promise was kept."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def play(wanted: Wanted, told: Told) -> Outcome:
    """Play it to its end; `told` gets a line for everything that happens."""
    with set_scene(wanted, told) as scene:
        began = time.monotonic()
        diary = _trouble(scene, told)
        told("people and troubles stop; syncd finishes what is on its way")
        owed = _quiet(scene, told)
        outcome = _judged(scene, diary, owed)
        outcome.lines.append(("took", f"{time.monotonic() - began:.0f} s, of them {wanted.seconds:.0f} s in trouble"))
        return outcome


def _trouble(scene: Scene, told: Told) -> Diary:
    wanted = scene.wanted
    diary = Diary()
    began = time.monotonic()
    driver = Driver(
        random=random.Random(wanted.seed),
        daemons=scene.daemons,
        database=scene.database,
        disk=scene.disk,
        network=scene.network,
        stage=scene.stage,
        clock=scene.clock,
        lease=LEASE,
        pause=wanted.pause,
        only=wanted.kinds,
        stop=threading.Event(),
        told=lambda words: told(f"{time.monotonic() - began:6.1f} s  {words}"),
        revive=scene.revive,
        diary=diary,
    )
    begin_platform_trouble(scene.stage)
    with _acting(scene.town, diary, wanted.acts_a_second):
        ender = threading.Timer(wanted.seconds, driver.stop.set)
        ender.start()
        try:
            driver.run()
        finally:
            ender.cancel()
    return diary


@contextmanager
def _acting(town: Town, diary: Diary, acts_a_second: float) -> Iterator[None]:
    """People act and somebody looks, each in a thread of their own, until the block ends."""
    over = threading.Event()

    def act() -> None:
        while not over.wait(town.random.expovariate(acts_a_second)):
            town.measure.knowable_after = diary.blind_for(time.monotonic(), USUAL, RECOVERY)
            town.act()

    def look() -> None:
        while not over.wait(LOOK_EVERY):
            _look(town)

    threads = [threading.Thread(target=act, name="people"), threading.Thread(target=look, name="observer")]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _look(town: Town) -> None:
    """See what every store shows, in one moment."""
    with town.lock:
        stock = {name: town.stage.hands[name].stock() for name in STORES}
        now, truth = town.seconds(), dict(town.truth)
        for store, shows in stock.items():
            for sku, shown in shows.items():
                town.measure.seen(now, store, sku, shown=shown, truth=truth[sku])


def _quiet(scene: Scene, told: Told) -> Mapping[str, int]:
    """Nothing fails any more; what is still owed when all is right, or when the time is over."""
    scene.disk.empty()
    scene.network.calm()
    scene.stage.calm()
    scene.revive()
    deadline = time.monotonic() + QUIET_WITHIN
    owed: dict[str, int] = {"answers of `syncd status`": 1}
    began = told_at = time.monotonic()
    while time.monotonic() < deadline:
        _look(scene.town)
        try:
            owed = scene.owed()
        except SyncdError as failed:  # the database may just be coming back
            told(str(failed))
        else:
            if not any(owed.values()) and not differs(scene.town) and not any(scene.owed().values()):
                return owed
            waits = ", ".join([*(f"{count} {name}" for name, count in owed.items() if count), *differs(scene.town)])
            if time.monotonic() - told_at > TELL_EVERY:
                told_at = time.monotonic()
                told(f"{told_at - began:6.1f} s  waiting for {waits}")
        time.sleep(0.5)
    return owed


def _judged(scene: Scene, diary: Diary, owed: Mapping[str, int]) -> Outcome:
    try:
        scene.home.command("ledger", "verify")
        ledger_says = ""
    except CommandFailed as failed:
        ledger_says = str(failed)
    town = scene.town
    verdict = judge(
        read_books(scene.stage),
        truth=town.truth,
        sold=town.counts.units,
        measure=town.measure,
        ledger_says=ledger_says,
        still_owed=owed,
    )
    outcome = Outcome(lines=_figures(scene, diary), wrong=list(verdict.wrong))
    outcome.lines += list(verdict.lines)
    _judge_hands(scene, outcome)
    _judge_daemons(scene, diary, outcome)
    return outcome


def _figures(scene: Scene, diary: Diary) -> list[tuple[str, str]]:
    acts = ", ".join(f"{words} {count}" for words, count in sorted(scene.town.counts.acts.items()))
    troubles = ", ".join(f"{kind} {count}" for kind, count in sorted(diary.count.items()))
    heard = events(scene.daemons)
    lines = [
        ("people", acts),
        (f"troubles ({diary.count.total()})", troubles),
        ("felt by the daemons", ", ".join(f"{name} {heard[name]}" for name in TELLING if heard[name]) or "nothing"),
    ]
    if not scene.disk.is_small:
        lines.append(("disk full", "not tried: a disk of its own cannot be mounted here, it takes root"))
    if scene.clock is None:
        lines.append(("clock stepped", "not tried: there is no C compiler here"))
    return lines


def _judge_hands(scene: Scene, outcome: Outcome) -> None:
    """One hand per platform, always: every write against the history of leases."""
    writes = scene.network.writes
    if not isinstance(scene.database, Postgres):
        outcome.lines.append(("writes to the platforms", str(len(writes))))
        return
    leases = scene.database.leases()
    stray = hands.without_lease(writes, leases, hands.lease_names(leases))
    outcome.lines.append(("writes to the platforms", f"{len(writes)}, without the lease {len(stray)}"))
    outcome.wrong += stray


def _judge_daemons(scene: Scene, diary: Diary, outcome: Outcome) -> None:
    outcome.wrong += diary.exits
    outcome.wrong += [f"{count} times {words}" for words, count in surprises(scene.daemons).items()]
    try:
        issues = scene.home.ask("issues", "list")
    except (CommandFailed, NotDone) as failed:
        outcome.wrong.append(str(failed))
        return
    kinds: dict[str, int] = {}
    for issue in issues:
        kinds[str(issue["kind"])] = kinds.get(str(issue["kind"]), 0) + 1
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    outcome.lines.append(("issues open for a person", told or "none"))
