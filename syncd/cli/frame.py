"""Around every command: which home, which merchant, an engine while it runs, and errors as one sentence.

Exit codes: 0 done, 1 failed, 2 wrong usage or config.
"""

import getpass
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import typer
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from connectors.sdk.errors import ConnectorError
from syncd.cli.output import say
from syncd.config import Settings, find_home, load_settings, parse_duration
from syncd.engine import connections
from syncd.engine.context import Engine
from syncd.engine.init import find_merchant
from syncd.engine.opening import opened
from syncd.errors import ConfigError, SyncdError
from syncd.log import set_up_logging

FAILED = 1
WRONG = 2
TRACE = "SYNCD_TRACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What was said before the verb."""

    directory: Path | None
    merchant: str | None

    @property
    def home(self) -> Path:
        """Where everything is."""
        return find_home(self.directory)

    def settings(self) -> Settings:
        """The settings of the home, with logs as quiet as a command wants them. Raises ConfigError."""
        settings = load_settings(self.home)
        quiet = settings.log.model_copy(update={"level": "error"})
        set_up_logging(quiet)
        return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a command works with."""

    engine: Engine
    merchant_id: int
    actor: str

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A view of the database."""
        with self.engine.database.reading() as session:
            yield session

    def connection_id(self, name: str) -> int:
        """The connection of this name. Raises NotPossible."""
        with self.reading() as session:
            return connections.find(session, self.merchant_id, name).id or 0

    def maybe_connection_id(self, name: str | None) -> int | None:
        """The connection of this name, if one is named."""
        return None if name is None else self.connection_id(name)


@contextmanager
def at_desk(context: typer.Context) -> Iterator[Desk]:
    """An engine on the home, and the merchant that the command is for. Raises SyncdError."""
    invocation = invocation_of(context)
    with opened(invocation.settings()) as engine:
        with engine.database.reading() as session:
            merchant = find_merchant(session, invocation.merchant)
        yield Desk(engine=engine, merchant_id=merchant.id or 0, actor=actor())


def invocation_of(context: typer.Context) -> Invocation:
    """What was said before the verb."""
    invocation = context.obj
    assert isinstance(invocation, Invocation)
    return invocation


def actor() -> str:
    """Who runs the command, for the record of deeds."""
    try:
        return f"{getpass.getuser()} on the command line"
    except (KeyError, OSError):
        return "the command line"


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. What goes wrong is one sentence that says what to do."""
    try:
        app(merchant_first(arguments), prog_name="syncd")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        say("syncd: stopped")
        return FAILED
    except Exception as error:  # noqa: BLE001 - the edge: nobody is shown a traceback unasked
        say(f"syncd: {_sentence(error)}")
        if os.environ.get(TRACE):
            traceback.print_exc()
        return WRONG if isinstance(error, ConfigError) else FAILED
    return 0


def _sentence(error: Exception) -> str:
    """An error as a person reads it."""
    match error:
        case SyncdError() | ConnectorError():
            return str(error)
        case DBAPIError():
            return f"the database does not answer as it should: {first_line(error.orig)}. Look at [database] url."
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else first_line(error)
        case _:
            name = f"{type(error).__name__}: {first_line(error)}"
            return f"something unexpected: {name}. Set {TRACE}=1 to see where it happened, and report it."


def first_line(error: object) -> str:
    """What an error says first."""
    return next(iter(str(error).strip().splitlines()), "no reason given").rstrip(".")


def merchant_first(arguments: Sequence[str]) -> list[str]:
    """Let `--merchant M` stand anywhere: it is for every command."""
    rest: list[str] = []
    hoisted: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            return [*hoisted, *rest, word, *words]
        if word == "--merchant" and words:
            hoisted += [word, words.pop(0)]
        elif word.startswith("--merchant="):
            hoisted.append(word)
        else:
            rest.append(word)
    return [*hoisted, *rest]


# ------------------------------------------------------------------------------------------- reading what is typed


def secret(value: str | None) -> str | None:
    """A secret as given; `-` reads one line from standard input."""
    if value != "-":
        return value
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise typer.BadParameter("standard input holds no secret")
    return line


def moment(text: str, now: datetime) -> datetime:
    """A time: ISO 8601 (our zone where it names none), `10:43`, or how long from now (`2h`) or ago (`-2h`)."""
    try:
        if text.startswith("-"):
            return now - parse_duration(text[1:])
        return now + parse_duration(text)
    except ValueError:
        pass
    try:
        if len(text) <= 8 and ":" in text:
            clock = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M").time()  # noqa: DTZ007
            return datetime.combine(now.astimezone().date(), clock).astimezone()
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time: 2026-11-21T10:43, 10:43, 2h (from now) or -2h (ago)") from error


def tomorrow(now: datetime) -> datetime:
    """A day from now."""
    return now + timedelta(days=1)
