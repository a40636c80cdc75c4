"""The one app that the daemon serves: webhooks and health as plain routes, `site.py` beside them."""

import threading
from dataclasses import dataclass, field

from fastapi import FastAPI

from syncd.engine.context import Engine
from syncd.engine.inbox import Inbox
from syncd.web.consent import ConsentCallback
from syncd.web.doors import Doors
from syncd.web.health import Health
from syncd.web.metrics import Metrics
from syncd.web.site import add_site
from syncd.web.webhooks import Webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What routes are made from; `app.state.edge` has it. `stopping` ends streams that would go on for ever."""

    engine: Engine
    inbox: Inbox
    metrics: Metrics
    stopping: threading.Event = field(default_factory=threading.Event)


def create_app(edge: Edge) -> FastAPI:
    """The app. It owns nothing: starting and stopping the inbox and the engine is `syncd.app`'s business."""
    app = FastAPI(title="syncd", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.edge = edge
    engine = edge.engine
    webhooks = Webhooks(
        doors=Doors(engine),
        inbox=edge.inbox,
        clock=engine.clock,
        metrics=edge.metrics,
        body_limit=engine.settings.web.body_limit,
    )
    health = Health(database=engine.database, clock=engine.clock, metrics=edge.metrics)
    for part in (webhooks, health, ConsentCallback(engine=engine, body_limit=engine.settings.web.body_limit)):
        app.router.routes.extend(part.routes())
    add_site(app, engine)
    return app
