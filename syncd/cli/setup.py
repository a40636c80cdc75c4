"""`syncd init`, `run`, `check`, `demo`, and the upkeep: `users`, `keys`, `db`."""

import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from schema import migrate
from syncd.cli.frame import at_desk, invocation_of, secret
from syncd.cli.output import Json, print_facts, print_json, print_rows, say
from syncd.config import load_settings
from syncd.engine import check as checking
from syncd.engine import upkeep
from syncd.engine.check import Finding, Verdict
from syncd.engine.init import make_home
from syncd.engine.people import mail, resets, users
from syncd.errors import NotPossible, SyncdError

users_app = typer.Typer(help="Who may use the pages and the API.")
keys_app = typer.Typer(help="The key that stored secrets are sealed with.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)

FINDINGS = {
    "about": lambda row: row.about,
    "": lambda row: row.verdict.value,
    "words": lambda row: row.words,
}
USERS = {
    "e-mail": lambda row: row.email,
    "name": lambda row: row.name,
    "role": lambda row: row.role,
    "second factor": lambda row: row.has_second_factor,
    "disabled": lambda row: row.is_disabled,
    "signed in": lambda row: row.signed_in_at,
}


class Role(StrEnum):
    """What a daemon process does."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


def init(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", help="The business.")] = "My business",
    database: Annotated[str, typer.Option("--database", help="Its url; default: SQLite in the home.")] = "",
    public_url: Annotated[str, typer.Option("--public-url", help="What stores call.")] = "",
    json: Json = False,
) -> None:
    """Make config.toml, a key and the database in the home; what is there stays."""
    invocation = invocation_of(context)
    made = make_home(invocation.home, invocation.merchant or name, database=database, public_url=public_url)
    if json:
        print_json(made)
        return
    print_facts({"home": made.home, "merchant": made.merchant or "there already"})
    if made.setup_code:
        print_facts({"setup code": made.setup_code})
        say("Whoever opens the pages first needs the setup code to become the owner.")
    say("Next: `syncd backoffice set ledger` or `syncd backoffice set prokip …`, then `syncd connect …`, `syncd run`.")


def run(
    context: typer.Context,
    role: Annotated[Role, typer.Option("--role", help="all, web or worker.")] = Role.ALL,
) -> None:
    """The daemon: takes webhooks, keeps stores and back office right, until it is stopped."""
    from syncd.app import build  # loads the web
    from syncd.log import set_up_logging

    settings = load_settings(invocation_of(context).home)
    set_up_logging(settings.log)
    raise typer.Exit(build(settings, role.value).run())


def demo(
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="How long people buy.")] = 2.0,
    headless: Annotated[bool, typer.Option("--headless", help="Without pages, for scripts.")] = False,
) -> None:
    """Simulated stores and a back office, customers buying, and a verdict at the end."""
    from syncd.demo import play

    raise typer.Exit(play(minutes=minutes, headless=headless))


def check(context: typer.Context, json: Json = False) -> None:
    """The doctor: config, database, key, public address, every connection, webhooks, clocks."""
    findings = list(_findings(context))
    if json:
        print_json(findings)
    else:
        print_rows(findings, FINDINGS)
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        raise typer.Exit(1)


def _findings(context: typer.Context) -> Iterator[Finding]:
    settings = invocation_of(context).settings()
    ground = list(checking.check_ground(settings, os.environ))
    yield from ground
    if any(finding.verdict is Verdict.WRONG and finding.about in ("key", "database") for finding in ground):
        return
    try:
        with at_desk(context) as desk:
            yield from checking.check_merchant(desk.engine, desk.merchant_id)
    except SyncdError as error:
        yield Finding(about="merchant", verdict=Verdict.WRONG, words=str(error))


# ------------------------------------------------------------------------------------------- users


@users_app.callback(invoke_without_command=True)
def users_main(context: typer.Context, json: Json = False) -> None:
    """List them."""
    if context.invoked_subcommand is None:
        users_list(context, json=json)


@users_app.command("list")
def users_list(context: typer.Context, json: Json = False) -> None:
    """Who may sign in."""
    with at_desk(context) as desk, desk.reading() as session:
        rows = users.list_users(session, desk.merchant_id)
    if json:
        print_json(rows)
    else:
        print_rows(rows, USERS, empty="Nobody yet: `syncd users add`, or claim the installation in a browser.")


@users_app.command("add")
def users_add(
    context: typer.Context,
    email: Annotated[str, typer.Argument()],
    name: Annotated[str, typer.Option("--name")] = "",
    role: Annotated[str, typer.Option("--role", help="owner, operator or viewer.")] = "operator",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    json: Json = False,
) -> None:
    """Add a user, with a password from stdin, SYNCD_PASSWORD, or typed."""
    password = _password(password_stdin)
    with at_desk(context) as desk:
        made = users.add_user(
            desk.engine, desk.merchant_id, email=email, name=name, role=role, password=password, actor=desk.actor
        )
    if json:
        print_json(made)
    else:
        say(f"{made.email} may sign in as {made.role}.")


def _password(password_stdin: bool) -> str:
    if password_stdin:
        return secret("-") or ""
    if told := os.environ.get("SYNCD_PASSWORD"):
        return told
    if not sys.stdin.isatty():
        raise typer.BadParameter("no password: give it to --password-stdin or SYNCD_PASSWORD")
    first = getpass("Password: ")
    if first != getpass("Again: "):
        raise NotPossible("The two were not the same. Nothing was changed.")
    return first


@users_app.command("reset")
def users_reset(context: typer.Context, email: Annotated[str, typer.Argument()], json: Json = False) -> None:
    """A link by which a user sets a new password within an hour; the second factor goes too."""
    with at_desk(context) as desk:
        token = resets.give(desk.engine, email, actor=desk.actor)
        address = mail.link(desk.engine.settings, f"/reset/{token}")
    if json:
        print_json({"email": email, "path": f"/reset/{token}", "address": address})
    else:
        print_facts({"open within an hour": address})


# ------------------------------------------------------------------------------------------- upkeep


@keys_app.command("rotate")
def keys_rotate(context: typer.Context, json: Json = False) -> None:
    """Make a new key and seal every secret with it; the old one stays behind it for older copies."""
    with at_desk(context) as desk:
        count = upkeep.new_first_key(desk.engine)
    _resealed(count, json)
    say("`syncd run` reads the new key by itself. Copy the key file to every other machine that runs one, at once.")


@keys_app.command("reseal")
def keys_reseal(context: typer.Context, json: Json = False) -> None:
    """Seal every secret with the first of the keys that are there."""
    with at_desk(context) as desk:
        count = upkeep.reseal(desk.engine)
    _resealed(count, json)


def _resealed(count: int, json: bool) -> None:
    if json:
        print_json({"secrets": count})
    else:
        say(f"{count} secrets are sealed with the new key.")


@db_app.command("upgrade")
def db_upgrade(context: typer.Context, json: Json = False) -> None:
    """Bring the database to this version's form."""
    settings = invocation_of(context).settings()
    migrate.upgrade(settings.database_url)
    _revision(migrate.current(settings.database_url) or "", json)


@db_app.command("backup")
def db_backup(context: typer.Context, file: Annotated[Path, typer.Argument()], json: Json = False) -> None:
    """Copy the whole database into a file. The key is not in it: keep that apart."""
    settings = invocation_of(context).settings()
    upkeep.back_up(settings, file)
    if json:
        print_json({"file": str(file), "bytes": file.stat().st_size})
    else:
        say(f"{file} holds the database. The key is not in it: keep a copy of {settings.key_file} somewhere else.")


@db_app.command("restore")
def db_restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument()],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: what is there now is lost.")] = False,
    json: Json = False,
) -> None:
    """Put a copy in the database's place. No daemon may run."""
    from syncd.app import is_daemon_running  # loads the web

    settings = invocation_of(context).settings()
    if is_daemon_running(settings):
        raise NotPossible("A daemon works on this database: stop every `syncd run` first. Nothing was changed.")
    if not yes and not (sys.stdin.isatty() and typer.confirm("What is in the database now is lost. Go on?", err=True)):
        raise NotPossible("Nothing was changed. Say --yes where nobody can be asked.")
    _revision(upkeep.restore(settings, file), json)


def _revision(revision: str, json: bool) -> None:
    if json:
        print_json({"revision": revision})
    else:
        print_facts({"revision": revision})
