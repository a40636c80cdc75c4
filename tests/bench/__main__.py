"""Calls and seconds of the usual work, and how quick pages are: make bench BENCH_ARGS="--sales 100 --only sqlite".

Real daemon, simulated platforms, SQLite and PostgreSQL one after the other in one run: seconds depend on the machine,
the ratio between the two does not so much. What each line means is told in `docs/benchmarks.md`.
"""

import argparse
import itertools
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx
import structlog

from syncd.engine.inbox import Arrival, Inbox, store
from tests.bench.bulk import warehouse
from tests.bench.pages import Visited, show_pages, visit_pages
from tests.e2e_sandbox.town import Town, founded, goods, until
from tests.postgres import PostgresServer, own_server

SENDERS = 16
LATENCY = 0.05
Figures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    products: int
    deliveries: int
    commits: int
    sales: int
    orders: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--products", type=int, default=1000, help="changed products (1000)")
    parser.add_argument("--deliveries", type=int, default=2000, help="webhooks sent at once (2000)")
    parser.add_argument("--sales", type=int, default=100, help="sales whose way is timed (100)")
    parser.add_argument("--orders", type=int, default=1000, help="orders around a kill -9 (1000)")
    parser.add_argument("--commits", type=int, default=400, help="deliveries stored one commit each (400)")
    parser.add_argument("--visits", type=int, default=5, help="requests for each page (5); 0 leaves the pages out")
    parser.add_argument("--only-pages", action="store_true", help="nothing but the pages")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="on one database only")
    asked = parser.parse_args()
    sizes = Sizes(
        products=asked.products,
        deliveries=asked.deliveries,
        commits=asked.commits,
        sales=asked.sales,
        orders=asked.orders,
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found: dict[str, Figures] = {}
    visited: dict[str, Visited] = {}
    for backend in ("sqlite", "postgresql") if asked.only is None else (asked.only,):
        with database(backend) as new:
            if not asked.only_pages:
                found[backend] = {**bulk(new, sizes), **commits(new, sizes), **daemon(new, sizes)}
            if asked.visits:
                visited[backend] = visit_pages(new(), asked.visits)
    if found:
        show(found)
    is_quick = show_pages(visited, asked.visits) if visited else True
    return 0 if is_quick else 1


@contextmanager
def database(backend: str) -> Iterator[Callable[[], str]]:
    """Gives the urls of new databases; PostgreSQL syncs to disk as in production."""
    names = itertools.count()
    with ExitStack() as running:
        if backend == "sqlite":
            folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="syncd-bench-")))
            yield lambda: f"sqlite:///{folder / f'{next(names)}.db'}"
        else:
            server: PostgresServer = running.enter_context(own_server({}))
            yield server.create_database


# ------------------------------------------------------------------------------------------------- many products


