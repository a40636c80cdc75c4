"""`syncd match create` and `take`: products made where they are missing, in a store or in syncd's own ledger."""

from datetime import timedelta
from typing import Annotated

import typer

from schema.tables import Connection
from syncd.cli.frame import Desk, at_desk
from syncd.cli.goods import Store
from syncd.cli.output import Json, print_facts, print_json, print_rows, progress, say
from syncd.cli.work import POLL, TAKE_OVER_AFTER, is_alone
from syncd.engine import catalogue, creating, creation, runs, starting
from syncd.engine.creation import CreationView, Plan
from syncd.engine.hands import store_hand
from syncd.engine.runs import RunView
from syncd.engine.starting import StoreProduct

LONGEST_SILENCE = timedelta(minutes=10)
"""How long a run may stand still before the command stops watching; whoever works goes on."""

Skus = Annotated[list[str] | None, typer.Option("--sku", help="Only this SKU; again for more.")]
NEW = {
    "SKU": lambda row: row.sku,
    "name": lambda row: row.title,
    "price": lambda row: row.price,
    "image": lambda row: row.image_url,
    "problem": lambda row: row.problem,
}
MADE = {
    "SKU": lambda row: row.sku,
    "name": lambda row: row.title,
    "result": lambda row: row.state,
    "why": lambda row: row.words,
}
TAKEN = {"SKU": lambda row: row.sku, "name": lambda row: row.title, "problem": lambda row: row.problem}


def match_create(
    context: typer.Context,
    connection: Store,
    sku: Skus = None,
    publish: Annotated[bool, typer.Option("--publish", help="On sale at once, not as drafts.")] = False,
    without_images: Annotated[bool, typer.Option("--without-images", help="Leave their images out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Leave the work to `syncd run`.")] = False,
    json: Json = False,
) -> None:
    """Make in a store what the back office has and the store lacks; their stock follows by the ordinary pushes."""
    with at_desk(context) as desk:
        connection_id = desk.connection_id(connection)
        if dry_run:
            with desk.reading() as session:
                store = session.get_one(Connection, connection_id)
                _show_plan(creation.plan(session, store, sku or (), is_draft=not publish), json)
            return
        run_id = creation.want(
            desk.engine,
            connection_id,
            sku or (),
            is_draft=not publish,
            with_images=not without_images,
            actor=desk.actor,
        )
        run = _run(desk, run_id) if no_wait else _wait(desk, connection_id, run_id)
        with desk.reading() as session:
            rows = creation.creations(session, run_id)
    _show_made(run, rows, json)
    if not no_wait and (run.state != "done" or run.words):
        raise typer.Exit(1)


def _show_plan(plan: Plan, json: bool) -> None:
    if json:
        print_json(plan)
        return
    print_rows((*plan.makes, *plan.leaves), NEW, empty="The store lacks nothing.")
    say(f"{len(plan.makes)} would be made" + (f", {len(plan.leaves)} cannot be." if plan.leaves else "."))


def _show_made(run: RunView, rows: list[CreationView], json: bool) -> None:
    if json:
        print_json({"run": run, "products": rows})
        return
    print_rows(rows, MADE)
    print_facts({"run": run.id, "state": run.state, **run.counts})


def _run(desk: Desk, run_id: int) -> RunView:
    with desk.reading() as session:
        return runs.show_run(session, runs.find_run(session, desk.merchant_id, run_id))[0]


def _wait(desk: Desk, connection_id: int, run_id: int) -> RunView:
    """Watch a daemon do it; where nothing moves, do it here. The store's lease settles who does."""
    engine, clock = desk.engine, desk.engine.clock
    patience = timedelta(seconds=0 if is_alone(desk) else TAKE_OVER_AFTER)
    moved_at, done = clock.now(), -1
    with progress("Making products") as bar:
        while True:
            run = _run(desk, run_id)
            bar(run.done, run.total)
            if run.done != done:
                moved_at, done = clock.now(), run.done
            if run.ended_at is not None or clock.now() - moved_at > LONGEST_SILENCE:
                return run
            if clock.now() - moved_at >= patience:
                with store_hand(engine, connection_id) as held:
                    creating.create_due(engine, held, connection_id)
                    catalogue.recheck_due(engine, held, connection_id)
            clock.sleep(POLL)


def match_take(
    context: typer.Context,
    connection: Store,
    sku: Skus = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken.")] = False,
    json: Json = False,
) -> None:
    """Let syncd's own ledger begin with a store's products, as many of each as the store shows."""
    with at_desk(context) as desk:
        connection_id = desk.connection_id(connection)
        with desk.reading() as session:
            products = starting.store_products(session, session.get_one(Connection, connection_id), sku or ())
        if dry_run:
            _show_products(products, json)
            return
        with store_hand(desk.engine, connection_id) as held:
            taken = starting.take(desk.engine, held, connection_id, sku or (), actor=desk.actor)
    if json:
        print_json(taken)
        return
    say(f"{len(taken.skus)} SKUs begin with what {connection} shows.")
    for name, why in taken.left.items():
        say(f"{name}: {why}")


def _show_products(products: list[StoreProduct], json: bool) -> None:
    if json:
        print_json(products)
    else:
        print_rows(products, TAKEN, empty="The ledger has a figure for every product of the store.")
