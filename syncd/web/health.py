"""Is it alive, can it work, and how much of what: for a supervisor, a load balancer and Prometheus."""

from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.sdk.contract import Clock
from syncd.engine.database import Database
from syncd.errors import DatabaseAway
from syncd.web.gauges import Gauges
from syncd.web.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The route's parts."""

    database: Database
    clock: Clock
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
        gauges = Gauges(database=self.database, clock=self.clock)
        return Response(lines + await run_in_threadpool(gauges.lines), media_type=CONTENT_TYPE_LATEST)

    def _ask_database(self) -> None:
        with self.database.reading() as session:
            session.execute(text("SELECT 1"))
