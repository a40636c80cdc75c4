"""`syncd connections …`: what is done to a connection after it was made."""

import sys
from typing import Annotated

import typer

from connectors.sdk.values import WebhookReport
from syncd.cli.connect import ClientId, ClientSecret, Location, StoreLocation, Token, WebhookSecret, given
from syncd.cli.frame import at_desk, secret
from syncd.cli.output import Json, print_facts, print_json, print_rows, say
from syncd.domain.backoffice import RecordPolicy
from syncd.engine import connect, connections, golive, leaving, outlook
from syncd.engine.connections import ConnectionView
from syncd.engine.hands import store_hand
from syncd.engine.outlook import Preview, PreviewRow

app = typer.Typer(help="The stores and the back office.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The connection's name or code.")]
COLUMNS = {
    "name": lambda row: row.name,
    "platform": lambda row: row.platform,
    "role": lambda row: row.role,
    "state": lambda row: row.state,
    "locations": lambda row: row.locations,
    "failing since": lambda row: row.failing_since,
}


@app.callback(invoke_without_command=True)
def main(context: typer.Context, json: Json = False) -> None:
    """List them."""
    if context.invoked_subcommand is None:
        list_them(context, json=json)


@app.command("list")
def list_them(
    context: typer.Context,
    all_of_them: Annotated[bool, typer.Option("--all", help="The disconnected ones too.")] = False,
    json: Json = False,
) -> None:
    """All connections."""
    with at_desk(context) as desk, desk.reading() as session:
        rows = connections.list_connections(session, desk.merchant_id, all_of_them=all_of_them)
    if json:
        print_json(rows)
    else:
        print_rows(rows, COLUMNS, empty="Nothing is connected yet: `syncd connect --help`.")


@app.command()
def show(context: typer.Context, name: Name, json: Json = False) -> None:
    """One connection, nothing secret."""
    with at_desk(context) as desk, desk.reading() as session:
        found = connections.view(session, connections.find(session, desk.merchant_id, name))
    _show(found, json)


def _show(found: ConnectionView, json: bool) -> None:
    if json:
        print_json(found)
        return
    facts = {field: getattr(found, field) for field in found.__slots__ if field != "settings"}
    print_facts({**facts, **{f"setting {key}": value for key, value in found.settings.items()}})


@app.command("set")
def set_it(
    context: typer.Context,
    *,
    name: Name,
    rename: Annotated[str | None, typer.Option("--name", help="What to call it from now on.")] = None,
    location: Location = None,
    store_location: StoreLocation = None,
    record: Annotated[RecordPolicy | None, typer.Option("--record", help="paid or placed.")] = None,
    json: Json = False,
) -> None:
    """Rename a store, or set its locations and when its orders are recorded."""
    if not any((rename, location, store_location, record)):
        raise typer.BadParameter("say what to set: --name, --location, --store-location or --record")
    with at_desk(context) as desk:
        connection_id = desk.connection_id(name)
        connections.change(
            desk.engine,
            connection_id,
            name=rename,
            locations=tuple(location or ()),
            record=record.value if record else None,
            store_location=store_location,
            actor=desk.actor,
        )
        with desk.reading() as session:
            found = connections.find(session, desk.merchant_id, rename or name)
            _show(connections.view(session, found), json)


