"""`syncd sales`, `issues`, `deliveries`: what happened, and what people decide about it."""

from typing import Annotated

import typer

from schema.tables import DeliveryState
from syncd.cli.frame import Desk, at_desk, moment, tomorrow
from syncd.cli.output import Json, print_facts, print_json, print_line, print_rows, say
from syncd.engine import deliveries, record_by_hand, release, sales
from syncd.engine.held_figures import Choice
from syncd.errors import NotPossible

sales_app = typer.Typer(help="Every online sale, and whether the back office has it.")
issues_app = typer.Typer(help="What needs a person.")
deliveries_app = typer.Typer(help="What stores have told us, raw.")

MaybeStore = Annotated[str | None, typer.Option("--connection", help="For one store only.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many.")]
Order = Annotated[str, typer.Argument(metavar="ORDER", help="The store's number or id of it.")]
IssueId = Annotated[int, typer.Argument(metavar="ID")]

SALES = {
    "at": lambda row: row.at,
    "store": lambda row: row.connection,
    "order": lambda row: row.order or row.order_id,
    "kind": lambda row: row.kind,
    "SKU": lambda row: row.sku,
    "units": lambda row: row.quantity,
    "back office": lambda row: row.backoffice_id,
    "state": lambda row: row.state,
}
ISSUES = {
    "id": lambda row: row.id,
    "kind": lambda row: row.kind,
    "store": lambda row: row.connection,
    "SKU": lambda row: row.sku,
    "what": lambda row: row.title,
    "what to do": lambda row: row.what_to_do,
}
DELIVERIES = {
    "id": lambda row: row.id,
    "store": lambda row: row.connection,
    "source": lambda row: row.source,
    "topic": lambda row: row.topic,
    "state": lambda row: row.state,
    "reason": lambda row: row.reason,
    "received": lambda row: row.received_at,
}


# ------------------------------------------------------------------------------------------- sales


