"""The verdict: what the platforms' own books say after everything is quiet. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.demo.books import Books, Order
from syncd.demo.measure import Measure, summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Lines to print, and what is wrong; nothing wrong means that every promise was kept."""

    lines: Sequence[tuple[str, str]]
    wrong: Sequence[str]


def judge(
    books: Books,
    *,
    truth: Mapping[str, int],
    sold: Mapping[str, int],
    measure: Measure,
    ledger_says: str,
    still_owed: Mapping[str, int],
) -> Verdict:
    """Compare the books with each other, and with what people did. `truth` is on the shelf less what orders took."""
    lost, doubled = _compare_sales(books)
    numbers = _compare_numbers(books, truth)
    wrong = [*lost, *doubled, *numbers]
    if measure.oversold.by_us:
        wrong.append(
            f"{measure.oversold.by_us} units were sold twice because a store showed a number that was too high"
        )
    if ledger_says:
        wrong.append(f"ledger and cache differ: {ledger_says}")
    wrong += [f"{count} {name.replace('_', ' ')} were left" for name, count in still_owed.items() if count]
    window = f"{measure.knowable_after:.0f} s"
    lines = [
        ("units sold", f"{sum(sold.values())} ({', '.join(f'{place} {n}' for place, n in sorted(sold.items()))})"),
        ("oversold by us", str(measure.oversold.by_us)),
        (f"sold twice within {window}, before syncd could know", str(measure.oversold.unknowable)),
        ("at the till what a store had sold", str(measure.oversold.at_the_till)),
        ("lost sales", str(len(lost))),
        ("doubled sales", str(len(doubled))),
        ("differing numbers", str(len(numbers))),
        ("ledger = cache", "no" if ledger_says else "yes"),
        ("from a sale to the other store", summary(measure.lags)),
    ]
    return Verdict(lines=lines, wrong=wrong)


def _compare_sales(books: Books) -> tuple[list[str], list[str]]:
    """Orders of which the back office keeps fewer units than the stores took (lost), and more (doubled).

    An unpaid order is not in the back office; a paid one is there with exactly what its store has not taken back.
    """
    kept: dict[Order, Counter[str]] = defaultdict(Counter)
    for sale in books.sales:
        if sale.order is not None:
            kept[sale.order].update(sale.kept)
    lost, doubled = [], []
    for order in books.orders:
        recorded = kept.pop((order.store, order.id), Counter())
        due = Counter(order.taken) if order.is_paid else Counter()
        for sku in due | recorded:
            words = f"{order.store} order {order.id}: {recorded[sku]} x {sku} in the back office, should be {due[sku]}"
            if recorded[sku] < due[sku]:
                lost.append(words)
            elif recorded[sku] > due[sku]:
                doubled.append(words)
    doubled += [f"{store} order {order_id} is recorded, and the store does not know it" for store, order_id in kept]
    invoices = Counter(sale.invoice_no for sale in books.sales if sale.order is not None)
    doubled += [f"invoice {invoice} is there {count} times" for invoice, count in invoices.items() if count > 1]
    return lost, doubled


def _compare_numbers(books: Books, truth: Mapping[str, int]) -> list[str]:
    """Every store shows what is left, or 0; the back office has what is left and what unpaid orders still hold."""
    unpaid: Counter[str] = Counter()
    for order in books.orders:
        if not order.is_paid:
            unpaid.update(order.taken)
    wrong = []
    for sku, left in truth.items():
        for place, stock in books.stock.items():
            should = left + unpaid[sku] if place == "prokip" else max(0, left)
            shows = stock[sku] if place == "prokip" else max(0, stock[sku])
            if shows != should:
                wrong.append(f"{place} shows {stock[sku]} x {sku}, should show {should}")
    return wrong
