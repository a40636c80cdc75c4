"""Everything that happened: all events, charts, raw deliveries."""

import json
from datetime import datetime, timedelta

from starlette.responses import JSONResponse, Response

from schema.tables import DeliveryState
from syncd.engine import deliveries
from syncd.engine.views import charts, feed, lag
from syncd.engine.views.stores import connected_stores
from syncd.errors import NotPossible
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import day_begin
from syncd.web.pages import overview, plots
from syncd.web.pages.cards import card
from syncd.web.pages.paging import number_of

pages = Pages()

EVENTS = 60
DELIVERIES = 50
KINDS = ("sales", "pushes", "readings", "recorded", "drift")
A_DAY = timedelta(days=1)
LONGEST_BODY = 20_000


@pages.get("/app/feed")
def all_events(visit: Visit) -> Response:
    """All events, page by page."""
    kind = visit.query("show", "all")
    before = _moment(visit.query("before"))
    with visit.reading() as session:
        kinds = (kind,) if kind in KINDS else ()
        events = feed.events(session, visit.merchant_id, limit=EVENTS, before=before, kinds=kinds)
    return visit.render("history/feed.html", events=events, kind=kind, kinds=KINDS, before=before, page=EVENTS)


def _moment(told: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


# ------------------------------------------------------------------------------------------- charts


@pages.get("/app/charts")
def all_charts(visit: Visit) -> Response:
    """Sales per store and day, how long numbers take, calls to platforms."""
    now, zone = visit.now, visit.times.zone
    bounds = [day_begin(zone, now, ago) for ago in range(overview.DAYS - 1, -1, -1)]
    calls = card(visit, lambda session: charts.writes_per_part(session, visit.merchant_id, [*bounds, now + A_DAY]))
    return visit.render(
        "history/charts.html",
        sold=card(visit, lambda session: overview.sold_chart(session, visit)),
        quick=card(visit, lambda session: overview.lag_chart(session, visit.merchant_id, now)),
        calls=calls,
        calls_plot=plots.stacked_bars([each.values for each in calls or []], overview.DAYS),
        days=[bound.astimezone(zone) for bound in bounds],
    )


@pages.get("/app/charts/lag.json")
def lag_points(visit: Visit) -> Response:
    """Median and slowest of a hundred for every quarter of an hour of the last day, for the chart that moves."""
    now = visit.now
    with visit.reading() as session:
        ids = [row.id or 0 for row in connected_stores(session, visit.merchant_id)]
        parts = lag.over_time(lag.measured(session, ids, now - A_DAY, now, 96), 96)
    times = [int((now - A_DAY + A_DAY * (n + 0.5) / 96).timestamp()) for n in range(96)]
    medians = [None if part is None else round(part.median, 2) for part in parts]
    slow = [None if part is None else round(part.slow, 2) for part in parts]
    return JSONResponse([times, medians, slow], headers={"Cache-Control": "no-store"})


# ------------------------------------------------------------------------------------------- deliveries


@pages.get("/app/deliveries")
def delivery_list(visit: Visit) -> Response:
    """Raw messages of the stores."""
    state = visit.query("show", "all")
    with visit.reading() as session:
        stores = connected_stores(session, visit.merchant_id)
        store = next((row for row in stores if row.name == visit.query("store")), None)
        found = deliveries.list_deliveries(
            session,
            visit.merchant_id,
            connection_id=store.id if store else None,
            state=DeliveryState(state) if state in set(DeliveryState) else None,
            before=number_of(visit, "before") or None,
            limit=DELIVERIES,
        )
    return visit.render(
        "history/deliveries.html", found=found, stores=stores, store=store, state=state, page=DELIVERIES
    )


@pages.get("/app/deliveries/{delivery_id:int}")
def delivery(visit: Visit) -> Response:
    """One raw message, without what proves who sent it."""
    with visit.reading() as session:
        try:
            view, headers, body = deliveries.show(session, visit.merchant_id, int(visit.part("delivery_id")))
        except NotPossible:
            raise NothingHere from None
    return visit.render("history/delivery.html", view=view, headers=headers, body=_pretty(body)[:LONGEST_BODY])


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


@pages.post("/app/deliveries/{delivery_id:int}/replay")
def replay(visit: Visit) -> Response:
    """Take it in again; what is known already counts once."""
    delivery_id = int(visit.part("delivery_id"))
    deliveries.replay(visit.engine, visit.merchant_id, delivery_id, actor=visit.actor)
    return visit.go(f"/app/deliveries/{delivery_id}", said="It is taken in again. What is known already counts once.")


@pages.get("/app/keys")
def keys(visit: Visit) -> Response:
    """What the keyboard can do."""
    return visit.render("history/keys.html")
