"""The GraphQL documents in `queries/`, one operation or fragment a file, and the ids they speak of."""

import re
from functools import cache
from importlib.resources import files

from connectors.sdk.errors import MalformedPayload

FRAGMENTS = {
    "variants": ("variant_fields",),
    "variants_by_id": ("variant_fields",),
    "find_sku": ("variant_fields",),
    "create_product": ("variant_fields",),
    "orders_by_id": ("line_fields", "refund_fields", "refund_line_fields"),
    "order_lines": ("line_fields",),
    "order_refunds": ("refund_fields", "refund_line_fields"),
    "refund_lines": ("refund_line_fields",),
}
_GID = re.compile(r"gid://shopify/(\w+)/([0-9]{1,20})(?:\?.*)?")


@cache
def document(name: str) -> str:
    """An operation with the fragments it uses."""
    folder = files("connectors.shopify").joinpath("queries")
    parts = (name, *FRAGMENTS.get(name, ()))
    return "\n".join(folder.joinpath(f"{part}.graphql").read_text(encoding="utf-8") for part in parts)


def gid(kind: str, number: str) -> str:
    """A global id, such as gid://shopify/Order/1."""
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str, kind: str) -> str:
    """The number in a global id of this kind; MalformedPayload for anything else."""
    match = _GID.fullmatch(global_id)
    if match is None or match[1] != kind:
        raise MalformedPayload(f"This should be the id of a {kind}, but is {global_id[:60]!r}.")
    return match[2]
