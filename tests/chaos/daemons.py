"""The daemons as processes: several `syncd run` on one home, each with a port and a clock of its own."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from syncd.demo.process import SYNCD, free_port

ROOT = Path(__file__).resolve().parents[2]
STOP_WITHIN = 40.0


@dataclass(slots=True, kw_only=True)
class Daemon:
    """One `syncd run`; it may be ended and started again. `pids` are all processes that it was."""

    name: str
    home: Path
    role: str = "all"
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    pids: list[int] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What all its processes said."""
        return self.home / f"{self.name}.log"

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Begin, and do not wait for anything."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
        own = {**inherited, "SYNCD_WEB__LISTEN": f"127.0.0.1:{self.port}", **self.environment}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*SYNCD, "--dir", str(self.home), "run", "--role", self.role],
                cwd=ROOT,
                env=own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
        self.pids.append(self.process.pid)

    def kill(self) -> None:
        """As a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """It stands still, and does not know it."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it stood."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Let it end; the exit code, -9 where it did not within its time."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(STOP_WITHIN)
        self.kill()
        return -signal.SIGKILL

    def lines(self) -> list[dict[str, object]]:
        """Its log."""
        if not self.log.exists():
            return []
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return [line for line in found if isinstance(line, dict)]


UNEXPECTED = ("loop_failed", "delivery_not_stored", "part_ended")


def surprises(daemons: list[Daemon]) -> Counter[str]:
    """What the daemons ran into and nobody had thought of, by the last line of its traceback."""
    found: Counter[str] = Counter()
    for daemon in daemons:
        for line in daemon.lines():
            if line.get("event") in UNEXPECTED:
                last = str(line.get("exception", "")).strip().rpartition("\n")[2]
                found[f"{line['event']} {line.get('loop', '')}: {last}"] += 1
    return found


def events(daemons: list[Daemon]) -> Counter[str]:
    """How often the daemons said what."""
    return Counter(str(line.get("event")) for daemon in daemons for line in daemon.lines())
