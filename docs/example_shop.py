"""A shop in memory that joins syncd (custom-store.md): `python example_shop.py 8300 whsec_…`; buy at POST /buy."""
# ruff: noqa: ANN001, ANN201, ANN204, D101, D102, S310, T201

import base64
import hmac
import json
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer


class Shop:
    def __init__(self, secret, items, now=time.time, send=urllib.request.urlopen):
        self.key, self.now, self.send = base64.b64decode(secret.removeprefix("whsec_")), now, send
        self.items, self.orders, self.webhook_url, self.told = items, {}, None, 0

    def signed(self, body, message_id, at):
        mac = base64.b64encode(hmac.digest(self.key, f"{message_id}.{at}.".encode() + body, "sha256")).decode()
        return {"webhook-id": message_id, "webhook-timestamp": at, "webhook-signature": f"v1,{mac}"}

    def tell(self, message):  # a real shop keeps the message, and sends it again until it is answered 200
        if self.webhook_url:
            self.told, body = self.told + 1, json.dumps(message).encode()
            headers = self.signed(body, f"{self.now()}-{self.told}", str(int(self.now())))
            threading.Thread(target=self.send, args=(urllib.request.Request(self.webhook_url, body, headers),)).start()

    def buy(self, item_id, quantity):
        item, now = self.items[item_id], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now()))
        line = {"id": "1", "item_id": item_id, "sku": item["sku"], "total": str(quantity * item["price"])}
        line |= {"quantity": quantity, "taken": quantity}
        order = {"id": str(1001 + len(self.orders)), "created_at": now, "changed_at": now, "paid_at": now}
        self.orders[order["id"]] = order = order | {"currency": "KES", "lines": [line]}
        item["quantity"] -= quantity
        self.tell({"type": "order.changed", "order": order})
        return order["id"]

    def set_stock(self, rows):
        found = [{"id": row["id"], "quantity": self.items.get(row["id"], {}).get("quantity")} for row in rows]
        is_right = [row["quantity"] for row in found] == [row["expected"] for row in rows]
        self.items |= {row["id"]: self.items[row["id"]] | {"quantity": row["quantity"]} for row in rows if is_right}
        return {} if is_right else {"rows": found}

    def answer(self, headers, body):
        message_id, at, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        right = self.signed(body, message_id, at)["webhook-signature"]
        if not hmac.compare_digest(given.encode(), right.encode()) or abs(int(at) - self.now()) > 300:
            return 401, {"error": "wrong signature"}
        call, orders = json.loads(body), sorted(self.orders.values(), key=lambda one: one["changed_at"])
        answers = {
            "shop.describe": lambda: {"id": "example", "name": "Example shop", "currency": "KES", "compares": True},
            "webhook.get": lambda: {"url": self.webhook_url},
            "webhook.set": lambda: vars(self).update(webhook_url=call["url"]) or {},
            "items.list": lambda: {"items": list(self.items.values())},
            "items.get": lambda: {"items": [self.items.get(one) for one in call["ids"]]},
            "stock.set": lambda: self.set_stock(call["rows"]),
            "orders.list": lambda: {"orders": [one for one in orders if one["changed_at"] >= call["changed_since"]]},
            "orders.open": lambda: {"orders": [one for one in orders if not one.get("cancelled_at")]},
            "orders.get": lambda: {"orders": [self.orders.get(one) for one in call["ids"]]},
        }
        found = answers[call["type"]]()
        return 409 if "rows" in found else 200, found


class Door(BaseHTTPRequestHandler):
    def do_POST(self):
        body, shop = self.rfile.read(int(self.headers["content-length"])), self.server.shop
        status, found = (200, shop.buy(**json.loads(body))) if self.path == "/buy" else shop.answer(self.headers, body)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Door)
    server.shop = Shop(sys.argv[2], {"1": {"id": "1", "sku": "MUG", "price": 450, "quantity": 20}})
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
