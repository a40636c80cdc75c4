"""What can be done with sales in the simulated business: record, change, delete, return. All of one call or none of it.

The arithmetic and its gaps are Ultimate POS's: nobody looks at the sign or size of a quantity, an invoice number may
repeat, and a return states what has come back in all.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from syncd.sandbox.prokip.business import Business, NotFound, as_id
from syncd.sandbox.prokip.records import ZERO, Payment, ReturnDocument, Sale, SellLine

Form = Mapping[str, object]

TAX_RATES = {4401: Decimal(16)}
DATE_COLUMN = "%Y-%m-%d %H:%M:%S"


class SaleRefused(Exception):
    """A PHP exception that the controllers catch: nothing was recorded, the message goes into the answer."""


class PhpError(Exception):
    """A PHP Error: it escapes the controllers, and the answer is a plain 500."""


def record_sale(business: Business, form: Form, *, is_from_api: bool = True) -> Sale:
    """Record one sale. Raises NotFound, SaleRefused or PhpError, and has then changed nothing."""
    location = business.location(form.get("location_id"))
    contact = business.customer(form.get("contact_id"))
    lines = [_new_line(business, row) for row in rows(form.get("products"))]
    if not lines:
        raise SaleRefused("No products added")
    now = business.clock()
    sale = Sale(
        id=business.next_id("transaction"),
        location_id=location.id,
        contact_id=contact.id,
        invoice_no=_text(form, "invoice_no") or business.next_invoice_no(),
        source=_text(form, "source"),
        status=_text(form, "status") or "final",
        sold_at=_date(form.get("transaction_date"), business.local_now()),
        created_at=now,
        updated_at=now,
        token=f"{business.random.getrandbits(128):032x}",
        note=_text(form, "sale_note"),
        discount_type=_text(form, "discount_type") or "fixed",
        discount_amount=number(form.get("discount_amount")),
        shipping=number(form.get("shipping_charges")),
        lines=lines,
        is_from_api=is_from_api,
    )
    if sale.status == "final":
        sale.payments = [_payment(business, row) for row in rows(form.get("payments"))]
        _take(business, sale.location_id, lines, {line.id: line.quantity for line in lines})
    business.sales[sale.id] = sale
    return sale


def update_sale(business: Business, sale: Sale, form: Form) -> None:
    """Bring a sale to this form: lines left out are deleted, quantities move stock by their difference."""
    kept: list[SellLine] = []
    quantities: dict[int, Decimal] = {}
    for row in rows(form.get("products")):
        line = _existing_line(sale, row) if row.get("sell_line_id") else _new_line(business, row)
        kept.append(line)
        quantities[line.id] = number(row.get("quantity"), line.quantity)
    if not kept:
        raise SaleRefused("No products added")
    status = _text(form, "status") or sale.status
    before = {line.id: line.quantity for line in sale.lines} if sale.status == "final" else {}
    after = quantities if status == "final" else {}
    gone = [line for line in sale.lines if line not in kept]
    changes = {line.id: after.get(line.id, ZERO) - before.get(line.id, ZERO) for line in (*kept, *gone)}
    _take(business, sale.location_id, [*kept, *gone], changes)
    sale.lines = kept
    for line in kept:
        line.quantity = quantities[line.id]
    sale.status = status
    sale.invoice_no = _text(form, "invoice_no") or sale.invoice_no
    sale.source = _text(form, "source") or sale.source
    if form.get("payments"):
        sale.payments = [_payment(business, row) for row in rows(form.get("payments"))]
    sale.updated_at = business.clock()


def delete_sale(business: Business, sale_id: int) -> bool:
    """Remove a sale and put its units back; False where a return stands in the way. An unknown id is no error."""
    sale = business.sales.get(sale_id)
    if sale is None:
        return True
    if sale.return_document:
        return False
    if sale.status == "final":
        _take(business, sale.location_id, sale.lines, {line.id: -line.quantity for line in sale.lines})
    del business.sales[sale_id]
    return True


def record_return(business: Business, form: Form) -> tuple[Sale, bool]:
    """Set what has come back of a sale, per line and in all; True when the document is new.

    Lines that are not named keep their value, a smaller number takes stock away again, and nobody checks that no more
    comes back than was sold.
    """
    sale = business.sales.get(as_id(form.get("transaction_id")))
    if sale is None:
        raise NotFound("Transaction", form.get("transaction_id"))
    named = rows(form.get("products"))
    if not named:
        raise PhpError("Undefined variable $output")
    targets: dict[int, Decimal] = {}
    total = ZERO
    for row in named:
        for key in ("unit_price_inc_tax", "quantity", "sell_line_id"):
            if key not in row:
                raise SaleRefused(f'Undefined array key "{key}"')
        targets[as_id(row["sell_line_id"])] = number(row["quantity"])
        total += number(row["quantity"]) * number(row["unit_price_inc_tax"])
    _refuse_session_date(form.get("transaction_date"))
    for line in sale.lines:
        if line.id in targets:
            _give_back(business, sale.location_id, line, targets[line.id] - line.returned)
            line.returned = targets[line.id]
    now = business.clock()
    document = sale.return_document
    if document is None:
        sale.return_document = ReturnDocument(
            id=business.next_id("transaction"),
            invoice_no=_text(form, "invoice_no") or business.next_invoice_no("CN"),
            total=total,
            created_at=now,
            updated_at=now,
        )
        return sale, True
    document.invoice_no = _text(form, "invoice_no") or document.invoice_no
    document.total, document.updated_at = total, now
    return sale, False


def rows(value: object) -> list[Form]:
    """The objects of a JSON array; anything else counts as none."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def number(value: object, default: Decimal = ZERO) -> Decimal:
    """A number as PHP's arithmetic takes it; text that is none is a TypeError there."""
    if value is None or value == "":
        return default
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise PhpError(f"Unsupported operand types: string * int ({value})") from None


