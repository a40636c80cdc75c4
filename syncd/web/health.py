"""Is it alive, can it work, and how much of what: for a supervisor, a load balancer and Prometheus."""

from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlmodel import col, func, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schema.tables import Connection, Delivery, DeliveryState, Issue, IssueState
from syncd.engine.database import Database
from syncd.errors import DatabaseAway
from syncd.web.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The route's parts."""

    database: Database
    metrics: Metrics

    def routes(self) -> list[Route]:
        """All three."""
        return [
            Route("/healthz", self.alive),
            Route("/readyz", self.ready),
            Route("/metrics", self.tell),
        ]

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """503 while the database is away."""
        try:
            await run_in_threadpool(self._ask_database)
        except DatabaseAway:
            return JSONResponse({"status": "the database is away"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def tell(self, _request: Request) -> Response:
        """Counters of this process, and what the database holds."""
        lines = generate_latest(self.metrics.registry)
        try:
            gauges = await run_in_threadpool(self._gauges)
        except DatabaseAway:
            gauges = "syncd_database_up 0\n"
        return Response(lines + gauges.encode(), media_type=CONTENT_TYPE_LATEST)

    def _ask_database(self) -> None:
        with self.database.reading() as session:
            session.execute(text("SELECT 1"))

    def _gauges(self) -> str:
        with self.database.reading() as session:
            unapplied = session.exec(
                select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.NEW)
            ).one()
            issues = session.exec(select(func.count()).select_from(Issue).where(Issue.state == IssueState.OPEN)).one()
            states = session.exec(select(Connection.state, func.count()).group_by(col(Connection.state))).all()
            refused = session.exec(select(func.coalesce(func.sum(Connection.refused_signatures), 0))).one()
        lines = [
            "syncd_database_up 1",
            f"syncd_deliveries_unapplied {unapplied}",
            f"syncd_issues_open {issues}",
            f"syncd_refused_signatures_total {refused}",
            *(f'syncd_connections{{state="{state!s}"}} {count}' for state, count in states),
        ]
        return "\n".join(lines) + "\n"
