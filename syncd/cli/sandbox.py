"""`syncd sandbox`: the simulated platforms alone, with their addresses, their keys, and how to sell in them."""

import sys
import threading
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from syncd.cli.output import Json, print_json, print_line, say


class Simulated(StrEnum):
    """A platform that can be simulated."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    PROKIP = "prokip"


def sandbox(
    names: Annotated[list[Simulated] | None, typer.Argument(help="Which; default: all three.")] = None,
    port: Annotated[list[int] | None, typer.Option("--port", help="One for each, in this order; default: any.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Without goods.")] = False,
    json: Json = False,
) -> None:
    """Run simulated platforms until Ctrl-C."""
    wanted = list(dict.fromkeys(names or list(Simulated)))
    if port and len(port) != len(wanted):
        raise typer.BadParameter(f"say {len(wanted)} ports, one for each platform")
    ports = dict(zip((name.value for name in wanted), port or [0] * len(wanted), strict=True))
    from syncd.cli.simulated import served  # loads the platforms

    with served(ports, with_goods=not empty) as described:
        if json:
            print_json(described)
        else:
            _print(described)
        sys.stdout.flush()
        say("Ctrl-C ends it.")
        threading.Event().wait()


def _print(described: Mapping[str, Mapping[str, str]]) -> None:
    for name, facts in described.items():
        print_line(f"{name}: {facts['address']}")
        for word in ("connect", "pages", "sell", "stock"):
            print_line(f"  {word:<8} {facts[word]}")
    print_line("They are on this machine: `connect` and the daemon need SYNCD_SECURITY__ALLOW_PRIVATE_ADDRESSES=true.")
