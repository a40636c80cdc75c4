"""A clock of its own for one daemon: a small library, preloaded, moves the machine's time by what a file says.

Only the time of day moves, as when somebody sets the clock; the steady counter does not. It needs a C compiler.
"""

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


@dataclass(frozen=True, slots=True)
class SteppedClock:
    """The time of whoever is started with `environment`, moved by `step`."""

    library: Path
    offset: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the process must be started with."""
        return {"LD_PRELOAD": str(self.library), "CHAOS_CLOCK": str(self.offset)}

    def step(self, seconds: float) -> None:
        """From now on the clock is so much off, at once for the running process."""
        with self.offset.open("r+b") as file:
            file.write(struct.pack("=q", int(seconds * 1_000_000_000)))


def build(folder: Path) -> SteppedClock | None:
    """The library, compiled; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library, offset = folder / "clock.so", folder / "clock.offset"
    made = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=False, capture_output=True
    )
    if made.returncode:
        return None
    offset.write_bytes(struct.pack("=q", 0))
    return SteppedClock(library, offset)
