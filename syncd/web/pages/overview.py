"""The overview: whether all is well, and what needs a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select
from starlette.responses import Response

from schema.tables import Issue, SalesLog
from syncd.engine import connections, sync
from syncd.engine.views import charts, feed, lag
from syncd.engine.views.issue_list import open_ones
from syncd.engine.views.stores import HOURS, StoresView, connected_stores, store_rows
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import day_begin
from syncd.web.pages import plots
from syncd.web.pages.cards import card
from syncd.web.pages.issue_words import Told, tell_all
from syncd.web.pages.setup.steps import first_steps

pages = Pages()

DAYS = 14
FEED = 12
MOST_ISSUES = 5
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The four figures on top, with the stores they come from."""

    view: StoresView
    oversells: int
    last_oversell: int | None


@pages.get("/app")
def overview(visit: Visit) -> Response:
    """The first page; while nothing is connected, what to do first."""
    now = visit.now
    with visit.reading() as session:
        issues = told_issues(session, visit)
        steps = first_steps(session, visit.merchant_id)
    found = card(visit, lambda session: figures(session, visit))
    return visit.render(
        "overview/page.html",
        figures=found,
        issues=issues,
        banner=next((issue for issue in issues if issue.is_urgent), None),
        events=card(visit, lambda session: feed.events(session, visit.merchant_id, limit=FEED)),
        sold=card(visit, lambda session: sold_chart(session, visit)),
        quick=None if found is None else draw_lag(found.view.measured, now),
        steps=steps,
        hour=now.astimezone(visit.times.zone).hour,
    )


def figures(session: Session, visit: Visit) -> Figures:
    """Lag, oversells, overwrites prevented, what waits."""
    merchant_id, now = visit.merchant_id, visit.now
    recent = (
        Issue.merchant_id == merchant_id,
        Issue.kind == "oversell",
        col(Issue.opened_at) >= now - timedelta(days=30),
    )
    return Figures(
        view=store_rows(session, merchant_id, day_begin(visit.times.zone, now), now),
        oversells=session.exec(select(func.count()).select_from(Issue).where(*recent)).one(),
        last_oversell=session.exec(select(func.max(Issue.id)).where(*recent)).one(),
    )


def told_issues(session: Session, visit: Visit) -> list[Told]:
    """The most urgent issues in the words of the pages."""
    return tell_all(session, visit, open_ones(session, visit.merchant_id, limit=MOST_ISSUES))


def live_parts(visit: Visit) -> list[tuple[str, str]]:
    """What changes by itself on the page: figures, stores, issues."""
    with visit.reading() as session:
        found = figures(session, visit)
        issues = told_issues(session, visit)
    return [
        ("kpis", visit.draw("parts/kpis.html", figures=found)),
        ("stores", visit.draw("parts/stores_table.html", figures=found)),
        ("issues", visit.draw("overview/issues.html", shown=issues)),
    ]


# ------------------------------------------------------------------------------------------- charts


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldChart:
    """What each store sold per day; `names` and `today` in the order of the series."""

    plot: plots.Plot
    days: tuple[datetime, ...]
    series: tuple[charts.Series, ...]
    unit: int


def sold_chart(session: Session, visit: Visit) -> SoldChart | None:
    """The last 14 days; None where nothing was ever sold."""
    zone, now = visit.times.zone, visit.now
    if session.exec(select(SalesLog.id).where(SalesLog.merchant_id == visit.merchant_id).limit(1)).first() is None:
        return None
    bounds = [day_begin(zone, now, ago) for ago in range(DAYS - 1, -1, -1)]
    series = charts.sold_per_part(session, visit.merchant_id, [*bounds, now + A_DAY])
    plot = plots.stacked_bars([each.values for each in series], DAYS)
    return SoldChart(
        plot=plot,
        days=tuple(bound.astimezone(zone) for bound in bounds),
        series=tuple(series),
        unit=1000 if plot.marks[0] >= 10_000 else 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LagChart:
    """Median and slowest of a hundred per hour, and over the whole day."""

    plot: plots.Plot
    whole: lag.Lag
    hours: tuple[datetime, ...]
    parts: tuple[lag.Lag | None, ...]


def lag_chart(session: Session, merchant_id: int, now: datetime) -> LagChart | None:
    """The last 24 hours; None where nothing was measured."""
    ids = [row.id or 0 for row in connected_stores(session, merchant_id)]
    return draw_lag(lag.measured(session, ids, now - A_DAY, now, HOURS), now)


def draw_lag(found: Sequence[lag.Measured], now: datetime) -> LagChart | None:
    """What was measured in each hour of the last 24."""
    parts, whole = lag.over_time(found, HOURS), lag.lag_of(found)
    if whole is None:
        return None
    plot = plots.polylines([[p.slow if p else None for p in parts], [p.median if p else None for p in parts]])
    hours = tuple(now - A_DAY + timedelta(hours=n) for n in range(25))
    return LagChart(plot=plot, whole=whole, hours=hours, parts=tuple(parts))


# ------------------------------------------------------------------------------------------- buttons


@pages.post("/app/sync")
def sync_now(visit: Visit) -> Response:
    """Ask for a sync of everything, one store or one SKU; its page shows how far it is."""
    name, sku = visit.sent("store"), visit.sent("sku")
    store_ids = []
    if name:
        with visit.reading() as session:
            store_ids = [connections.find(session, visit.merchant_id, name).id or 0]
    run = sync.want(
        visit.engine,
        visit.merchant_id,
        connection_ids=store_ids,
        skus=[sku] if sku else [],
        full=visit.sent("full") == "yes",
        dry_run=visit.sent("dry") == "yes",
        actor=visit.actor,
    )
    return visit.go(f"/app/runs/{run}")


@pages.get("/app/pause")
def ask_pause(visit: Visit) -> Response:
    """A page that asks, before all stores are paused."""
    with visit.reading() as session:
        stores = [row.name for row in connected_stores(session, visit.merchant_id) if row.state.value == "live"]
        paused = [row.name for row in connected_stores(session, visit.merchant_id) if row.state.value == "paused"]
    return visit.render("overview/pause.html", stores=stores, paused=paused)


@pages.post("/app/pause")
def pause_all(visit: Visit) -> Response:
    """Pause every live store, or resume every paused one."""
    is_resuming = visit.sent("deed") == "resume"
    wanted = "paused" if is_resuming else "live"
    with visit.reading() as session:
        ids = [row.id or 0 for row in connected_stores(session, visit.merchant_id) if row.state.value == wanted]
    act = connections.resume if is_resuming else connections.pause
    for connection_id in ids:
        act(visit.engine, connection_id, actor=visit.actor)
    words = "is resumed" if is_resuming else "is paused"
    return visit.go("/app", said=f"{len(ids)} stores: each {words}." if len(ids) != 1 else f"One store {words}.")
