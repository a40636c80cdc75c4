"""`syncd status`, `sync`, `runs`: what is left to do, doing it now, what was done, and putting it back."""

from typing import Annotated

import typer

from syncd.cli.frame import Desk, at_desk
from syncd.cli.output import Json, print_facts, print_json, print_line, print_rows, progress, say
from syncd.engine import runs, sync, undo
from syncd.engine import status as telling
from syncd.engine.runs import RunView

runs_app = typer.Typer(help="What was done, push by push.")

MaybeStore = Annotated[str | None, typer.Option("--connection", help="For one store only.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many.")]
RunId = Annotated[int, typer.Argument(metavar="N")]

POLL = 0.2
TAKE_OVER_AFTER = 3.0
"""Seconds after which a sync that no daemon has begun is done here."""

CONNECTIONS = {
    "connection": lambda row: row.name,
    "platform": lambda row: row.platform,
    "state": lambda row: row.state,
    "pushes owed": lambda row: row.pushes_owed,
    "looks due": lambda row: row.looks_due,
    "last told": lambda row: row.last_delivery_at,
    "down since": lambda row: row.failing_since,
}
RUNS = {
    "run": lambda row: row.id,
    "kind": lambda row: row.kind,
    "store": lambda row: row.connection,
    "why": lambda row: row.cause,
    "state": lambda row: row.state,
    "counts": lambda row: {name: count for name, count in row.counts.items() if isinstance(count, int)},
    "began": lambda row: row.started_at,
    "undone by": lambda row: row.undone_by,
}
PUSHES = {
    "store": lambda row: row.connection,
    "SKU": lambda row: row.sku,
    "before": lambda row: row.before,
    "expected": lambda row: row.expected,
    "set to": lambda row: row.target,
    "after": lambda row: row.after,
    "state": lambda row: row.state,
    "because of": lambda row: row.cause,
    "answer": lambda row: row.words,
}
WOULD = {
    "store": lambda row: row["connection"],
    "SKU": lambda row: row["sku"],
    "before": lambda row: row["before"],
    "after": lambda row: row["after"],
    "because of": lambda row: row["reason"],
}
UNDO = {
    "store": lambda row: row.connection,
    "SKU": lambda row: row.sku,
    "shows": lambda row: row.shows,
    "becomes": lambda row: row.becomes,
    "stays because": lambda row: row.stays,
}


def status(context: typer.Context, json: Json = False) -> None:
    """What is left to do, and whether anything needs a person."""
    with at_desk(context) as desk, desk.reading() as session:
        found = telling.status(session, desk.merchant_id, desk.engine.clock.now())
    if json:
        print_json(found)
        return
    names = ("deliveries_unapplied", "pushes_owed", "looks_due", "backoffice_owed", "issues_open")
    print_facts({name.replace("_", " "): getattr(found, name) for name in names})
    print_line("")
    print_rows(found.connections, CONNECTIONS, empty="Nothing is connected yet.")


# ------------------------------------------------------------------------------------------- syncing


def force_sync(
    context: typer.Context,
    connection: Annotated[list[str] | None, typer.Option("--connection", help="A store; again for more.")] = None,
    sku: Annotated[list[str] | None, typer.Option("--sku", help="An SKU; again for more.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read whole catalogues too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be pushed.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is done.")] = False,
    json: Json = False,
) -> None:
    """Do now what the schedule does: record, read, pull, compare, look, push."""
    with at_desk(context) as desk:
        run_id = sync.want(
            desk.engine,
            desk.merchant_id,
            connection_ids=[desk.connection_id(name) for name in connection or ()],
            skus=list(sku or ()),
            full=full,
            dry_run=dry_run,
            actor=desk.actor,
        )
        found = _wait(desk, run_id) if wait or dry_run else _run(desk, run_id)
    _show_sync(found, json)
    if found.state == "failed":
        raise typer.Exit(1)


def _run(desk: Desk, run_id: int) -> RunView:
    with desk.reading() as session:
        return runs.show_run(session, runs.find_run(session, desk.merchant_id, run_id))[0]


def _wait(desk: Desk, run_id: int) -> RunView:
    """Watch a daemon do it; where none begins, take the steps here. The run's lease settles who does."""
    clock = desk.engine.clock
    patience = 0.0 if is_alone(desk) else TAKE_OVER_AFTER
    since = clock.now()
    with progress("Syncing") as bar:
        while True:
            found = _run(desk, run_id)
            bar(found.done, found.total)
            if found.ended_at is not None:
                return found
            if found.state == "wanted" and (clock.now() - since).total_seconds() >= patience:
                runs.begin_wanted(desk.engine, desk.merchant_id)
            clock.sleep(POLL)


def is_alone(desk: Desk) -> bool:
    """Whether no daemon works on the database."""
    from syncd.app import is_daemon_running  # loads the web

    return not is_daemon_running(desk.engine.settings)


def _show_sync(found: RunView, json: bool) -> None:
    if json:
        print_json(found)
        return
    if found.state == "wanted":
        say(f"Run {found.id} is asked for; `syncd run` does it. `syncd runs show {found.id}` tells how far it is.")
        return
    would = found.counts.get("would_push")
    if isinstance(would, list):
        print_rows(would, WOULD, empty="Nothing would be pushed.")
    else:
        print_facts({"run": found.id, "state": found.state, **found.counts})
    if found.words:
        say(found.words)


# ------------------------------------------------------------------------------------------- runs


@runs_app.callback(invoke_without_command=True)
def runs_main(context: typer.Context, json: Json = False) -> None:
    """List the latest."""
    if context.invoked_subcommand is None:
        runs_list(context, json=json)


@runs_app.command("list")
def runs_list(context: typer.Context, connection: MaybeStore = None, limit: Limit = 20, json: Json = False) -> None:
    """The latest runs."""
    with at_desk(context) as desk:
        connection_id = desk.maybe_connection_id(connection)
        with desk.reading() as session:
            rows = runs.list_runs(session, desk.merchant_id, connection_id=connection_id, limit=limit)
    if json:
        print_json(rows)
    else:
        print_rows(rows, RUNS, empty="Nothing was done yet.")


@runs_app.command("show")
def runs_show(context: typer.Context, run: RunId, json: Json = False) -> None:
    """One run: every push with before, after, expected, cause and answer."""
    with at_desk(context) as desk, desk.reading() as session:
        found, pushes = runs.show_run(session, runs.find_run(session, desk.merchant_id, run))
    if json:
        print_json({"run": found, "pushes": pushes})
        return
    _show_sync(found, json=False)
    print_rows(pushes, PUSHES, empty="It set no number.")


@runs_app.command("undo")
def runs_undo(
    context: typer.Context,
    run: RunId,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what can be put back.")] = False,
    json: Json = False,
) -> None:
    """Put back what a run has set. What has changed since stays; what is put back is kept until you release it."""
    with at_desk(context) as desk:
        with desk.reading() as session:
            found = runs.find_run(session, desk.merchant_id, run)
            rows = undo.plan(session, found, desk.engine.clock.now())
        if not json:
            print_rows(rows, UNDO, empty="It set no number.")
        stays = sum(bool(row.stays) for row in rows)
        say(f"{'Would put' if dry_run else 'Putting'} back {len(rows) - stays} of {len(rows)}. {stays} stay.")
        if dry_run:
            if json:
                print_json(rows)
            return
        done = undo.undo(desk.engine, desk.merchant_id, run, actor=desk.actor)
    if json:
        print_json({"undone": done, "rows": rows})
    else:
        say(f"{done.put_back} are back, by run {done.run_id}; {done.refused} were refused, {done.stayed} stayed.")