def bulk(new: Callable[[], str], sizes: Sizes) -> Figures:
    """Calls and seconds of a whole changed shelf, and of a pass in which nothing changed."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder, warehouse(Path(folder) / "home", new(), sizes.products) as found:
        found.count_all(37)
        for store in ("shopify", "woocommerce"):
            for what, act in (("changed", found.push), ("unchanged", found.compare)):
                before, began = found.calls(store), time.monotonic()
                act(store)
                took, after = time.monotonic() - began, found.calls(store)
                name = f"{sizes.products} {what} products, {store}"
                figures[f"{name}: write calls"] = after.writes - before.writes
                figures[f"{name}: read calls"] = after.reads - before.reads
                figures[f"{name}: seconds without the network"] = took
            assert found.shown(store) == {37: sizes.products}
    return figures


# ------------------------------------------------------------------------------------------------- commits


def commits(new: Callable[[], str], sizes: Sizes) -> Figures:
    """Deliveries stored one by one, each durable before the next, and as the inbox stores what arrives meanwhile."""
    with (
        tempfile.TemporaryDirectory() as folder,
        warehouse(Path(folder) / "home", new(), products=1) as found,
    ):
        connection_id, stored_at = found.ids["shopify"], found.engine.clock.now()
        arrivals = [
            Arrival(
                connection_id=connection_id,
                key=f"bench-{n}",
                topic="orders/create",
                headers={"x-shopify-topic": "orders/create"},
                body=b"{}" * 1000,
                received_at=stored_at,
            )
            for n in range(sizes.commits * 11)
        ]
        began = time.monotonic()
        for arrival in arrivals[: sizes.commits]:
            store(found.engine.database, [arrival], {})
        single = sizes.commits / (time.monotonic() - began)
        inbox = Inbox(found.engine.database)
        inbox.start()
        began = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as senders:
            list(senders.map(lambda arrival: inbox.put(arrival).result(), arrivals[sizes.commits :]))
        grouped = 10 * sizes.commits / (time.monotonic() - began)
        inbox.stop()
    return {
        "deliveries stored a second, a commit each": single,
        f"deliveries stored a second, {SENDERS} senders, group commit": grouped,
        "group commit to single commits: times": grouped / single,
    }


# ------------------------------------------------------------------------------------------------- the daemon


def daemon(new: Callable[[], str], sizes: Sizes) -> Figures:
    """What a real daemon does with real sockets."""
    skus = (*goods(["WAY"], 10_000), *goods(["STORM"], 10_000), *goods(["RUSH"], 10_000))
    with tempfile.TemporaryDirectory() as folder, founded(Path(folder), new(), skus) as town:
        return {**propagation(town, sizes.sales), **intake(town, sizes.deliveries), **power_cut(town, sizes.orders)}


def propagation(town: Town, sales: int) -> Figures:
    """One sale after the other, in turn in both stores, every platform answering after 50 ms."""
    took: list[float] = []
    for hand in town.stage.hands.values():
        hand.trouble(latency_seconds=LATENCY)
    for n in range(sales):
        seller, other = ("shopify", "woocommerce")[:: 1 if n % 2 else -1]
        left, began = 10_000 - n - 1, time.monotonic()
        town.hand(seller).buy({"WAY": 1}, paid=True)
        until(lambda: town.hand(other).stock()["WAY"] == left, f"{other} shows {left}")  # noqa: B023
        took.append(time.monotonic() - began)
    for hand in town.stage.hands.values():
        hand.trouble(latency_seconds=0)
    town.everywhere("WAY", 10_000 - sales, within=120)
    last = quantiles(took, n=100, method="inclusive")[98]
    return {
        "sale to the other store at 50 ms: median s": median(took),
        "sale to the other store at 50 ms: 99th s": last,
    }


def intake(town: Town, count: int) -> Figures:
    """Signed deliveries of one order, each under an id of its own, from several senders at once."""
    town.hand("shopify").buy({"STORM": 1}, paid=True)
    town.everywhere("STORM", 9_999)
    body = town.deliveries("shopify", "orders/create")[-1].body
    url = f"{town.home.address}/connections/webhook/shopify/{town.public_id('shopify')}"
    requests = [town.signed("orders/create", body) for _ in range(count)]
    with httpx.Client(timeout=30, trust_env=False) as client, ThreadPoolExecutor(SENDERS) as senders:
        began = time.monotonic()
        answers = list(
            senders.map(lambda headers: client.post(url, headers=headers, content=body).status_code, requests)
        )
        answered = time.monotonic() - began
    assert answers == [200] * count
    town.rest(within=300)
    applied = time.monotonic() - began
    assert len(town.booked("STORM")) == 1
    return {"webhooks answered a second": count / answered, "webhooks taken in a second": count / applied}


def power_cut(town: Town, orders: int) -> Figures:
    """Both stores sell as fast as they can, kill -9 in the middle, start again."""

    def sell(store: str) -> None:
        for _ in range(orders // 2):
            town.hand(store).buy({"RUSH": 1}, paid=True)

    people = [threading.Thread(target=sell, args=(store,)) for store in ("shopify", "woocommerce")]
    began = time.monotonic()
    for one in people:
        one.start()
    until(lambda: len(town.booked("RUSH")) >= orders // 10, "a tenth is recorded", within=300)
    town.home.kill()
    for one in people:
        one.join()
    town.home.start()
    town.everywhere("RUSH", 10_000 - 2 * (orders // 2), within=1200)
    took = time.monotonic() - began
    invoices = [sale["invoice_no"] for sale in town.booked("RUSH")]
    missing, doubled = 2 * (orders // 2) - len(set(invoices)), len(invoices) - len(set(invoices))
    assert (missing, doubled) == (0, 0)
    return {
        f"{orders} orders with kill -9: missing": missing,
        f"{orders} orders with kill -9: doubled": doubled,
        f"{orders} orders with kill -9: seconds until all is everywhere": took,
    }


# ------------------------------------------------------------------------------------------------- the table


def show(found: dict[str, Figures]) -> None:
    """A table; the last column is PostgreSQL to SQLite."""
    names = list(next(iter(found.values())))
    width = max(map(len, names))
    print(
        f"| {'':<{width}} |"
        + "".join(f" {backend:>10} |" for backend in found)
        + (" ratio |" if len(found) > 1 else "")
    )
    print(f"|{'-' * (width + 2)}|" + "-----------:|" * len(found) + ("------:|" if len(found) > 1 else ""))
    for name in names:
        values = [figures[name] for figures in found.values()]
        ratio = f" {values[1] / values[0]:5.2f} |" if len(values) > 1 and values[0] else "       |" * (len(values) > 1)
        print(f"| {name:<{width}} |" + "".join(f" {_said(value):>10} |" for value in values) + ratio)


def _said(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.2f}" if value < 100 else f"{value:.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
