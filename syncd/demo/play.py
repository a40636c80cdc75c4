"""The play: set up, connect by commands, let people buy while things go wrong, wait for quiet, judge.

Acts one after another: `_prologue` (platforms, home, daemon, connecting), `_busy_town` (people, faults, a kill -9),
`_quiet` (nobody buys, nothing fails), `_judged` (the books).
"""

import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from syncd.demo import trouble
from syncd.demo.books import read_books
from syncd.demo.measure import Measure
from syncd.demo.process import CommandFailed, Home, connect_prokip, free_port
from syncd.demo.screen import Screen, print_verdict
from syncd.demo.stage import GOODS, SHOP, STORES, Stage, set_up, stock_up
from syncd.demo.town import Town
from syncd.demo.verdict import Verdict, judge

ACTS_A_SECOND = 5.0
LOOK_EVERY = 0.1
QUIET_WITHIN = 180.0
KNOWABLE_AFTER = 20.0
DEAD_FOR = 2.0
COUNTERS = ("deliveries_unapplied", "pushes_owed", "looks_due", "backoffice_owed")
SETTINGS: dict[str, dict[str, object]] = {
    "security": {"allow_private_addresses": True},
    "schedule": {
        "backoffice_hint": "2s",
        "backoffice_sweep": "6s",
        "backoffice_catalogue": "5m",
        "pull_orders": "5s",
        "reconcile": "15s",
        "check_webhooks": "30s",
        "jitter": "0s",
    },
    "backoffice": {"unknown_quarantine": "6s", "begin_within": "5s", "requests_per_minute": 6000},
    "push": {"unknown_quarantine": "6s", "settle": "3s", "look_grace": "1s", "begin_within": "5s"},
    "lease": {"duration": "6s", "renew": "2s"},
}
SHORTENED = (
    "For the demo, waiting times are shortened: quarantine 6 s (default 90 s and 150 s), settling 3 s (60 s), "
    "pull 5 s (10 min), comparison 15 s (nightly), sweep of the back office 6 s (5 min)."
)


