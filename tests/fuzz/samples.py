"""Recorded messages of real platforms, from tests/data and the documentation, as seeds."""

import json
from functools import cache
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
DOCUMENT = Path(__file__).parents[2] / "docs" / "custom-store.md"
CORPUS = Path(__file__).parent / "corpus"
Message = tuple[dict[str, str], bytes]


@cache
def woocommerce_deliveries() -> tuple[Message, ...]:
    recorded = [json.loads(file.read_text()) for file in sorted((DATA / "woocommerce" / "webhooks").glob("*.json"))]
    return tuple(({name.lower(): value for name, value in one["headers"]}, one["body"].encode()) for one in recorded)


@cache
def shopify_deliveries() -> tuple[Message, ...]:
    files = sorted((DATA / "shopify").glob("*.json"))
    return tuple(
        (
            {
                "x-shopify-shop-domain": "demo.myshopify.com",
                "x-shopify-topic": file.stem.replace("-", "/", 1),
                "x-shopify-webhook-id": f"id-{file.stem}",
                "x-shopify-triggered-at": "2026-11-21T10:00:00.123456789Z",
            },
            file.read_bytes(),
        )
        for file in files
        if not file.stem.startswith("rest-")
    )


@cache
def custom_deliveries() -> tuple[Message, ...]:
    return tuple(({"webhook-id": f"m{n}"}, block) for n, block in enumerate(documented()))


@cache
def documented() -> tuple[bytes, ...]:
    """Every JSON block of the custom store's documentation, and deliveries made of them."""
    blocks = [block.split("```")[0].encode() for block in DOCUMENT.read_text().split("```json\n")[1:]]
    order = next(block for block in blocks if b'"lines"' in block)
    document = json.loads(order)
    told = document if "type" in document else {"type": "order.changed", "order": document.get("order", document)}
    more = [
        told,
        {"type": "order.deleted", "id": "7"},
        {"type": "item.changed", "item": {"id": "1"}},
        {"type": "item.deleted", "id": "1"},
        {"type": "stock.changed", "id": "1", "quantity": 4, "at": "2026-11-21T10:00:00Z"},
        {"type": "unheard.of"},
    ]
    return (*blocks, *(json.dumps(one).encode() for one in more))


@cache
def woocommerce_answers() -> tuple[bytes, ...]:
    files = sorted((DATA / "woocommerce" / "rest").glob("*.json"))
    recorded = [json.loads(file.read_text()) for file in files]
    return tuple(one["response"]["body"].encode() for one in recorded if isinstance(one.get("response"), dict))


@cache
def prokip_answers() -> tuple[bytes, ...]:
    return tuple(file.read_bytes() for file in sorted((DATA / "prokip").glob("*.json")))
