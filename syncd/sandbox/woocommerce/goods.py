"""Products and variations of the simulated shop: who keeps the stock of what, and what a change of it means.

Orders move stock through `orders.py`, REST writes it through `catalogue.py`; both end in `Shop.set_stock`.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(slots=True, kw_only=True)
class Product:
    """A simple product, a variable product (the parent), or a variation (has a parent)."""

    id: int
    name: str
    sku: str
    price: Decimal
    created: datetime
    modified: datetime
    type: str = "simple"
    parent: "Product | None" = None
    option: tuple[str, str] | None = None
    status: str = "publish"
    manages_stock: bool = True
    stock: int = 0
    stock_status: str = "instock"
    backorders: str = "no"
    image_url: str | None = None
    sold: int = 0


def keeper(product: Product) -> Product | None:
    """The product whose own quantity is the stock of this one; None when nobody counts it."""
    if product.manages_stock:
        return product
    if product.parent is not None and product.parent.manages_stock:
        return product.parent
    return None


def managing(product: Product) -> bool | str:
    """What REST calls `manage_stock`: true, false, or "parent" for a variation counted at its parent."""
    kept_by = keeper(product)
    if kept_by is None:
        return False
    return True if kept_by is product else "parent"


def shown_sku(product: Product) -> str:
    """The SKU that listings and order lines show: a variation without its own reports its parent's."""
    if not product.sku and product.parent is not None:
        return product.parent.sku
    return product.sku


def shown_status(product: Product) -> str:
    """`stock_status`, which follows the quantity wherever stock is counted."""
    kept_by = keeper(product)
    if kept_by is None:
        return product.stock_status
    if kept_by.stock > 0:
        return "instock"
    return "outofstock" if kept_by.backorders == "no" else "onbackorder"


def collated(sku: str) -> str:
    """An SKU as the shop's database compares it: case, accents and trailing blanks do not count."""
    plain = (letter for letter in unicodedata.normalize("NFKD", sku) if not unicodedata.combining(letter))
    return "".join(plain).casefold().rstrip(" ")