def play(*, minutes: float, headless: bool, seed: int = 1) -> int:
    """Run the demo; 0 when every promise was kept, 1 when not, with what.

    Everything is in a folder of its own, which is kept only when something is wrong. Being terminated ends it as
    Ctrl-C does: nothing that it started goes on running.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen = Screen(is_live=not headless and sys.stdout.isatty())
    folder = Path(tempfile.mkdtemp(prefix="syncd-demo-"))
    home = Home(folder=folder, port=free_port(), show=screen.command)
    screen.say(f"The home of this demo is {folder}; the commands below are typed with --dir {folder}.")
    is_good = is_stopped = False
    try:
        is_good = _played(home, screen, minutes * 60, seed)
    except CommandFailed as failed:
        screen.say(f"The demo stops here: {failed}")
    except KeyboardInterrupt:
        is_stopped = True
        screen.say("Stopped.")
    finally:
        home.stop()
    if is_good or is_stopped:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        screen.say(f"{home.last_words()}\nWhat syncd knew is kept in {folder}")
    return 0 if is_good else 1


def _played(home: Home, screen: Screen, seconds: float, seed: int) -> bool:
    """All acts; whether every promise was kept."""
    with set_up(clock=lambda: datetime.now(UTC), random=random.Random(seed)) as stage:
        _prologue(home, stage, screen)
        town = _open_town(stage, random.Random(seed), screen)
        _busy_town(home, town, screen, seconds)
        owed = _quiet(home, town, screen)
        verdict = _judged(home, town, screen, owed)
    print_verdict(screen, verdict.lines, verdict.wrong)
    return not verdict.wrong


def _prologue(home: Home, stage: Stage, screen: Screen) -> None:
    """From nothing to two live stores, by the commands that a user types."""
    stock_up(stage, store_differs_by=3)
    screen.say("Three simulated platforms are running; their numbers differ a little, as everybody's do.")
    for name, hand in stage.hands.items():
        screen.say(f"  {name:<12} {hand.address}")
    screen.say(SHORTENED)
    web = {"listen": f"127.0.0.1:{home.port}", "public_url": home.address}
    home.configure({**SETTINGS, "web": web})
    home.command("init")
    home.start()
    credentials = stage.prokip.credentials
    people = {name: str(getattr(credentials, name)) for name in ("username", "password", "client_id", "client_secret")}
    connect_prokip(home, stage.till.address, people, stage.prokip.people.location().name)
    home.command(
        *("connect", "shopify", "--name", "shopify", "--shop", SHOP, "--api-url", stage.hands["shopify"].address),
        *("--token", stage.shopify.access_token, "--webhook-secret", stage.shopify.client_secret),
    )
    key = stage.woocommerce.key
    home.command(
        *("connect", "woocommerce", "--name", "woocommerce", "--url", stage.hands["woocommerce"].address),
        *("--key", key.key, "--secret", key.secret),
    )
    screen.say(home.command("match", "list", "--connection", "shopify"))
    screen.say(home.command("connections", "preview", "woocommerce"))
    for store in STORES:
        home.command("connections", "live", store, "--yes")
    home.command("sync", "--wait")
    _wait_for_rest(home, QUIET_WITHIN)


def _open_town(stage: Stage, chance: random.Random, screen: Screen) -> Town:
    began = time.monotonic()
    return Town(
        stage=stage,
        goods=GOODS,
        random=chance,
        measure=Measure(stores=STORES, knowable_after=KNOWABLE_AFTER),
        seconds=lambda: time.monotonic() - began,
        told=screen.event,
    )


def _busy_town(home: Home, town: Town, screen: Screen, seconds: float) -> None:
    """People act and things fail; in the middle the daemon is killed as by a power cut, and started again."""
    screen.say(f"\nPeople buy, cancel and return for {seconds:.0f} s while things go wrong. {trouble.IN_WORDS}")
    trouble.begin(town.stage)
    ends, over = time.monotonic() + seconds, threading.Event()
    people = threading.Thread(target=_people, args=(town, over), name="people")
    people.start()
    was_killed = False
    try:
        with screen.watching():
            while (left := ends - time.monotonic()) > 0:
                _look(town, screen, left)
                if not was_killed and left < seconds / 2:
                    was_killed = True
                    _power_cut(home, town, screen)
                time.sleep(LOOK_EVERY)
    finally:
        over.set()
        people.join()


def _power_cut(home: Home, town: Town, screen: Screen) -> None:
    """Two seconds without a daemon, and the time it takes to start; people go on buying."""
    screen.say("-- kill -9: the daemon is gone; people go on buying --")
    with town.lock:
        home.kill()
        town.measure.went_down(town.seconds())
    time.sleep(DEAD_FOR)
    home.start()
    with town.lock:
        town.measure.came_up(town.seconds())


def _people(town: Town, over: threading.Event) -> None:
    while not over.wait(town.random.expovariate(ACTS_A_SECOND)):
        town.act()


def _look(town: Town, screen: Screen, left: float) -> None:
    """See what every place shows, in one moment, and measure what has arrived."""
    with town.lock:
        stock = {name: hand.stock() for name, hand in town.stage.hands.items()}
        now, truth, sold = town.seconds(), dict(town.truth), dict(town.counts.units)
        for store in STORES:
            for sku, shown in stock[store].items():
                town.measure.seen(now, store, sku, shown=shown, truth=truth[sku])
    screen.show(stock, truth, sold, town.measure, left)


def _quiet(home: Home, town: Town, screen: Screen) -> Mapping[str, int]:
    """Nobody buys any more, nothing fails any more; what is still owed when the time is over."""
    screen.say("\nNobody buys any more and nothing fails any more; syncd finishes what is on its way.")
    town.stage.calm()
    deadline = time.monotonic() + QUIET_WITHIN
    with screen.watching():
        while time.monotonic() < deadline:
            _look(town, screen, 0)
            owed = _owed(home)
            if not any(owed.values()) and not _differs(town) and not any(_owed(home).values()):
                return owed
            time.sleep(0.5)
    return _owed(home)


def _differs(town: Town) -> bool:
    stock = {name: hand.stock() for name, hand in town.stage.stores.items()}
    return any(max(0, shows[sku]) != max(0, left) for shows in stock.values() for sku, left in town.truth.items())


def _owed(home: Home) -> dict[str, int]:
    status = home.ask("status")
    return {name: int(status[name]) for name in COUNTERS}


def _wait_for_rest(home: Home, within: float) -> None:
    deadline = time.monotonic() + within
    while any(_owed(home).values()):
        if time.monotonic() > deadline:
            raise CommandFailed("syncd did not come to rest after going live")
        time.sleep(0.3)


def _judged(home: Home, town: Town, screen: Screen, owed: Mapping[str, int]) -> Verdict:
    """Explain one number in full, then read all books and judge."""
    busiest = max(town.truth, key=lambda sku: (sum(s.sku == sku for s in town.sales), sku))
    screen.say(home.command("explain", busiest))
    screen.say(home.command("status"))
    try:
        home.command("ledger", "verify")
        ledger_says = ""
    except CommandFailed as differs:
        ledger_says = str(differs)
    return judge(
        read_books(town.stage),
        truth=town.truth,
        sold=town.counts.units,
        measure=town.measure,
        ledger_says=ledger_says,
        still_owed=owed,
    )
