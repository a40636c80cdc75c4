"""Pictures of every page, to look at: `python -m tests.web.shots DIR [WORD]…`; only pages whose address has a WORD.

Desktop and phone, light and dark, on a street with a morning behind it, on one where nothing happened yet, and of the
doors. The names of the files are the addresses.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser

from schema import migrate
from syncd.engine.people import invitations, resets
from tests.browser import launched_browser
from tests.web.pages.addresses import ALL, DOORS, EMPTY
from tests.web.pages.conftest import Served, a_street, open_page, serve
from tests.web.pages.street import Street, hold_a_reading, live_a_morning, lose_access

HELD = ("/app/issues/4", "/app/issues/5", "/app/issues/5/release")
FORMS = {
    "desktop-light": (1280, False),
    "desktop-dark": (1280, True),
    "phone-light": (390, False),
    "phone-dark": (390, True),
}


def main(folder: Path, words: list[str]) -> None:
    """Write the pictures into the folder."""
    with launched_browser() as browser:
        with _served(_busy) as served:
            _take(
                browser, served, folder / "busy", [path for path in (*ALL, *HELD) if _is_wanted(path, words)], "owner"
            )
            _take(browser, served, folder / "doors", [p for p in _doors(served.street) if _is_wanted(p, words)], None)
        with _served(lambda _: None) as served:
            _take(browser, served, folder / "empty", [path for path in EMPTY if _is_wanted(path, words)], "owner")


def _is_wanted(path: str, words: list[str]) -> bool:
    return not words or any(word in path for word in words)


def _busy(street: Street) -> None:
    live_a_morning(street)
    lose_access(street, "b")
    hold_a_reading(street)
    engine = street.market.engine
    web = engine.settings.web.model_copy(update={"public_url": "https://sync.mwangaza.example"})
    street.market.engine = replace(engine, settings=engine.settings.model_copy(update={"web": web}))


def _doors(street: Street) -> list[str]:
    engine, merchant = street.market.engine, street.market.merchant_id
    _, token = invitations.invite(engine, merchant, email="new@mwangaza.example", role="viewer", actor="Achieng Were")
    reset = resets.give(engine, "viewer@mwangaza.example", actor="test")
    return [*DOORS, f"/invite/{token}", f"/reset/{reset}"]


@contextmanager
def _served(live: Callable[[Street], None]) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as home:
        empty = Path(home) / "empty.sqlite"
        migrate.upgrade(f"sqlite:///{empty}")
        with a_street(empty, Path(home)) as street:
            live(street)
            with serve(street) as served:
                yield served


def _take(browser: Browser, served: Served, folder: Path, paths: list[str], role: str | None) -> None:
    for form, (width, dark) in FORMS.items():
        page = open_page(browser, served, role, width=width, dark=dark)
        (folder / form).mkdir(parents=True, exist_ok=True)
        for path in paths:
            page.goto(f"{served.url}{path}")
            name = re.sub(r"[^a-zA-Z0-9]+", "-", path).strip("-")[:70] or "root"
            page.screenshot(path=folder / form / f"{name}.png", full_page=True)
        page.context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
