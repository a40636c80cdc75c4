"""The pages in a real browser: nobody is kept out, nothing scrolls sideways, nothing is complained of."""

import pytest

from tests.axe import violations
from tests.web.pages.addresses import ALL
from tests.web.pages.conftest import open_page

pytestmark = pytest.mark.browser

CASES = [(1280, False), (360, True)]


@pytest.mark.timeout(400)  # every page, looked at in whole
@pytest.mark.parametrize(("width", "dark"), CASES, ids=["desktop-light", "phone-dark"])
def test_every_page_is_accessible_and_fits(browser, served, width, dark):
    page = open_page(browser, served, "owner", width=width, dark=dark)
    faults = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    for path in ALL:
        page.goto(f"{served.url}{path}")
        faults += [f"{path}: {fault}" for fault in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            faults.append(f"{path}: scrolls sideways")
    assert faults == []


def test_the_keyboard_reaches_everything(browser, served):
    page = open_page(browser, served, "owner")
    page.goto(f"{served.url}/app")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/app/stock")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("kitenge")
    page.keyboard.press("Enter")
    page.wait_for_url("**/app/stock?q=kitenge**")
    assert page.locator("tbody tr").count() == 2


def test_a_page_works_without_script(browser, served):
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "syncd", "value": served.street.token("operator"), "url": served.url}])
    page = context.new_page()
    page.goto(f"{served.url}/app/issues/1")
    page.fill("#note", "Asked Mombasa Road for two.")
    page.click("text=Add note")
    assert page.locator(".talk").inner_text().count("Asked Mombasa Road for two.") == 1
    assert "Your note is added." in page.locator("#said").inner_text()
