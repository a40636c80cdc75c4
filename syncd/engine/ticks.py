"""Scheduled work is begun once, however many processes have the same schedule: who claims the tick does it."""

from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam
from sqlalchemy.sql.dml import ReturningInsert

from schema.tables import Tick
from syncd.engine.context import Engine
from syncd.engine.dialects import Dialect, insert_into

TICK = Tick.metadata.tables["tick"]


def claim(engine: Engine, name: str, *, every: timedelta) -> bool:
    """Whether the work is ours to begin: nobody did within the time `every`."""
    now = engine.clock.now()
    asked = {"name": name, "begun_at": now, "last": now - every}
    with engine.database.transaction() as session:
        return session.execute(_claim(engine.database.dialect), asked).scalar_one_or_none() is not None


@cache
def _claim(dialect: Dialect) -> ReturningInsert[datetime]:
    claim = insert_into(TICK, dialect).values(name=bindparam("name"), begun_at=bindparam("begun_at"))
    return claim.on_conflict_do_update(
        index_elements=["name"],
        set_={"begun_at": claim.excluded.begun_at},
        where=TICK.c.begun_at <= bindparam("last"),
    ).returning(TICK.c.begun_at)
