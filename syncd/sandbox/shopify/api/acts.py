"""Mutations of orders, webhook subscriptions and bulk operations, and the app's own removal."""
# ruff: noqa: ARG001 (all resolvers share one signature)

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from syncd.sandbox.shopify import refunds
from syncd.sandbox.shopify.api.bulk import RUNNING
from syncd.sandbox.shopify.api.call import Args, Call, Fields, number_in
from syncd.sandbox.shopify.api.inventory import Row, error, plain
from syncd.sandbox.shopify.payloads import gid
from syncd.sandbox.shopify.records import Order
from syncd.sandbox.shopify.shop import NotAllowed, given_back, received


def create_refund(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """refundCreate: restockType per line decides; without one nothing is restocked."""
    wanted = cast(Row, args["input"])
    order = call.shop.orders.get(number_in(wanted["orderId"], "Order"))
    if order is None:
        return {"order": None, "refund": None, "userErrors": [plain(["orderId"], "Order does not exist")]}
    try:
        backs = [_back(call, order, row) for row in cast(Sequence[Row], wanted.get("refundLineItems") or ())]
        paid_out = _paid_out(order, cast(Sequence[Row], wanted.get("transactions") or ()))
    except NotAllowed as refusal:
        return {"order": None, "refund": None, "userErrors": [plain(["refundLineItems"], str(refusal))]}
    written = refunds.refund_units(call.shop, order, backs, amount=paid_out, note=cast(str | None, wanted.get("note")))
    return {"order": order, "refund": written, "userErrors": []}


def _paid_out(order: Order, transactions: Sequence[Row]) -> Decimal:
    amount = sum((Decimal(str(transaction["amount"])) for transaction in transactions), Decimal(0))
    if amount > received(order) - given_back(order):
        raise NotAllowed(409, "Refund amount is more than was paid")
    return amount


def _back(call: Call, order: Order, row: Row) -> refunds.Back:
    number = number_in(row["lineItemId"], "LineItem")
    line = next((line for line in order.lines if line.number == number), None)
    quantity = cast(int, row["quantity"])
    if line is None or not 0 < quantity <= line.current_quantity:
        raise NotAllowed(409, "Quantity cannot refund more items than were purchased")
    kind = str(row.get("restockType") or "NO_RESTOCK")
    if kind == "CANCEL" and quantity > line.fulfillable:
        raise NotAllowed(409, "Quantity cannot be cancelled, it was fulfilled")
    location = None if row.get("locationId") is None else number_in(row["locationId"], "Location")
    if location is not None and location not in call.shop.locations:
        raise NotAllowed(409, "Location does not exist")
    where = None if location is None else call.shop.locations[location]
    return refunds.Back(line=line, quantity=quantity, restock_type=kind, location=where)


def cancel_order(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """orderCancel; the job is over when the answer comes."""
    order = call.shop.orders.get(number_in(args["orderId"], "Order"))
    refused: list[dict[str, object]] = []
    if order is None:
        refused = [error("NOT_FOUND", ["orderId"], "Order does not exist")]
    else:
        try:
            refunds.cancel(call.shop, order, restock=bool(args["restock"]), refund=bool(args.get("refund")))
        except NotAllowed as refusal:
            refused = [error("INVALID", ["orderId"], str(refusal))]
    job = None if refused else {"id": gid("Job", call.shop.number()), "done": True}
    return {"job": job, "orderCancelUserErrors": refused, "userErrors": refused}


def create_subscription(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """webhookSubscriptionCreate, for JSON over HTTP without a filter."""
    wanted = cast(Row, args["webhookSubscription"])
    uri = str(wanted.get("uri") or wanted.get("callbackUrl") or "")
    topic = _topic(str(args["topic"]))
    refusal = call.services.webhooks.refusal(topic, uri) or _unsupported(wanted)
    if refusal:
        field = ["webhookSubscription", "callbackUrl"]
        return {"webhookSubscription": None, "userErrors": [plain(field, refusal)]}
    made = call.services.webhooks.subscribe(
        topic,
        uri,
        include_fields=cast(Sequence[str], wanted.get("includeFields") or ()),
        name=cast(str | None, wanted.get("name")),
    )
    return {"webhookSubscription": made, "userErrors": []}


def _topic(name: str) -> str:
    """ORDERS_CREATE as deliveries name it: the last word is the act, except where the act has more words."""
    for act in ("order_routing_complete", "scopes_update", "partially_fulfilled"):
        if name.lower().endswith("_" + act):
            return f"{name.lower().removesuffix('_' + act)}/{act}"
    head, _, tail = name.lower().rpartition("_")
    return f"{head}/{tail}"


def _unsupported(wanted: Row) -> str | None:
    if wanted.get("filter"):
        return "Filters are not part of this simulation"
    return "Only JSON is part of this simulation" if wanted.get("format") == "XML" else None


def update_subscription(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """WebhookSubscriptionUpdate."""
    found = call.services.webhooks.subscriptions.get(number_in(args["id"], "WebhookSubscription"))
    if found is None or found.is_app_configured:
        return {"webhookSubscription": None, "userErrors": [plain(["id"], "Webhook subscription does not exist")]}
    wanted = cast(Row, args["webhookSubscription"])
    uri = str(wanted.get("uri") or wanted.get("callbackUrl") or found.uri)
    refusal = call.services.webhooks.refusal(found.topic, uri) if uri != found.uri else None
    if refusal or _unsupported(wanted):
        message = refusal or str(_unsupported(wanted))
        return {"webhookSubscription": None, "userErrors": [plain(["webhookSubscription"], message)]}
    found.uri, found.updated_at = uri, call.shop.now()
    if "includeFields" in wanted:
        found.include_fields = tuple(cast(Sequence[str], wanted["includeFields"] or ()))
    return {"webhookSubscription": found, "userErrors": []}


def delete_subscription(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """WebhookSubscriptionDelete."""
    number = number_in(args["id"], "WebhookSubscription")
    found = call.services.webhooks.subscriptions.get(number)
    if found is None or found.is_app_configured:
        message = "Webhook subscription does not exist"
        return {"deletedWebhookSubscriptionId": None, "userErrors": [plain(["id"], message)]}
    del call.services.webhooks.subscriptions[number]
    return {"deletedWebhookSubscriptionId": args["id"], "userErrors": []}


def cancel_bulk(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """BulkOperationCancel."""
    operation = call.services.bulk.operations.get(number_in(args["id"], "BulkOperation"))
    if operation is None:
        return {"bulkOperation": None, "userErrors": [plain(["id"], "Bulk operation does not exist")]}
    if operation.status in RUNNING:
        operation.status = "CANCELING"
    return {"bulkOperation": operation, "userErrors": []}


def uninstall(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """AppUninstall."""
    call.services.uninstall()
    return {"app": None, "userErrors": []}


FIELDS: Fields = {
    "refundCreate": create_refund,
    "orderCancel": cancel_order,
    "webhookSubscriptionCreate": create_subscription,
    "webhookSubscriptionUpdate": update_subscription,
    "webhookSubscriptionDelete": delete_subscription,
    "bulkOperationCancel": cancel_bulk,
    "appUninstall": uninstall,
}