def _take(business: Business, location_id: int, lines: Iterable[SellLine], changes: Mapping[int, Decimal]) -> None:
    """Take these units per line from stock (or put them back), refusing first what purchases do not cover."""
    tracked = [line for line in lines if business.products[line.product_id].is_tracked and changes[line.id]]
    if not business.allow_overselling:
        _refuse_mismatch(business, location_id, tracked, changes)
    for line in tracked:
        change = changes[line.id]
        if change < 0:
            _give_back(business, location_id, line, -change)
            continue
        row = business.stock.get((line.variation_id, location_id))
        covered = min(change, row.purchased) if row else ZERO
        line.mapped += covered
        business.move(line.variation_id, location_id, -change, purchased=-covered)


def _refuse_mismatch(
    business: Business, location_id: int, lines: Iterable[SellLine], changes: Mapping[int, Decimal]
) -> None:
    left: dict[int, Decimal] = {}
    for line in lines:
        change = changes[line.id]
        row = business.stock.get((line.variation_id, location_id))
        left.setdefault(line.variation_id, row.purchased if row else ZERO)
        left[line.variation_id] -= change
        if change > 0 and left[line.variation_id] < 0:
            raise SaleRefused(
                "ERROR: NOT ALLOWED: Mismatch between sold and purchase quantity. "
                f"Product: {business.products[line.product_id].name} "
                f"SKU: {business.variations[line.variation_id].sku} Quantity: {change}"
            )


def _give_back(business: Business, location_id: int, line: SellLine, quantity: Decimal) -> None:
    if business.products[line.product_id].is_tracked:
        covered = min(line.mapped, quantity)
        line.mapped -= covered
        business.move(line.variation_id, location_id, quantity, purchased=covered)


def _new_line(business: Business, row: Form) -> SellLine:
    product = business.products.get(as_id(row.get("product_id")))
    if product is None or product.is_deleted:
        raise NotFound("Product", row.get("product_id"))
    variation = next((v for v in product.variations if v.id == as_id(row.get("variation_id"))), None)
    if variation is None:
        raise SaleRefused('Attempt to read property "sell_price_inc_tax" on null')
    tax_id = as_id(row["tax_rate_id"]) if row.get("tax_rate_id") else None
    if tax_id is not None and tax_id not in TAX_RATES:
        raise NotFound("TaxRate", tax_id)
    listed = number(row.get("unit_price"), variation.price)
    discount_type = _text(row, "discount_type") or "fixed"
    discount = number(row.get("discount_amount"))
    price = listed - (listed * discount / 100 if discount_type == "percentage" else discount)
    return SellLine(
        id=business.next_id("sell_line"),
        product_id=product.id,
        variation_id=variation.id,
        quantity=number(row.get("quantity")),
        unit_price_before_discount=listed,
        unit_price=price,
        discount_type=discount_type,
        discount_amount=discount,
        item_tax=price * TAX_RATES[tax_id] / 100 if tax_id else ZERO,
        tax_id=tax_id,
        note=_text(row, "note") or "",
        created_at=business.clock(),
    )


def _existing_line(sale: Sale, row: Form) -> SellLine:
    for line in sale.lines:
        if line.id == as_id(row.get("sell_line_id")):
            return line
    raise NotFound("TransactionSellLine", row.get("sell_line_id"))


def _payment(business: Business, row: Form) -> Payment:
    method = _text(row, "method") or "cash"
    if method in {"custom_pay_4", "custom_pay_5", "custom_pay_6", "custom_pay_7"}:
        raise SaleRefused(f'Undefined array key "transaction_no_{method[-1]}"')
    return Payment(
        id=business.next_id("payment"),
        amount=number(row.get("amount")),
        method=method,
        note=_text(row, "note"),
        paid_at=business.local_now(),
    )


def _date(value: object, now: datetime) -> datetime:
    if not value:
        return now
    try:
        return datetime.strptime(str(value), DATE_COLUMN)  # noqa: DTZ007 - the column is naive
    except ValueError:
        raise SaleRefused(
            "SQLSTATE[22007]: Invalid datetime format: 1292 Incorrect datetime value: "
            f"'{value}' for column 'transaction_date' at row 1"
        ) from None


def _refuse_session_date(value: object) -> None:
    """The date format is the web session's, which is empty for the API: only a bare time of day is understood."""
    if value:
        try:
            datetime.strptime(str(value), "%H:%M")  # noqa: DTZ007 - only asks whether it parses
        except ValueError:
            raise SaleRefused("The separation symbol could not be found\nTrailing data") from None


def _text(form: Form, key: str) -> str | None:
    value = form.get(key)
    return None if value is None or value == "" else str(value)
