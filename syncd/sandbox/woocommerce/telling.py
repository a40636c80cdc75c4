"""REST routes of webhooks, and the bodies that webhooks carry."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from syncd.sandbox.woocommerce import shapes
from syncd.sandbox.woocommerce.answers import Answer, Call, RestError, page

if TYPE_CHECKING:
    from syncd.sandbox.woocommerce.shop import Shop
    from syncd.sandbox.woocommerce.site import Site
    from syncd.sandbox.woocommerce.webhooks import Hook

TOPIC = re.compile(r"(coupon|customer|order|product)\.(created|updated|deleted|restored)|action\.(woocommerce|wc)_\w+")
STATUSES = ("active", "paused", "disabled")
HOOKS: dict[str, list[str]] = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": [
        "woocommerce_process_product_meta",
        "woocommerce_new_product",
        "woocommerce_new_product_variation",
    ],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
}


def list_webhooks(call: Call) -> Answer:
    """GET /webhooks."""
    hooks = list(call.site.queue.hooks.values())
    status = call.query.get("status", "all")
    wanted = [hook for hook in hooks if status in ("all", hook.status)]
    return page(call, wanted, lambda hook: _shape(call, hook))


def get_webhook(call: Call) -> Answer:
    """GET /webhooks/{id}."""
    return Answer(body=_shape(call, _found(call)))


def create_webhook(call: Call) -> Answer:
    """POST /webhooks: active at once, whatever becomes of the ping."""
    topic, url = str(call.body.get("topic", "")), str(call.body.get("delivery_url", ""))
    _check_topic(topic)
    _check_url(url)
    name = str(call.body.get("name") or f"Webhook created on {call.site.shop.now():%b %d, %Y}")
    hook = call.site.queue.register(name, topic, url, str(call.body.get("secret", "")))
    return Answer(body=_shape(call, hook), status=201)


def put_webhook(call: Call) -> Answer:
    """PUT /webhooks/{id}; setting it active again does not forget its failures."""
    hook, body = _found(call), call.body
    if "topic" in body:
        _check_topic(str(body["topic"]))
        hook.topic = str(body["topic"])
    if "delivery_url" in body:
        _check_url(str(body["delivery_url"]))
        hook.url = str(body["delivery_url"])
    if body.get("status") in STATUSES:
        hook.status = str(body["status"])
    hook.secret = str(body.get("secret", hook.secret))
    hook.name = str(body.get("name", hook.name))
    hook.modified = call.site.shop.now()
    return Answer(body=_shape(call, hook))


def delete_webhook(call: Call) -> Answer:
    """DELETE /webhooks/{id}?force=true."""
    hook = _found(call)
    if not call.flag("force"):
        raise RestError(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
    shape = _shape(call, hook)
    del call.site.queue.hooks[hook.id]
    return Answer(body=shape)


def _found(call: Call) -> "Hook":
    hook = call.site.queue.hooks.get(call.ids[0])
    if hook is None:
        raise RestError(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
    return hook


def _check_topic(topic: str) -> None:
    if not TOPIC.fullmatch(topic):
        raise RestError(400, "woocommerce_rest_webhook_invalid_topic", "Webhook topic is required and must be valid.")


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise RestError(400, "woocommerce_rest_webhook_invalid_delivery_url", message)


def _shape(call: Call, hook: "Hook") -> dict[str, object]:
    shop = call.site.shop
    return {
        "id": hook.id,
        "name": hook.name,
        "status": hook.status,
        "topic": hook.topic,
        "resource": hook.resource,
        "event": hook.event,
        "hooks": HOOKS.get(hook.topic, [hook.event]),
        "delivery_url": hook.url,
        **shapes.dates(shop, "date_created", hook.created),
        **shapes.dates(shop, "date_modified", hook.modified),
        "_links": shapes.links(call.site.home, f"webhooks/{hook.id}"),
    }


def body(site: "Site", hook: "Hook", argument: object) -> object:
    """What a webhook says when its turn comes; an object that is gone by then makes a REST error the body."""
    if hook.resource == "action":
        return {"action": hook.event, "arg": argument}
    if hook.event == "deleted":
        return {"id": argument}
    if site.quirks.owner_lost_rights:
        return RestError(401, "woocommerce_rest_cannot_view", "Sorry, you cannot view this resource.").shape()
    return _resource(site.shop, site.home, hook.resource, argument)


def _resource(shop: "Shop", home: str, resource: str, argument: object) -> Mapping[str, object]:
    number = argument if isinstance(argument, int) else 0
    if resource == "order" and number in shop.orders:
        return shapes.order(shop, home, shop.orders[number])
    if resource == "product" and number in shop.products:
        return shapes.product(shop, home, shop.products[number])
    code = "woocommerce_rest_shop_order_invalid_id" if resource == "order" else "woocommerce_rest_product_invalid_id"
    return RestError(404, code, "Invalid ID.").shape()
