"""The page on which a shop's owner lets an application in, and the hand-over of the key it makes.

Facts: the plugin's includes/class-wc-auth.php, seen on 11.0.1. The owner is taken to be logged in.
"""

import html
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

from syncd.sandbox.wire import Request, Response, Webhook
from syncd.sandbox.woocommerce.keys import Key
from syncd.sandbox.woocommerce.site import Site
from syncd.sandbox.woocommerce.webhooks import is_public

Post = Callable[[Webhook], int | None]
"""Sends a request without following redirects and tells its status; None when no answer came in time."""

PATH = "/wc-auth/v1/"
NEEDED = ("app_name", "scope", "user_id", "return_url", "callback_url")
SCOPES = ("read", "write", "read_write")
NONCE = "7c1f0a9d2b"
UNSAFE = re.compile(r"[^a-zA-Z0-9\-~+_.?#=&;,/:%!*\[\]()@']")
CALLBACK_TIMEOUT = 60.0


def respond(site: Site, request: Request, post: Post, *, strict_addresses: bool) -> Response:
    """Answer a request below /wc-auth/v1. Must not be called under the lock: the callback may use its key at once."""
    query = request.query
    step = site.below(request.path).removeprefix(PATH).strip("/")
    if site.quirks.plain_permalinks:
        return _redirect(f"{site.home}{PATH}{step}/?{request.query_string}")
    reason = _objection(query, strict=strict_addresses)
    if reason:
        return _denied(reason)
    if step == "authorize":
        return _page(site, query)
    if step == "access_granted" and query.get("wc_auth_nonce") == NONCE:
        return _grant(site, query, post)
    return _denied("Invalid nonce verification")


def _objection(query: dict[str, str], *, strict: bool) -> str:
    for name in NEEDED:
        if not query.get(name):
            return f"Missing parameter {name}"
    if query["scope"] not in SCOPES:
        return f"Invalid scope {query['scope']}"
    for name in ("return_url", "callback_url"):
        if urlsplit(query[name]).scheme not in ("http", "https"):
            return f"The {name} is not a valid URL"
    if strict and urlsplit(query["callback_url"]).scheme != "https":
        return "The callback_url needs to be over SSL"
    return ""


def _page(site: Site, query: dict[str, str]) -> Response:
    granted = f"{site.home}{PATH}access_granted/?{urlencode({**query, 'wc_auth_nonce': NONCE})}"
    denied = _back(query, success=False)
    text = (
        "<!DOCTYPE html><title>Application authentication request</title>"
        f"<h1>{html.escape(query['app_name'])} would like to connect to your store</h1>"
        f"<p>It asks for {html.escape(query['scope'])} access.</p>"
        f'<a class="wc-auth-approve" href="{html.escape(granted)}">Approve</a> '
        f'<a class="wc-auth-deny" href="{html.escape(denied)}">Deny</a>'
    )
    return Response(headers={"Content-Type": "text/html; charset=UTF-8"}, body=text.encode())


def _grant(site: Site, query: dict[str, str], post: Post) -> Response:
    """Make a key, hand it over, go back. Any answer but 200 takes the key away again."""
    key = site.keys.issue(query["scope"])
    if post(_handover(site, query, key)) != 200:
        site.keys.revoke(key.key)
        return _denied("An error occurred in the request and at the time were unable to send the consumer data")
    return _redirect(_back(query, success=True))


def _handover(site: Site, query: dict[str, str], key: Key) -> Webhook:
    body = {
        "key_id": key.id,
        "user_id": query["user_id"],
        "consumer_key": key.key,
        "consumer_secret": key.secret,
        "key_permissions": key.permissions,
    }
    return Webhook(
        id=f"key-{key.id}",
        url=query["callback_url"],
        headers={"User-Agent": f"WordPress/7.0.4; {site.home}", "Content-Type": "application/json;charset=UTF-8"},
        body=json.dumps(body, separators=(",", ":")).encode(),
        timeout=CALLBACK_TIMEOUT,
    )


def allowed(post: Post, *, strict_addresses: bool) -> Post:
    """Keep the hand-over to the addresses that WordPress calls."""

    def send(webhook: Webhook) -> int | None:
        return None if strict_addresses and not is_public(webhook.url) else post(webhook)

    return send


def _back(query: dict[str, str], *, success: bool) -> str:
    """The return address; WordPress drops characters such as | from a redirect."""
    parts = urlsplit(query["return_url"])
    pairs = [*parse_qsl(parts.query), ("success", str(int(success))), ("user_id", query["user_id"])]
    return UNSAFE.sub("", parts._replace(query=urlencode(pairs, safe="|")).geturl())


def _redirect(location: str) -> Response:
    return Response(status=302, headers={"Location": location})


def _denied(reason: str) -> Response:
    text = f"<!DOCTYPE html><title>Access denied</title><p>Error: {html.escape(reason)}.</p>"
    return Response(status=401, headers={"Content-Type": "text/html; charset=UTF-8"}, body=text.encode())
