"""syncd as a user has it: a home with a config.toml, commands that are typed, and a daemon in a process of its own."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SYNCD = (sys.executable, "-c", "import sys; from cli import main; sys.exit(main())")
START_WITHIN = 60.0
STOP_WITHIN = 30.0
COMMAND_WITHIN = 180.0


class CommandFailed(Exception):
    """A command or the daemon did not do its job; the message has its last words."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True, kw_only=True)
class Home:
    """One syncd: its folder and its daemon. `show` is given every command line before it runs."""

    folder: Path
    port: int
    show: Callable[[str], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)
    _daemon: subprocess.Popen[bytes] | None = None
    _commands: set[subprocess.Popen[str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        """Where the daemon listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """What the daemon says."""
        return self.folder / "daemon.log"

    def configure(self, sections: Mapping[str, Mapping[str, object]]) -> Path:
        """Write config.toml."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [
            line
            for section, values in sections.items()
            for line in (f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), "")
        ]
        file = self.folder / "config.toml"
        file.write_text("\n".join(lines))
        return file

    def command(self, *words: str, secret: str | None = None, quiet: bool = False) -> str:
        """Run a command to its end and return what it prints; CommandFailed when it ends with anything but 0.

        `secret` goes to its standard input. `quiet` commands are not shown.
        """
        if not quiet:
            self.show(f"syncd {shlex.join(words)}")
        with subprocess.Popen(  # noqa: S603 - our own program, with arguments of our own
            [*SYNCD, "--dir", str(self.folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(),
        ) as running:
            try:
                said, errors = running.communicate(secret or "", timeout=COMMAND_WITHIN)
            finally:
                if running.poll() is None:
                    running.kill()
        if running.returncode:
            raise CommandFailed(f"`syncd {shlex.join(words)}` ended with {running.returncode}: {errors or said}")
        return said

    def ask(self, *words: str) -> Any:  # noqa: ANN401 - the JSON that the command prints
        """Run a command with --json, not shown."""
        return json.loads(self.command(*words, "--json", quiet=True))

    def start(self) -> int:
        """Start the daemon and wait until it answers; its process id."""
        self.show("syncd run &")
        with self.log_file.open("ab") as log:
            self._daemon = subprocess.Popen(  # noqa: S603 - our own program
                [*SYNCD, "--dir", str(self.folder), "run"], stdout=log, stderr=log, env=self._environment()
            )
        self._wait_until_ready(self._daemon)
        return self._daemon.pid

    def _wait_until_ready(self, daemon: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline:
            if daemon.poll() is not None:
                raise CommandFailed(f"The daemon ended with {daemon.returncode}: {self.last_words()}")
            if _listens(self.port):
                return
            time.sleep(0.05)
        raise CommandFailed(f"The daemon did not listen within {START_WITHIN:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """The end of the daemon's log."""
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return "\n".join(lines[-15:])

    def kill(self) -> None:
        """End the daemon as a power cut would."""
        if self._daemon is not None:
            self._daemon.send_signal(signal.SIGKILL)
            self._daemon.wait()
            self._daemon = None

    def stop(self) -> int | None:
        """Let the daemon finish what is on the wire and end; its exit code, None when none was running."""
        if self._daemon is None:
            return None
        daemon, self._daemon = self._daemon, None
        daemon.terminate()
        try:
            return daemon.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            daemon.kill()
            return daemon.wait()

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
        return {**inherited, **self.environment}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def connect_prokip(home: Home, address: str, people: Mapping[str, str], location: str) -> None:
    """Set the back office with a user's password, as one types it."""
    home.command(
        *("backoffice", "set", "prokip", "--url", address, "--location", location),
        *("--username", people["username"], "--password-stdin"),
        *("--client-id", people["client_id"], "--client-secret", people["client_secret"]),
        secret=people["password"],
    )