@app.command()
def reconnect(
    context: typer.Context,
    *,
    name: Name,
    token: Token = None,
    webhook_secret: WebhookSecret = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    key: Annotated[str | None, typer.Option("--key", envvar="SYNCD_CONSUMER_KEY", help="Consumer key.")] = None,
    key_secret: Annotated[
        str | None, typer.Option("--secret", envvar="SYNCD_CONSUMER_SECRET", help="Its secret; - reads stdin.")
    ] = None,
    username: Annotated[str | None, typer.Option("--username")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    json: Json = False,
) -> None:
    """Give new credentials to a connection that lost its access, and take up where it stopped."""
    second = secret(key_secret)
    credentials = given(
        access_token=secret(token),
        webhook_secret=secret(webhook_secret),
        client_id=client_id,
        client_secret=secret(client_secret),
        consumer_key=key,
        consumer_secret=second if key else None,
        secret=None if key else second,
        username=username,
        password=secret("-") if password_stdin else None,
    )
    with at_desk(context) as desk:
        connection_id = desk.connection_id(name)
        connect.reconnect(desk.engine, connection_id, credentials, actor=desk.actor)
        with desk.reading() as session:
            _show(connections.view(session, connections.find(session, desk.merchant_id, name)), json)


@app.command()
def pause(context: typer.Context, name: Name, json: Json = False) -> None:
    """Push nothing more; sales are still taken in."""
    with at_desk(context) as desk:
        connections.pause(desk.engine, desk.connection_id(name), actor=desk.actor)
    _done(f"{name} is paused. `syncd connections resume {name}` goes on.", {"name": name, "state": "paused"}, json)


@app.command()
def resume(context: typer.Context, name: Name, json: Json = False) -> None:
    """Go on: first pull its orders, then push."""
    with at_desk(context) as desk:
        connections.resume(desk.engine, desk.connection_id(name), actor=desk.actor)
        with desk.reading() as session:
            state = connections.find(session, desk.merchant_id, name).state.value
    _done(f"{name} is {state} again.", {"name": name, "state": state}, json)


def _done(words: str, result: object, json: bool) -> None:
    if json:
        print_json(result)
    else:
        say(words)


# ------------------------------------------------------------------------------------------- going live

PREVIEW = {
    "sku": lambda row: row.sku,
    "shows now": lambda row: row.shows_now,
    "will show": lambda row: row.will_show,
    "why": lambda row: row.reason,
}


@app.command()
def preview(context: typer.Context, name: Name, json: Json = False) -> None:
    """What going live will do, number by number."""
    with at_desk(context) as desk:
        found = outlook.preview(desk.engine, desk.connection_id(name))
    if json:
        print_json(found)
        return
    print_rows(found.rows, PREVIEW, empty="No product is linked to an SKU yet: `syncd match`.")
    _tell(name, found)


def _tell(name: str, found: Preview) -> None:
    changes = found.changes
    down = sum(_step(row) < 0 for row in changes)
    zero = sum(row.will_show == 0 for row in changes)
    say(f"{name}: {len(changes)} numbers change: {down} down, {len(changes) - down} up, {zero} of them to zero.")
    if found.paid_before:
        names = ", ".join(order.name for order in found.paid_before[:10])
        more = f" and {len(found.paid_before) - 10} more" if len(found.paid_before) > 10 else ""
        say(f"{len(found.paid_before)} paid orders are from before, taken to be in the back office: {names}{more}.")
        say("Those it does not have: `syncd connections live NAME --record ORDER`, or --record-all.")


def _step(row: PreviewRow) -> int:
    return (row.will_show or 0) - (row.shows_now or 0)


@app.command()
def live(
    context: typer.Context,
    *,
    name: Name,
    record: Annotated[
        list[str] | None, typer.Option("--record", help="A paid order from before that shall be recorded all the same.")
    ] = None,
    record_all: Annotated[bool, typer.Option("--record-all", help="Every one of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """From now on its orders count and its numbers are ours to set."""
    with at_desk(context) as desk:
        connection_id = desk.connection_id(name)
        found = outlook.preview(desk.engine, connection_id)
        _tell(name, found)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Go live with {name}?", err=True):
            raise typer.Exit(1)
        by_word = {word: order.order_id for order in found.paid_before for word in (order.order_id, order.name)}
        unknown = [word for word in record or () if word not in by_word]
        if unknown:
            raise typer.BadParameter(f"{', '.join(unknown)} is none of the paid orders from before")
        wanted = {order.order_id for order in found.paid_before} if record_all else {by_word[w] for w in record or ()}
        with store_hand(desk.engine, connection_id) as held:
            went = golive.go_live(desk.engine, held, connection_id, record=sorted(wanted), actor=desk.actor)
    if json:
        print_json(went)
        return
    print_facts({"live since": went.live_at, "orders from before": went.baseline, "orders that count": went.live})
    say("`syncd run` sets its numbers now; without it: `syncd sync --wait`.")


# ------------------------------------------------------------------------------------------- testing, ending


@app.command("test")
def ask_who_we_are(context: typer.Context, name: Name, json: Json = False) -> None:
    """Ask the platform who we are."""
    with at_desk(context) as desk:
        info = connections.test(desk.engine, desk.connection_id(name))
    for words in info.warnings:
        say(words)
    if json:
        print_json(info)
    else:
        print_facts({"account": info.account_id, "name": info.name, "currency": info.currency, "works": True})


@app.command()
def webhooks(context: typer.Context, name: Name, json: Json = False) -> None:
    """Check what the store tells us of, and mend it."""
    with at_desk(context) as desk:
        report: WebhookReport = connections.check_webhooks(desk.engine, desk.connection_id(name))
    rows = [(topic, state.value, report.words.get(topic, "")) for topic, state in report.states.items()]
    if json:
        print_json(report)
    else:
        print_rows(rows, {"topic": lambda row: row[0], "state": lambda row: row[1], "words": lambda row: row[2]})
    if any(state in ("missing", "failed") for _, state, _ in rows):
        raise typer.Exit(1)


@app.command()
def disconnect(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove our webhooks, forget its key, stop publishing. History stays."""
    with at_desk(context) as desk:
        connection_id = desk.connection_id(name)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Disconnect {name}?", err=True):
            raise typer.Exit(1)
        for words in leaving.disconnect(desk.engine, connection_id, actor=desk.actor):
            say(words)
    words = f"{name} is disconnected. Its numbers stay as they are and will age."
    _done(words, {"name": name, "state": "disconnected"}, json)
