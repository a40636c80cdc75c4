"""`syncd backoffice set …` and `syncd connect …`: which options a platform has, and what they are called inside."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from syncd.cli.frame import Desk, at_desk, secret
from syncd.cli.output import Json, print_facts, print_json, progress, say
from syncd.domain.backoffice import RecordPolicy
from syncd.engine import accounts, backoffice, connect, consents
from syncd.engine.connect import Connected, StoreRequest
from syncd.errors import ChooseLocation, NotPossible

PAUSE = 0.5

backoffice_app = typer.Typer(help="Who knows what is on the shelf.", no_args_is_help=True)
set_app = typer.Typer(help="Set who knows what is on the shelf.", no_args_is_help=True)
connect_app = typer.Typer(help="Connect a store. It starts in shadow: nothing is pushed.", no_args_is_help=True)
backoffice_app.add_typer(set_app, name="set")

Name = Annotated[str, typer.Option("--name", help="What to call it; default: its own name.")]
Location = Annotated[
    list[str] | None,
    typer.Option("--location", help="The back office's location it sells from, by id or name; again for a pool."),
]
StoreLocation = Annotated[
    str | None, typer.Option("--store-location", help="The store's own location, where it has several.")
]
Record = Annotated[
    RecordPolicy | None,
    typer.Option("--record", help="When the back office learns of an order: paid (a new store's default) or placed."),
]
Live = Annotated[bool, typer.Option("--live", help="Go live at once.")]
Url = Annotated[str, typer.Option("--url", help="The address.")]
ApiUrl = Annotated[str | None, typer.Option("--api-url", help="Call the API here instead.")]
WebhookSecret = Annotated[
    str | None,
    typer.Option("--webhook-secret", envvar="SYNCD_WEBHOOK_SECRET", help="What signs its webhooks; - reads stdin."),
]
ClientId = Annotated[str | None, typer.Option("--client-id", envvar="SYNCD_CLIENT_ID", help="The app's client id.")]
ClientSecret = Annotated[
    str | None, typer.Option("--client-secret", envvar="SYNCD_CLIENT_SECRET", help="Its secret; - reads stdin.")
]
Token = Annotated[str | None, typer.Option("--token", envvar="SYNCD_TOKEN", help="An access token; - reads stdin.")]


# ------------------------------------------------------------------------------------------- the back office


@set_app.command("ledger")
def set_ledger(
    context: typer.Context,
    location: Annotated[str | None, typer.Option("--location", help="What to call the place.")] = None,
    json: Json = False,
) -> None:
    """Let syncd's own ledger be the authority: there is no back office."""
    with at_desk(context) as desk:
        _show_authority(backoffice.set_ledger(desk.engine, desk.merchant_id, location=location, actor=desk.actor), json)


@set_app.command("prokip")
def set_prokip(
    context: typer.Context,
    *,
    url: Annotated[str | None, typer.Option("--url", help="The address that begins with api.")] = None,
    location: Annotated[str | None, typer.Option("--location", help="Where the stores sell from: id or name.")] = None,
    token: Token = None,
    username: Annotated[str | None, typer.Option("--username")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    password: Annotated[str | None, typer.Option("--password", envvar="SYNCD_PASSWORD")] = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    dialect: Annotated[str | None, typer.Option("--dialect", help="connector or simple.")] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="Make sales from drafts: for servers that lose answers.")
    ] = None,
    name: Name = "",
    json: Json = False,
) -> None:
    """Let Prokip be the authority, and read its stock."""
    settings = given(url=url, dialect=dialect, strict=None if strict is None else "yes" if strict else "no")
    credentials = given(
        access_token=secret(token),
        username=username,
        password=secret("-" if password_stdin else password),
        client_id=client_id,
        client_secret=secret(client_secret),
    )
    _set_backoffice(context, "prokip", settings, credentials, name, location, json)


