"""`/app/events`: what changes on an open page, as ready HTML, the moment it changes.

A stream looks when somebody commits in this process, and once a second for what other processes did. It sends a part
only when it is another than before, so the newest wins, and never more than four events a second. An event's id is the
time of the newest thing told, by which a browser that lost the line goes on.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from schema.tables import SessionKind
from syncd.engine.database import Database
from syncd.engine.people import sessions
from syncd.engine.views import feed
from syncd.errors import DatabaseAway, SyncdError
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.pages import issues, overview, runs, stock
from syncd.web.pages.setup import living

pages = Pages()

A_TICK = 0.25
LOOKS_EVERY = 1.0
SLOW_EVERY = timedelta(seconds=1)
SLOWER = {"shadow": timedelta(seconds=4)}
"""A page whose parts are summed up anew from every product of a store."""
HEARTBEAT = timedelta(seconds=15)
LONGEST = timedelta(minutes=30)
MOST_TOLD = 50
OVERLAP = timedelta(seconds=5)
"""How far behind the newest event is looked again: a step that began earlier may be committed later."""

Parts = list[tuple[str, str]]


@pages.stream("/app/events")
async def events(visit: Visit) -> Response:
    """Events of one page, until it is closed, the session ends, or the daemon stops."""
    stream = Stream(visit=visit, page=visit.query("page"), since=_since(visit))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(stream.run(), headers=headers)


def _since(visit: Visit) -> datetime:
    """From when on the page lacks events: the id it had last, else when it was drawn."""
    told = visit.request.headers.get("last-event-id", "") or visit.query("since")
    with suppress(ValueError):
        moment = datetime.fromisoformat(told)
        if moment.tzinfo is not None:
            return max(moment, visit.now - timedelta(hours=1))
    return visit.now


@dataclass(slots=True, kw_only=True)
class Stream:
    """One open page."""

    visit: Visit
    page: str
    since: datetime
    told: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    sold: int = 0
    slow_at: datetime | None = None
    beat_at: datetime | None = None
    has_ended: bool = False

    async def run(self) -> AsyncIterator[bytes]:
        """Every event, as it goes over the line."""
        ends_at = self.visit.now + LONGEST
        first = await run_in_threadpool(self._begin)
        for name, html in first:
            yield self._event(name, html)
        with ringing(self.visit.engine.database) as rung:
            while not self._is_over(ends_at):
                for look in (self._fresh, self._changed):  # what just happened does not wait for the sums
                    for name, html in await run_in_threadpool(look):
                        yield self._event(name, html)
                        await asyncio.sleep(A_TICK)
                with suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), LOOKS_EVERY)
                rung.clear()

    def _is_over(self, ends_at: datetime) -> bool:
        is_late = self.visit.now >= ends_at
        return is_late or self.has_ended or self.visit.request.app.state.edge.stopping.is_set()

    def _event(self, name: str, html: str) -> bytes:
        return format_sse_event(data_str=html, event=name, id=self.since.isoformat())

    def _begin(self) -> Parts:
        """What the page shows now is known; only the heartbeat is told."""
        for name, html in self._slow():
            self.told[name] = _mark(html)
        self.slow_at = self.visit.now
        return self._heartbeat()

    def _fresh(self) -> Parts:
        """What has happened since."""
        try:
            return self._feed() if self.page in ("overview", "feed", "sales") else []
        except DatabaseAway:
            return []

    def _changed(self) -> Parts:
        """Parts that are not as they were told last."""
        now = self.visit.now
        parts: Parts = []
        try:
            if self.slow_at is None or now - self.slow_at >= SLOWER.get(self.page, SLOW_EVERY):
                self.slow_at = now
                for name, html in self._slow():
                    if self.told.get(name) != _mark(html):
                        self.told[name] = _mark(html)
                        parts.append((name, html))
            if self.beat_at is None or now - self.beat_at >= HEARTBEAT:
                self.has_ended = not self._is_signed_in()
                if self.has_ended:
                    return []
                parts += self._heartbeat()
        except (DatabaseAway, SyncdError):
            return []
        return parts

    def _is_signed_in(self) -> bool:
        visitor = sessions.visitor_of(self.visit.engine, self.visit.token, SessionKind.PAGE)
        return visitor is not None and visitor.role is self.visit.who.role

    def _heartbeat(self) -> Parts:
        self.beat_at = self.visit.now
        return [("heartbeat", self.visit.draw("parts/heartbeat.html"))]

    def _feed(self) -> Parts:
        with self.visit.reading() as session:
            found = feed.events(session, self.visit.merchant_id, limit=MOST_TOLD, since=self.since - OVERLAP)
        fresh = [event for event in found if event.key not in self.keys and event.at >= self.since - OVERLAP]
        if not fresh:
            return []
        self.keys |= {event.key for event in fresh}
        self.since = max(self.since, fresh[0].at)
        if self.page == "sales":
            self.sold += sum(1 for event in fresh if event.kind in ("sale", "return"))
            return [("new-sales", self.visit.draw("parts/new_sales.html", count=self.sold))] if self.sold else []
        return [("feed", self.visit.draw("parts/events.html", events=fresh))]

    def _slow(self) -> Parts:
        """The parts that cost more to read."""
        with self.visit.reading() as session:
            open_count = issues.counts(session, self.visit)["open"]
        return [
            *PARTS.get(self.page, _nothing)(self.visit),
            ("issue-count", self.visit.draw("parts/issue_count.html", open=open_count)),
        ]


def _nothing(_visit: Visit) -> Parts:
    return []


PARTS: dict[str, Callable[[Visit], Parts]] = {
    "overview": overview.live_parts,
    "issues": issues.live_parts,
    "sku": stock.live_parts,
    "run": runs.live_parts,
    "shadow": living.live_parts,
}


def _mark(html: str) -> str:
    return hashlib.sha256(html.encode()).hexdigest()


@contextmanager
def ringing(database: Database) -> Iterator[asyncio.Event]:
    """An event of this loop that is set whenever somebody in this process has committed work."""
    rung, loop = asyncio.Event(), asyncio.get_running_loop()

    def ring() -> None:
        with suppress(RuntimeError):  # the loop has just been closed
            loop.call_soon_threadsafe(rung.set)

    end = database.on_wake(ring)
    try:
        yield rung
    finally:
        end()
