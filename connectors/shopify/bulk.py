"""A large catalogue by bulk operation: Shopify runs the query by itself and leaves a file of lines."""

from collections.abc import Iterator
from datetime import timedelta

from connectors.sdk.answer import parse_json
from connectors.sdk.budget import Priority
from connectors.sdk.contract import Clock
from connectors.sdk.errors import RateLimited, Unavailable
from connectors.sdk.reader import Reader
from connectors.shopify.client import ShopifyClient
from connectors.shopify.documents import document, number_of

RUNNING = frozenset({"CREATED", "RUNNING"})
LONGEST = timedelta(hours=1)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
BUSY_PAUSE = 60.0  # seconds until another of our operations may have ended
OPERATION = "read the whole catalogue"


def rows(client: ShopifyClient, clock: Clock, location: str) -> list[Reader]:
    """Every variant with its figure at a location, sorted by id. Unavailable where Shopify did not finish: part of a
    file is never taken for the whole.
    """
    operation_id = _start(client, location)
    finished = _wait(client, clock, operation_id)
    url, count = finished.maybe_text("url"), finished.decimal("objectCount")
    found = list(_read(client.download(url))) if url else []
    if len(found) != count:
        raise Unavailable(f"The file of the catalogue has {len(found)} of {count} rows.", operation=OPERATION)
    return sorted(found, key=lambda row: int(number_of(row.text("id"), "ProductVariant")))


def _start(client: ShopifyClient, location: str) -> str:
    query = document("all_variants").replace("LOCATION", location).partition("\n")[2]
    told = client.write("bulk_run", OPERATION, {"query": query}, priority=Priority.BULK)
    payload = told.data.nested("bulkOperationRunQuery")
    errors = [row.text("message") for row in payload.each("userErrors")]
    if errors:
        raise RateLimited(f"Shopify did not start: {errors[0]}", retry_after=BUSY_PAUSE, operation=OPERATION)
    return payload.nested("bulkOperation").text("id")


def _wait(client: ShopifyClient, clock: Clock, operation_id: str) -> Reader:
    until, pause = clock.now() + LONGEST, FIRST_PAUSE
    while clock.now() < until:
        told = client.read("bulk_state", OPERATION, {"id": operation_id}, priority=Priority.BULK)
        operation = told.data.nested("bulkOperation")
        status = operation.text("status")
        if status == "COMPLETED":
            return operation
        if status not in RUNNING:
            reason = operation.maybe_text("errorCode") or "no reason"
            raise Unavailable(f"Shopify gave the catalogue up: {status} ({reason}).", operation=OPERATION)
        before = clock.now()
        clock.sleep(pause)
        if (clock.now() - before).total_seconds() < pause / 2:
            raise Unavailable("The wait for the catalogue was cut short: syncd is stopping.", operation=OPERATION)
        pause = min(LONGEST_PAUSE, pause * 1.5)
    raise Unavailable("Shopify has not finished the catalogue in an hour.", operation=OPERATION)


def _read(file: bytes) -> Iterator[Reader]:
    for position, line in enumerate(file.splitlines(), start=1):
        yield Reader.of(parse_json(line), f"the catalogue's file, line {position}")