@set_app.command("other")
def set_other(
    context: typer.Context,
    *,
    platform: Annotated[str, typer.Argument(help="The name of an installed connector.")],
    setting: Annotated[list[str] | None, typer.Option("--setting", help="NAME=VALUE, again for more.")] = None,
    credential: Annotated[list[str] | None, typer.Option("--credential", help="NAME=VALUE; - reads stdin.")] = None,
    location: Annotated[str | None, typer.Option("--location")] = None,
    name: Name = "",
    json: Json = False,
) -> None:
    """Let a back office of another connector be the authority."""
    _set_backoffice(context, platform, _pairs(setting), _pairs(credential), name, location, json)


def _set_backoffice(
    context: typer.Context,
    platform: str,
    settings: Mapping[str, str],
    credentials: Mapping[str, str],
    name: str,
    location: str | None,
    json: bool,
) -> None:
    with at_desk(context) as desk:
        done = backoffice.connect_backoffice(
            desk.engine,
            desk.merchant_id,
            platform,
            settings,
            credentials,
            name=name,
            location=location,
            actor=desk.actor,
        )
    _show_authority(done, json)


def _show_authority(done: backoffice.AuthoritySet, json: bool) -> None:
    for words in done.warnings:
        say(words)
    if json:
        print_json(done)
    else:
        print_facts({"back office": done.name, "location": done.location})


# ------------------------------------------------------------------------------------------- stores


@connect_app.command("shopify")
def connect_shopify(
    context: typer.Context,
    *,
    shop: Annotated[str, typer.Option("--shop", help="The name before .myshopify.com.")],
    token: Token = None,
    webhook_secret: WebhookSecret = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    oauth: Annotated[bool, typer.Option("--oauth", help="Approve on Shopify's own page.")] = False,
    api_url: ApiUrl = None,
    name: Name = "",
    location: Location = None,
    store_location: StoreLocation = None,
    record: Record = None,
    live: Live = False,
    json: Json = False,
) -> None:
    """Connect a Shopify store by an app's token, by its client id and secret, or by approval (--oauth)."""
    settings = given(shop=shop, api_url=api_url, store_location=store_location)
    credentials = given(
        access_token=secret(token),
        webhook_secret=secret(webhook_secret),
        client_id=client_id,
        client_secret=secret(client_secret),
    )
    wanted = _wanted("shopify", settings, name, location, record, live)
    _connect(context, wanted, credentials, by_consent=oauth or not credentials, json=json)


@connect_app.command("woocommerce")
def connect_woocommerce(
    context: typer.Context,
    *,
    url: Url,
    key: Annotated[str | None, typer.Option("--key", envvar="SYNCD_CONSUMER_KEY", help="Consumer key.")] = None,
    key_secret: Annotated[
        str | None, typer.Option("--secret", envvar="SYNCD_CONSUMER_SECRET", help="Consumer secret; - reads stdin.")
    ] = None,
    webhook_secret: WebhookSecret = None,
    api_url: ApiUrl = None,
    name: Name = "",
    location: Location = None,
    record: Record = None,
    live: Live = False,
    json: Json = False,
) -> None:
    """Connect a WooCommerce store by a pasted key, or without one by its own page of approval."""
    settings = given(url=url, api_url=api_url)
    credentials = given(
        consumer_key=secret(key), consumer_secret=secret(key_secret), webhook_secret=secret(webhook_secret)
    )
    wanted = _wanted("woocommerce", settings, name, location, record, live)
    _connect(context, wanted, credentials, by_consent=key is None, json=json)


@connect_app.command("custom")
def connect_custom(
    context: typer.Context,
    *,
    url: Url,
    shop_secret: Annotated[str, typer.Option("--secret", envvar="SYNCD_SECRET", help="whsec_…; - reads stdin.")],
    name: Name = "",
    location: Location = None,
    record: Record = None,
    live: Live = False,
    json: Json = False,
) -> None:
    """Connect a shop of your own that speaks docs/custom-store.md."""
    wanted = _wanted("custom", {"url": url}, name, location, record, live)
    _connect(context, wanted, given(secret=secret(shop_secret)), by_consent=False, json=json)


