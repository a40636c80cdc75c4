"""Which sales `GET sell` lists. There is no filter on invoice number, notes, ids or time of change."""

from collections.abc import Callable, Iterable, Mapping

from syncd.sandbox.prokip.business import as_id
from syncd.sandbox.prokip.records import Sale
from syncd.sandbox.prokip.shapes import CASHIER_ID, USER_ID


def matching_sales(sales: Iterable[Sale], query: Mapping[str, str]) -> list[Sale]:
    """The sales that pass every filter of the query that the controller knows."""
    return [sale for sale in sales if _matches(sale, query)]


def _matches(sale: Sale, query: Mapping[str, str]) -> bool:
    day = f"{sale.sold_at:%Y-%m-%d}"
    creator = USER_ID if sale.is_from_api else CASHIER_ID
    tests: dict[str, Callable[[str], bool]] = {
        "location_id": lambda value: as_id(value) == sale.location_id,
        "contact_id": lambda value: as_id(value) == sale.contact_id,
        "user_id": lambda value: as_id(value) == creator,
        "status": lambda value: value == sale.status,
        "payment_status": lambda value: sale.payment_status in value.split(","),
        # Asked for literally, the real list looks for sales of its own WooCommerce module instead.
        "source": lambda value: value != "woocommerce" and value == sale.source,
        "start_date": lambda value: day >= value[:10],
        "end_date": lambda value: day <= value[:10],
    }
    return all(test(query[name]) for name, test in tests.items() if query.get(name))
