"""`syncd match`, `rules`, `stock`, `explain`, `adjust`, `ledger`: SKUs and their numbers."""

import re
from typing import Annotated

import typer

from schema.tables import RuleKind
from syncd.cli.frame import at_desk, moment
from syncd.cli.output import Json, print_facts, print_json, print_line, print_rows, say
from syncd.domain.explain import ReceiptLine
from syncd.engine import adjust as adjusting
from syncd.engine import connections, ledger, ledger_view, match, match_view, rule_setting, stock_view
from syncd.engine import explain as explaining
from syncd.engine.stock_view import ListingStock

match_app = typer.Typer(help="Which SKU each product of a store is.")
rules_app = typer.Typer(help="Safety stock, buffer, cap, low stock.")
ledger_app = typer.Typer(help="The ledger that every number comes from.", no_args_is_help=True)

Store = Annotated[str, typer.Option("--connection", help="The store.")]
MaybeStore = Annotated[str | None, typer.Option("--connection", help="For one store only.")]
Listing = Annotated[str, typer.Argument(metavar="LISTING", help="Its id in the store, or the SKU it says.")]
Sku = Annotated[str, typer.Argument(metavar="SKU")]

MATCHES = {
    "listing": lambda row: row.external_id,
    "product": lambda row: row.title,
    "says": lambda row: row.external_sku,
    "SKU": lambda row: row.sku,
    "result": lambda row: row.result,
    "what to do": lambda row: row.what_to_do,
}
RULES = {
    "rule": lambda row: row.kind,
    "store": lambda row: row.connection or "all",
    "SKU": lambda row: row.sku or "all",
    "units": lambda row: row.value,
}
STOCK = {
    "SKU": lambda row: row.sku,
    "location": lambda row: row.location_name or row.location,
    "on hand": lambda row: row.on_hand,
    "open": lambda row: row.open,
    "safety": lambda row: row.safety_stock,
    "available": lambda row: row.available,
    "stores": lambda row: "; ".join(_shown(listing) for listing in row.listings),
}
MOVEMENTS = {
    "at": lambda row: row.recorded_at,
    "SKU": lambda row: row.sku,
    "location": lambda row: row.location,
    "kind": lambda row: row.kind,
    "on hand": lambda row: f"{row.on_hand_delta:+d}",
    "open": lambda row: f"{row.open_delta:+d}",
    "source": lambda row: row.source,
    "event": lambda row: row.event,
    "note": lambda row: row.note,
}


# ------------------------------------------------------------------------------------------- matching


@match_app.callback(invoke_without_command=True)
def match_main(
    context: typer.Context,
    connection: MaybeStore = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="A result: unmatched, duplicate, no_sku …")] = None,
    json: Json = False,
) -> None:
    """List how a store's products stand to the SKUs."""
    if context.invoked_subcommand is None:
        if connection is None:
            raise typer.BadParameter("say which store: --connection NAME")
        match_list(context, connection=connection, only=only, json=json)


@match_app.command("list")
def match_list(
    context: typer.Context,
    connection: Store,
    only: Annotated[list[str] | None, typer.Option("--only", help="A result: unmatched, duplicate, no_sku …")] = None,
    json: Json = False,
) -> None:
    """Matched, unmatched, duplicate, no SKU, untracked: each with what to do."""
    with at_desk(context) as desk, desk.reading() as session:
        store = connections.find(session, desk.merchant_id, connection)
        found = match_view.list_matches(session, store, tuple(only or ()))
    if json:
        print_json(found)
        return
    print_rows(found.rows, MATCHES, empty="The store has no such product.")
    say(", ".join(f"{count} {result}" for result, count in sorted(found.counts.items())))


@match_app.command("link")
def match_link(context: typer.Context, connection: Store, listing: Listing, sku: Sku, json: Json = False) -> None:
    """Join a product to an SKU by hand; its earlier sales are counted."""
    with at_desk(context) as desk:
        counted = match.link(desk.engine, desk.connection_id(connection), listing, sku, actor=desk.actor)
    if json:
        print_json({"listing": listing, "sku": sku, "orders_counted": counted})
    else:
        say(f"{listing} is {sku} now." + (f" {counted} orders from before are counted." if counted else ""))


@match_app.command("unlink")
def match_unlink(context: typer.Context, connection: Store, listing: Listing, json: Json = False) -> None:
    """Take its SKU away; its number in the store stays as it is."""
    with at_desk(context) as desk:
        match.unlink(desk.engine, desk.connection_id(connection), listing, actor=desk.actor)
    _told(f"{listing} is no SKU of yours any more.", {"listing": listing, "sku": None}, json)


@match_app.command("ignore")
def match_ignore(context: typer.Context, connection: Store, listing: Listing, json: Json = False) -> None:
    """Leave a product alone from now on."""
    with at_desk(context) as desk:
        match.ignore(desk.engine, desk.connection_id(connection), listing, actor=desk.actor)
    _told(f"{listing} is ignored; `syncd match link` undoes it.", {"listing": listing, "ignored": True}, json)


def _told(words: str, result: object, json: bool) -> None:
    if json:
        print_json(result)
    else:
        say(words)


# ------------------------------------------------------------------------------------------- rules


@rules_app.callback(invoke_without_command=True)
def rules_main(context: typer.Context, json: Json = False) -> None:
    """List them."""
    if context.invoked_subcommand is None:
        rules_list(context, json=json)


@rules_app.command("list")
def rules_list(context: typer.Context, json: Json = False) -> None:
    """Every rule; the narrowest one counts."""
    with at_desk(context) as desk, desk.reading() as session:
        rows = rule_setting.list_rules(session, desk.merchant_id)
    if json:
        print_json(rows)
    else:
        print_rows(rows, RULES, empty="No rule is set: everything that is available is shown.")


