"""How many numbers runs changed, for lists of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from schema.tables import Push, PushState


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Numbers that a run set, and those that the store did not take."""

    done: int
    conflicts: int


def changed_counts(session: Session, run_ids: Sequence[int]) -> dict[int, Changed]:
    """For each of these runs that pushed."""
    done = func.sum(case((col(Push.state) == PushState.ACKNOWLEDGED, 1), else_=0))
    rows = session.execute(
        select(Push.run_id, done, func.count()).where(col(Push.run_id).in_(run_ids)).group_by(col(Push.run_id))
    ).all()
    return {run_id: Changed(done=int(ok), conflicts=int(total) - int(ok)) for run_id, ok, total in rows}
