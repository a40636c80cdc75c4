"""The rules that the simulated daemon follows: those of syncd.domain, unless a test swaps one for a naive one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncd.domain import backoffice, look, orders, publish, readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    intake_decision: Callable[..., Any] = orders.intake_decision
    reread_decision: Callable[..., Any] = orders.reread_decision
    needs_look: Callable[..., Any] = orders.needs_look
    line_movement: Callable[..., Any] = orders.line_movement
    own_movement: Callable[..., Any] = look.own_movement
    hear_hint: Callable[..., Any] = look.hear_hint
    hint_matured: Callable[..., Any] = look.hint_matured
    close_look: Callable[..., Any] = look.close_look
    plan_push: Callable[..., Any] = publish.plan_push
    plan_doubtful_write: Callable[..., Any] = publish.plan_doubtful_write
    after_push_ok: Callable[..., Any] = publish.after_push_ok
    after_push_refused: Callable[..., Any] = publish.after_push_refused
    after_push_lost: Callable[..., Any] = publish.after_push_lost
    why_dropped: Callable[..., Any] = readings.why_dropped
    owed_documents: Callable[..., Any] = backoffice.owed_documents


RULES = Rules()