@sales_app.callback(invoke_without_command=True)
def sales_main(
    context: typer.Context,
    connection: MaybeStore = None,
    sku: Annotated[str | None, typer.Option("--sku")] = None,
    order: Annotated[str | None, typer.Option("--order")] = None,
    since: Annotated[str | None, typer.Option("--since", help="A time, or -2d.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1)] = None,
    json: Json = False,
) -> None:
    """Each line sold or given back, once."""
    if context.invoked_subcommand is not None:
        return
    with at_desk(context) as desk:
        connection_id = desk.maybe_connection_id(connection)
        began = None if since is None else moment(since, desk.engine.clock.now())
        with desk.reading() as session:
            rows = sales.list_sales(
                session,
                desk.merchant_id,
                connection_id=connection_id,
                sku=sku,
                order=order,
                since=began,
                limit=limit,
            )
    if json:
        print_json(rows)
    else:
        print_rows(rows, SALES, empty="Nothing was sold yet.")


@sales_app.command("retry")
def sales_retry(context: typer.Context, order: Order, connection: MaybeStore = None, json: Json = False) -> None:
    """Send what waits of an order to the back office again."""
    with at_desk(context) as desk:
        order_id = _order_id(desk, order, connection)
        with desk.reading() as session:
            waiting = sales.waiting_documents(session, order_id)
        count = release.retry_documents(desk.engine, waiting, actor=desk.actor)
    if not count:
        raise NotPossible(f"Nothing of order {order} waits to be tried again.")
    _told(f"{count} documents are sent again.", {"order": order, "documents": count}, json)


@sales_app.command("recorded-as")
def sales_recorded_as(
    context: typer.Context,
    order: Order,
    backoffice_id: Annotated[str, typer.Argument(metavar="ID", help="The back office's id of the sale.")],
    connection: MaybeStore = None,
    json: Json = False,
) -> None:
    """Say that an order's sale is in the back office already, under this id."""
    with at_desk(context) as desk:
        record_by_hand.recorded_as(desk.engine, _order_id(desk, order, connection), backoffice_id, actor=desk.actor)
    _told(f"Order {order} is recorded as {backoffice_id}.", {"order": order, "backoffice_id": backoffice_id}, json)


@sales_app.command("leave-out")
def sales_leave_out(context: typer.Context, order: Order, connection: MaybeStore = None, json: Json = False) -> None:
    """Never record what is still owed of an order; its units are offered again."""
    with at_desk(context) as desk:
        record_by_hand.leave_out(desk.engine, _order_id(desk, order, connection), actor=desk.actor)
    _told(f"Order {order} is left out.", {"order": order, "left_out": True}, json)


def _order_id(desk: Desk, word: str, connection: str | None) -> int:
    connection_id = desk.maybe_connection_id(connection)
    with desk.reading() as session:
        return sales.find_order(session, desk.merchant_id, word, connection_id).id or 0


def _told(words: str, result: object, json: bool) -> None:
    if json:
        print_json(result)
    else:
        say(words)


# ------------------------------------------------------------------------------------------- issues


@issues_app.callback(invoke_without_command=True)
def issues_main(context: typer.Context, json: Json = False) -> None:
    """List the open ones."""
    if context.invoked_subcommand is None:
        issues_list(context, json=json)


@issues_app.command("list")
def issues_list(
    context: typer.Context,
    all_of_them: Annotated[bool, typer.Option("--all", help="The resolved ones too.")] = False,
    kind: Annotated[str | None, typer.Option("--kind")] = None,
    json: Json = False,
) -> None:
    """What needs a person, with what to do."""
    with at_desk(context) as desk, desk.reading() as session:
        rows = release.list_issues(session, desk.merchant_id, all_of_them=all_of_them, kind=kind)
    if json:
        print_json(rows)
    else:
        print_rows(rows, ISSUES, empty="Nothing needs you.")


@issues_app.command("show")
def issues_show(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """One issue, whole."""
    with at_desk(context) as desk, desk.reading() as session:
        found = release.show_issue(session, release.find_issue(session, desk.merchant_id, issue))
    if json:
        print_json(found)
    else:
        print_facts({name: getattr(found, name) for name in found.__slots__})


@issues_app.command("resolve")
def issues_resolve(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """Say that it is dealt with. What still holds comes again."""
    with at_desk(context) as desk:
        release.resolve(desk.engine, desk.merchant_id, issue, actor=desk.actor)
    _told(f"Issue {issue} is resolved.", {"id": issue, "state": "resolved"}, json)


@issues_app.command("release")
def issues_release(
    context: typer.Context,
    issue: IssueId,
    ours: Annotated[bool, typer.Option("--ours", help="A held number: set it to ours.")] = False,
    theirs: Annotated[bool, typer.Option("--theirs", help="A held number: the store's is right.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="A held number: leave it until tomorrow.")] = False,
    keep_until: Annotated[str | None, typer.Option("--keep-until", help="… until then: a time, or 2h.")] = None,
    json: Json = False,
) -> None:
    """Let go of what an issue holds: a number, a reading, a sale that waits."""
    if sum((ours, theirs, keep or keep_until is not None)) > 1:
        raise typer.BadParameter("choose one of --ours, --theirs and --keep-until")
    with at_desk(context) as desk:
        now = desk.engine.clock.now()
        choice, until = None, None
        if ours or theirs:
            choice = Choice.OURS if ours else Choice.THEIRS
        elif keep or keep_until is not None:
            choice = Choice.KEEP
            until = moment(keep_until, now) if keep_until is not None else tomorrow(now)
        words = release.release(desk.engine, desk.merchant_id, issue, choice, until=until, actor=desk.actor)
    _told(words, {"id": issue, "released": True, "words": words}, json)


# ------------------------------------------------------------------------------------------- deliveries


@deliveries_app.callback(invoke_without_command=True)
def deliveries_main(context: typer.Context, json: Json = False) -> None:
    """List the latest."""
    if context.invoked_subcommand is None:
        deliveries_list(context, json=json)


@deliveries_app.command("list")
def deliveries_list(
    context: typer.Context,
    connection: MaybeStore = None,
    state: Annotated[DeliveryState | None, typer.Option("--state")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """The latest deliveries."""
    with at_desk(context) as desk:
        connection_id = desk.maybe_connection_id(connection)
        with desk.reading() as session:
            rows = deliveries.list_deliveries(
                session, desk.merchant_id, connection_id=connection_id, state=state, limit=limit
            )
    if json:
        print_json(rows)
    else:
        print_rows(rows, DELIVERIES, empty="Nothing was delivered yet.")


@deliveries_app.command("show")
def deliveries_show(
    context: typer.Context, delivery: Annotated[int, typer.Argument(metavar="ID")], json: Json = False
) -> None:
    """One delivery with its body, as it came."""
    with at_desk(context) as desk, desk.reading() as session:
        found, headers, body = deliveries.show(session, desk.merchant_id, delivery)
    if json:
        print_json({"delivery": found, "headers": headers, "body": body})
        return
    print_facts({name: getattr(found, name) for name in found.__slots__})
    print_facts(headers)
    print_line("")
    print_line(body)


@deliveries_app.command("replay")
def deliveries_replay(
    context: typer.Context, delivery: Annotated[int, typer.Argument(metavar="ID")], json: Json = False
) -> None:
    """Take one in again; what is known of it counts once."""
    with at_desk(context) as desk:
        deliveries.replay(desk.engine, desk.merchant_id, delivery, actor=desk.actor)
    _told(f"Delivery {delivery} is taken in again.", {"id": delivery, "state": "new"}, json)
