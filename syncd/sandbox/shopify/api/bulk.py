"""Bulk operations: a query that runs for a while and leaves a JSONL file.

Children stand in the file with `__parentId`, anywhere in it unless `groupObjects` was asked for.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.sandbox.shopify.payloads import gid, local
from syncd.sandbox.shopify.shop import Shop

AT_ONCE = 5
URL_LIVES = timedelta(days=7)
RUNNING = ("CREATED", "RUNNING", "CANCELING")

Row = dict[str, object]
Runner = Callable[[str], Mapping[str, object]]


@dataclass(slots=True, eq=False, kw_only=True)
class Operation:
    """One bulk operation; `lines` is its file."""

    number: int
    query: str
    group: bool
    created_at: datetime
    run: Runner
    status: str = "CREATED"
    error_code: str | None = None
    completed_at: datetime | None = None
    lines: list[str] = field(default_factory=list)
    roots: int = 0

    @property
    def file(self) -> bytes:
        """The JSONL file."""
        return "".join(line + "\n" for line in self.lines).encode()


@dataclass(slots=True, kw_only=True)
class Bulk:
    """All bulk operations of the app. `seconds` is how long one runs."""

    shop: Shop
    random: random.Random
    seconds: float = 1.0
    fails_next: bool = False
    operations: dict[int, Operation] = field(default_factory=dict)

    def start(self, query: str, *, group: bool, run: Runner) -> Operation | None:
        """Begin one; None when five run already."""
        if sum(operation.status in RUNNING for operation in self.operations.values()) >= AT_ONCE:
            return None
        made = Operation(number=self.shop.number(), query=query, group=group, created_at=self.shop.clock(), run=run)
        self.operations[made.number] = made
        return made

    def advance(self) -> None:
        """Let time pass: operations whose time is over complete and are announced."""
        for operation in self.operations.values():
            if operation.status in RUNNING and self.shop.clock() >= operation.created_at + timedelta(
                seconds=self.seconds
            ):
                self._finish(operation)
            elif operation.status == "CREATED":
                operation.status = "RUNNING"

    def _finish(self, operation: Operation) -> None:
        operation.completed_at = self.shop.clock()
        if operation.status == "CANCELING":
            operation.status = "CANCELED"
        else:
            rows = list(flatten(operation.run(operation.query)))
            operation.roots = sum("__parentId" not in row for row in rows)
            operation.status = "COMPLETED"
            if self.fails_next:
                self.fails_next = False
                operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"
                rows = rows[: len(rows) // 2]
            if not operation.group:
                self.random.shuffle(rows)
            operation.lines = [json.dumps(row) for row in rows]
        self.shop.announce(
            "bulk_operations/finish",
            {
                "admin_graphql_api_id": gid("BulkOperation", operation.number),
                "completed_at": local(operation.completed_at),
                "created_at": local(operation.created_at),
                "error_code": operation.error_code.lower() if operation.error_code else None,
                "status": operation.status.lower(),
                "type": "query",
            },
        )

    def download(self, number: int) -> bytes | None:
        """The file behind a URL, while it lives."""
        operation = self.operations.get(number)
        if operation is None or operation.completed_at is None:
            return None
        return operation.file if self.shop.clock() < operation.completed_at + URL_LIVES else None


def flatten(data: Mapping[str, object]) -> Iterator[Row]:
    """Turn a nested result into rows: each connection below a node becomes rows with __parentId."""
    for value in data.values():
        yield from _rows(value, None)


def _rows(connection: object, parent: object) -> Iterator[Row]:
    for node in _nodes(connection):
        row: Row = {name: value for name, value in node.items() if not _is_connection(value)}
        if parent is not None:
            row["__parentId"] = parent
        yield row
        for value in node.values():
            if _is_connection(value):
                yield from _rows(value, node.get("id"))


def _is_connection(value: object) -> bool:
    return isinstance(value, dict) and ("edges" in value or "nodes" in value)


def _nodes(connection: object) -> list[Row]:
    if not isinstance(connection, dict):
        return []
    if "nodes" in connection:
        return list(connection["nodes"])
    return [edge["node"] for edge in connection.get("edges", [])]
