"""A small disk of its own for the database, that can be filled up to the last byte. Mounting one needs root."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1024 * 1024
SMALLEST = 4096


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder; `is_small` where it is a disk of its own, and so can be filled."""

    folder: Path
    is_small: bool

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Not a byte is free any more."""
        if not self.is_small:
            raise RuntimeError("only a disk of its own is filled up")
        with self._ballast.open("ab", buffering=0) as file:
            size = CHUNK
            while size >= SMALLEST:
                try:
                    file.write(os.urandom(size))
                except OSError:
                    size //= 4
            with suppress(OSError):
                os.fsync(file.fileno())

    def empty(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Disk]:
    """A mounted file system of this size until the block ends; a plain folder where it cannot be had."""
    folder = Path(tempfile.mkdtemp(prefix="syncd-chaos-disk-"))
    image = folder.with_name(f"{folder.name}-{secrets.token_hex(3)}.img")
    try:
        is_small = _mount(image, folder, megabytes)
        folder.chmod(0o755)
        try:
            yield Disk(folder, is_small)
        finally:
            if is_small:
                subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)
    finally:
        image.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _mount(image: Path, folder: Path, megabytes: int) -> bool:
    """An ext4 in a file, so that what is synced to it is synced; else a file system in memory."""
    if os.geteuid() != 0:
        return False
    with image.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    format_it = ["mkfs.ext4", "-q", "-F", "-m", "0", image]
    if shutil.which("mkfs.ext4") and _does(format_it) and _does(["mount", "-o", "loop", image, folder]):
        return True
    return _does(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder])


def _does(command: list[object]) -> bool:
    with suppress(OSError):
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False
