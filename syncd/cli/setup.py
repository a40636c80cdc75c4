"""Commands that set syncd up and run it: init, run, check, demo, sandbox."""

from typing import Annotated

import typer

from syncd.cli.frame import invocation_of
from syncd.cli.output import Json, print_facts, print_json, say
from syncd.engine.init import make_home


def init(
    context: typer.Context,
    merchant: Annotated[str, typer.Option("--name", help="The business.")] = "My business",
    database: Annotated[str, typer.Option("--database", help="Its url; default: SQLite in the home.")] = "",
    public_url: Annotated[str, typer.Option("--public-url", help="What stores call.")] = "",
    json: Json = False,
) -> None:
    """Make config.toml, a key and the database in the home; what is there stays."""
    invocation = invocation_of(context)
    made = make_home(invocation.home, invocation.merchant or merchant, database=database, public_url=public_url)
    if json:
        print_json(made)
        return
    print_facts({"home": made.home, "merchant": made.merchant or "there already"})
    say("Next: `syncd backoffice set ledger` or `syncd backoffice set prokip …`, then `syncd connect …`, `syncd run`.")
