"""The pages under `/app`: a module for each area, its templates in the folder of `syncd/web/templates` of its name.

They read by `syncd/engine/views` and act by the same engine functions as the commands. `PAGES` is all of them.
"""

from syncd.web.pages import events, history, issues, overview, runs, sales, stock, stores
from syncd.web.pages.settings import account, notifications, people, rules
from syncd.web.pages.setup import connecting, living, location, making, matching, office

PAGES = (
    overview.pages,
    stock.pages,
    sales.pages,
    issues.pages,
    matching.pages,
    making.pages,
    location.pages,
    living.pages,
    stores.pages,
    office.pages,
    connecting.pages,
    runs.pages,
    history.pages,
    account.pages,
    people.pages,
    notifications.pages,
    rules.pages,
    events.pages,
)