@connect_app.command("other")
def connect_other(
    context: typer.Context,
    *,
    platform: Annotated[str, typer.Argument(help="The name of an installed connector.")],
    setting: Annotated[list[str] | None, typer.Option("--setting", help="NAME=VALUE, again for more.")] = None,
    credential: Annotated[list[str] | None, typer.Option("--credential", help="NAME=VALUE; - reads stdin.")] = None,
    name: Name = "",
    location: Location = None,
    record: Record = None,
    live: Live = False,
    json: Json = False,
) -> None:
    """Connect a store of another connector."""
    wanted = _wanted(platform, _pairs(setting), name, location, record, live)
    _connect(context, wanted, _pairs(credential), by_consent=False, json=json)


def _wanted(
    platform: str,
    settings: Mapping[str, str],
    name: str,
    locations: Sequence[str] | None,
    record: RecordPolicy | None,
    live: bool,
) -> StoreRequest:
    return StoreRequest(
        merchant_id=0,  # the desk's, once there is one
        platform=platform,
        settings=settings,
        name=name,
        locations=tuple(locations or ()),
        record=record.value if record else None,
        live=live,
    )


def _connect(
    context: typer.Context, wanted: StoreRequest, credentials: Mapping[str, str], *, by_consent: bool, json: bool
) -> None:
    with at_desk(context) as desk:
        wanted = dataclasses.replace(wanted, merchant_id=desk.merchant_id, actor=desk.actor)
        done = (_by_consent if by_consent else _by_keys)(desk, wanted, credentials)
    for words in done.warnings:
        say(words)
    if json:
        print_json(done)
        return
    print_facts({"connected": done.name, "state": "live" if done.is_live else "shadow", "listings": done.listings})
    if not done.is_live:
        say(f"Next: `syncd match --connection {done.name!r}`, then `syncd connections live {done.name!r}`.")


def _by_keys(desk: Desk, wanted: StoreRequest, credentials: Mapping[str, str]) -> Connected:
    """Connect at once; which location of several it sells from is asked where a person is there."""
    try:
        with progress("Reading products") as bar:
            return connect.connect_store(desk.engine, wanted, credentials, bar)
    except ChooseLocation as several:
        settings = {**wanted.settings, accounts.LOCATION: _which(several)}
    return _by_keys(desk, dataclasses.replace(wanted, settings=settings), credentials)


def _which(several: ChooseLocation) -> str:
    """Ask which location it is; the error itself where nobody is at the keyboard."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise several
    say("The store keeps stock at several locations. Which one is sold online?")
    for number, (_, name) in enumerate(several.places, start=1):
        say(f"  {number}  {name}")
    number = 0
    while not 1 <= number <= len(several.places):
        number = typer.prompt("Number", type=int, err=True)
    return several.places[number - 1][0]


def _by_consent(desk: Desk, wanted: StoreRequest, credentials: Mapping[str, str]) -> Connected:
    """Print the address and wait for the approval, which comes back to the daemon."""
    begun = consents.begin(desk.engine, wanted, credentials)
    say("Open this address and approve; `syncd run` must be running to hear of it:")
    say(begun.url)
    while desk.engine.clock.now() < begun.expires_at:
        try:
            found = consents.outcome(desk.engine, begun.state)
        except ChooseLocation as several:
            consents.choose(desk.engine, desk.merchant_id, begun.state, _which(several))
            continue
        if found is not None:
            return found
        desk.engine.clock.sleep(PAUSE)
    raise NotPossible("No approval came within 10 minutes. Nothing was connected. Start again.")


def given(**values: str | None) -> dict[str, str]:
    """Those that were given, by their names inside."""
    return {name: value for name, value in values.items() if value}


def _pairs(told: Sequence[str] | None) -> dict[str, str]:
    pairs = {}
    for each in told or ():
        name, sign, value = each.partition("=")
        if not sign:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE")
        pairs[name] = secret(value) or ""
    return pairs
