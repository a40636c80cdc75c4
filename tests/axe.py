"""axe-core, which finds what keeps people from using a page; fetched once as an npm package, used in tests only."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.postgres import file_lock

VERSION = "4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="


class AxeMissing(Exception):
    """axe-core is not to be had on this machine."""


def violations(page: Page) -> list[str]:
    """What is wrong with the page as it is, a line each."""
    page.evaluate(_source())
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]}" for rule in found["violations"] for node in rule["nodes"]
    ]


def _source() -> str:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = caches / "syncd-tests" / f"axe-{VERSION}.js"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(kept.with_suffix(".lock")):
        if not kept.exists():
            _fetch(kept)
    return kept.read_text()


def _fetch(kept: Path) -> None:
    """The package's archive, checked against the pinned sum, and its one file."""
    if not shutil.which("npm"):
        raise AxeMissing(f"Tests of accessibility need npm, which fetches axe-core {VERSION} once.")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"axe-core@{VERSION}"]
        fetched = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
        archives = list(Path(folder).glob("*.tgz"))
        if fetched.returncode != 0 or len(archives) != 1:
            raise AxeMissing(f"npm did not give axe-core: {fetched.stderr.strip()[-300:]}")
        if base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode() != SHA512:
            raise AxeMissing(f"npm gave another axe-core {VERSION} than the pinned one")
        with tarfile.open(archives[0]) as package:
            source = package.extractfile("package/axe.min.js").read()
    draft = kept.with_suffix(".new")
    draft.write_bytes(source)
    draft.rename(kept)
