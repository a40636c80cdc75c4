"""Scheduled work is begun once, however many processes have the same schedule: who claims the tick does it."""

from datetime import datetime, timedelta

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from schema.tables import Tick
from syncd.engine.context import Engine


def claim(engine: Engine, name: str, *, every: timedelta) -> bool:
    """Whether the work is ours to begin: nobody did within the time `every`."""
    now = engine.clock.now()
    insert = postgresql.insert if engine.database.dialect == "postgresql" else sqlite.insert
    statement = (
        insert(Tick)
        .values(name=name, begun_at=now)
        .on_conflict_do_update(index_elements=["name"], set_={"begun_at": now}, where=col(Tick.begun_at) <= now - every)
        .returning(col(Tick.begun_at))
    )
    with engine.database.transaction() as session:
        claimed: datetime | None = session.execute(statement).scalar_one_or_none()
    return claimed is not None
