"""Idempotency keys: a repeated key gives the first answer; a changed request or a failed first attempt is told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

REMEMBERED_FOR = timedelta(hours=24)

Payload = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    request: str
    begun_at: datetime
    busy_until: datetime
    payload: Payload
    failed: bool


@dataclass(slots=True, kw_only=True)
class Keys:
    """The keys of one app in one store."""

    uses: dict[str, _Use] = field(default_factory=dict)

    def once(
        self,
        key: str,
        operation: str,
        arguments: object,
        *,
        now: datetime,
        latency: float,
        run: Callable[[], Payload],
        refuse: Callable[[str], Payload],
    ) -> Payload:
        """Run, or answer for an earlier use of the key.

        An attempt counts as in flight while its answer is still on the way (`latency`), and as failed when it gave user
        errors.
        """
        request = json.dumps([operation, arguments], sort_keys=True, default=str)
        use = self.uses.get(key)
        if use is None or now - use.begun_at >= REMEMBERED_FOR:
            payload = run()
            self.uses[key] = _Use(
                request=request,
                begun_at=now,
                busy_until=now + timedelta(seconds=latency),
                payload=payload,
                failed=bool(payload["userErrors"]),
            )
            return payload
        if use.request != request:
            return refuse("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
        if now < use.busy_until:
            return refuse("IDEMPOTENCY_CONCURRENT_REQUEST")
        if use.failed:
            return refuse("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
        return use.payload
