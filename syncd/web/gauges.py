"""What `/metrics` tells of the database: read when asked for, the same from every process. README.md lists the names.

Connections are named by their code, which stays when they are renamed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlmodel import Session, col, func, select

from connectors.sdk.contract import Clock
from schema.tables import (
    Connection,
    ConnectionRole,
    ConnectionState,
    Delivery,
    DeliveryState,
    Issue,
    IssueState,
    Merchant,
    Push,
)
from syncd.engine.database import Database
from syncd.engine.status import status
from syncd.engine.views import lag
from syncd.errors import DatabaseAway

LATELY = timedelta(minutes=5)
"""Of which pushes are counted, and lags measured."""
_STORE = ("connection",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges(Collector):
    """What the database holds now; `syncd_database_up 0` and nothing else while it is away."""

    database: Database
    clock: Clock

    def lines(self) -> bytes:
        """In Prometheus' own format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        up = "Whether the database answers."
        try:
            with self.database.reading() as session:
                found = list(_families(session, self.clock.now()))
        except DatabaseAway:
            yield GaugeMetricFamily("syncd_database_up", up, value=0)
            return
        yield GaugeMetricFamily("syncd_database_up", up, value=1)
        yield from found


def _families(session: Session, now: datetime) -> Iterator[Metric]:
    yield from _inbox(session, now)
    issues = session.exec(select(func.count()).select_from(Issue).where(Issue.state == IssueState.OPEN)).one()
    yield GaugeMetricFamily("syncd_issues_open", "Issues that wait for a person.", value=issues)
    refused = session.exec(select(func.coalesce(func.sum(Connection.refused_signatures), 0))).one()
    yield CounterMetricFamily("syncd_refused_signatures", "Deliveries with a wrong signature.", value=refused)
    states = session.exec(select(Connection.state, func.count()).group_by(col(Connection.state))).all()
    connections = GaugeMetricFamily("syncd_connections", "Connections by state.", labels=("state",))
    for state, count in states:
        connections.add_metric((str(state),), count)
    yield connections
    present = select(Connection).where(Connection.state != ConnectionState.DISCONNECTED).order_by(col(Connection.id))
    codes = {row.id or 0: row.code for row in session.exec(present)}
    yield from _work(session, now)
    yield from _pushes(session, codes, now)


def _inbox(session: Session, now: datetime) -> Iterator[Metric]:
    new = Delivery.state == DeliveryState.NEW
    waiting = session.exec(select(func.count()).select_from(Delivery).where(new)).one()
    oldest = session.exec(select(Delivery.received_at).where(new).order_by(col(Delivery.id)).limit(1)).first()
    yield GaugeMetricFamily("syncd_deliveries_unapplied", "Deliveries in the inbox.", value=waiting)
    age = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
    yield GaugeMetricFamily("syncd_inbox_age_seconds", "Age of the oldest delivery in the inbox.", value=age)


def _work(session: Session, now: datetime) -> Iterator[Metric]:
    """What is left to do, as `syncd status` tells it."""
    owed = GaugeMetricFamily("syncd_pushes_owed", "Numbers that a store is owed.", labels=_STORE)
    due = GaugeMetricFamily("syncd_looks_due", "Figures and products that wait for a look.", labels=_STORE)
    up = GaugeMetricFamily("syncd_connection_up", "0 while calls to it fail.", labels=_STORE)
    office = GaugeMetricFamily(
        "syncd_backoffice_owed", "Sales, returns and readings that the back office is owed.", labels=("merchant",)
    )
    for merchant in session.exec(select(Merchant).order_by(col(Merchant.id))).all():
        told = status(session, merchant.id or 0, now)
        office.add_metric((merchant.name,), told.backoffice_owed)
        names = select(Connection.name, Connection.code).where(Connection.merchant_id == merchant.id)
        codes = dict(session.exec(names).all())
        for row in told.connections:
            label = (codes[row.name],)
            up.add_metric(label, row.failing_since is None)
            if row.role == ConnectionRole.STORE.value:
                owed.add_metric(label, row.pushes_owed)
                due.add_metric(label, row.looks_due)
    yield from (owed, due, up, office)


def _pushes(session: Session, codes: dict[int, str], now: datetime) -> Iterator[Metric]:
    """Of the last minutes: how pushes ended, and how long sales took to reach the other stores."""
    recent = session.exec(
        select(Push.connection_id, Push.state, func.count())
        .where(col(Push.answered_at) >= now - LATELY, col(Push.connection_id).in_(codes))
        .group_by(col(Push.connection_id), col(Push.state))
    ).all()
    pushes = GaugeMetricFamily(
        "syncd_pushes_lately", "Numbers pushed in the last five minutes.", labels=("connection", "outcome")
    )
    for connection_id, state, count in recent:
        pushes.add_metric((codes[connection_id], str(state)), count)
    yield pushes
    lags = GaugeMetricFamily(
        "syncd_lag_seconds",
        "From a sale to the other store's acknowledgement, in the last five minutes.",
        labels=("connection", "quantile"),
    )
    measured = lag.measured(session, list(codes), now - LATELY, now)
    for connection_id, code in codes.items():
        found = lag.lag_of([each for each in measured if each.connection_id == connection_id])
        if found is not None:
            lags.add_metric((code, "0.5"), found.median)
            lags.add_metric((code, "0.99"), found.slow)
    yield lags