@rules_app.command("set")
def rules_set(
    context: typer.Context,
    kind: Annotated[RuleKind, typer.Argument(help="safety_stock, buffer, cap or low_stock.")],
    value: Annotated[str, typer.Argument(help="Units, or `none` to take the rule away.")],
    connection: MaybeStore = None,
    sku: Annotated[str | None, typer.Option("--sku", help="For one SKU only.")] = None,
    json: Json = False,
) -> None:
    """Set a rule for all, for a store, for an SKU, or for an SKU in a store."""
    if value != "none" and not value.isdigit():
        raise typer.BadParameter(f"{value!r} is no number of units")
    units = None if value == "none" else int(value)
    with at_desk(context) as desk:
        connection_id = desk.maybe_connection_id(connection)
        rule_setting.set_rule(
            desk.engine, desk.merchant_id, kind, units, connection_id=connection_id, sku=sku, actor=desk.actor
        )
        with desk.reading() as session:
            rows = rule_setting.list_rules(session, desk.merchant_id)
    if json:
        print_json(rows)
    else:
        print_rows(rows, RULES, empty="No rule is set any more.")


# ------------------------------------------------------------------------------------------- numbers


def stock(
    context: typer.Context,
    sku: Annotated[str | None, typer.Argument(metavar="[SKU]")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="As it was then (a time, or -2h), in the stores that sell it now.")
    ] = None,
    contains: Annotated[str, typer.Option("--contains", help="SKUs that contain this.")] = "",
    json: Json = False,
) -> None:
    """On hand, open, available, and what each store shows; of one SKU or all."""
    with at_desk(context) as desk, desk.reading() as session:
        if sku is None:
            if at is not None:
                raise typer.BadParameter("--at is for one SKU")
            rows = stock_view.all_stock(session, desk.merchant_id, contains)
        else:
            then = None if at is None else moment(at, desk.engine.clock.now())
            rows = stock_view.stock_of(session, desk.merchant_id, sku, then)
    if json:
        print_json(rows[0] if sku is not None and len(rows) == 1 else rows)
    else:
        print_rows(rows, STOCK, empty="No SKU is known yet.")


def _shown(listing: ListingStock) -> str:
    shows = "-" if listing.observed is None else str(listing.observed)
    if listing.desired in (None, listing.observed):
        return f"{listing.connection} {shows}"
    why = "held" if listing.held else "waits" if listing.state == "live" else listing.state
    return f"{listing.connection} {shows} ({why}: {listing.desired})"


def explain(context: typer.Context, sku: Sku, json: Json = False) -> None:
    """Why each store's number is what it is, to the unit."""
    with at_desk(context) as desk, desk.reading() as session:
        found = explaining.explain(session, desk.merchant_id, sku, desk.engine.clock.now())
    if json:
        print_json(found)
        return
    for store in found.stores:
        print_line(f"{store.connection} ({store.state}): {store.title}")
        _print_receipt(store.lines)
    if not found.stores:
        for lines in found.locations:
            _print_receipt(lines)
        say(f"No store sells {sku}.")


def _print_receipt(lines: tuple[ReceiptLine, ...]) -> None:
    for line in lines:
        amount = "unknown" if line.amount is None else str(line.amount)
        print_line(f"  {line.sign.value or ' '} {line.label:<24} {amount:>7}   {line.detail}".rstrip())
    print_line("")


def adjust(
    context: typer.Context,
    sku: Sku,
    units: Annotated[str, typer.Argument(metavar="±N|=N", help="+3, -3, or =7 for a count.")],
    location: Annotated[str | None, typer.Option("--location", help="Where: id or name.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")] = "",
    json: Json = False,
) -> None:
    """Correct syncd's own ledger."""
    if not re.fullmatch(r"[+=-]\d{1,9}", units):
        raise typer.BadParameter(f"{units!r} is neither +N, -N nor =N")
    is_count = units.startswith("=")
    with at_desk(context) as desk:
        adjusting.adjust(
            desk.engine,
            desk.merchant_id,
            sku,
            delta=None if is_count else int(units),
            to=int(units[1:]) if is_count else None,
            location=location,
            reason=reason,
            actor=desk.actor,
        )
        match.match_waiting(desk.engine, desk.merchant_id)
        with desk.reading() as session:
            rows = stock_view.stock_of(session, desk.merchant_id, sku)
    if json:
        print_json(rows[0] if len(rows) == 1 else rows)
    else:
        print_rows(rows, STOCK)


# ------------------------------------------------------------------------------------------- the ledger


@ledger_app.command("verify")
def ledger_verify(context: typer.Context, json: Json = False) -> None:
    """Fold the ledger again and compare; exit code 1 where a number is not the sum of its movements."""
    with at_desk(context) as desk, desk.reading() as session:
        found = ledger.verify(session, desk.merchant_id)
    if json:
        print_json({"right": not found, "differences": found})
    else:
        print_facts({"ledger": "right" if not found else f"{len(found)} numbers are not the sum of their movements"})
    if found:
        raise typer.Exit(1)


@ledger_app.command("show")
def ledger_show(
    context: typer.Context,
    sku: Annotated[str | None, typer.Argument(metavar="[SKU]")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1)] = 50,
    json: Json = False,
) -> None:
    """The latest movements."""
    with at_desk(context) as desk, desk.reading() as session:
        rows = ledger_view.list_movements(session, desk.merchant_id, sku=sku, limit=limit)
    if json:
        print_json(rows)
    else:
        print_rows(rows, MOVEMENTS, empty="Nothing has moved yet.")
