"""`syncd` on the command line: the verbs, and where each is. The work is done in `syncd/engine`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli import connect, connections, decide, goods, products, sandbox, setup, work
from syncd.cli.frame import Invocation, run

app = typer.Typer(
    help="Keeps one truth about stock across stores and the back office.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def before(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The home: config.toml, key, database. Default: SYNCD_DIR, or here.")
    ] = None,
    merchant: Annotated[
        str | None, typer.Option("--merchant", envvar="SYNCD_MERCHANT", help="For whom, where there are several.")
    ] = None,
) -> None:
    """What is said before the verb."""
    context.obj = Invocation(directory=directory, merchant=merchant)


app.command()(setup.init)
app.command()(setup.demo)
app.command()(sandbox.sandbox)
app.command()(setup.run)
app.command()(setup.check)
app.add_typer(connect.backoffice_app, name="backoffice")
app.add_typer(connect.connect_app, name="connect")
app.add_typer(connections.app, name="connections")
app.add_typer(goods.match_app, name="match")
goods.match_app.command("create")(products.match_create)
goods.match_app.command("take")(products.match_take)
app.add_typer(goods.rules_app, name="rules")
app.command("sync")(work.force_sync)
app.command()(work.status)
app.command()(goods.stock)
app.command()(goods.explain)
app.add_typer(decide.sales_app, name="sales")
app.add_typer(decide.issues_app, name="issues")
app.command(context_settings={"ignore_unknown_options": True})(goods.adjust)  # so that -3 is a number
app.add_typer(setup.users_app, name="users")
app.add_typer(decide.deliveries_app, name="deliveries")
app.add_typer(work.runs_app, name="runs")
app.add_typer(goods.ledger_app, name="ledger")
app.add_typer(setup.keys_app, name="keys")
app.add_typer(setup.db_app, name="db")


def main() -> None:
    """The entry point."""
    sys.exit(run(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
