"""How the simulated Prokip spells sales, their lines and payments, and returns."""

from decimal import Decimal

from syncd.sandbox.prokip.business import Business
from syncd.sandbox.prokip.records import Payment, Sale, SellLine
from syncd.sandbox.prokip.shapes import (
    BUSINESS_ID,
    CASHIER_ID,
    USER_ID,
    Json,
    contact,
    decimals,
    iso,
    json_number,
    naive,
    nulls,
    stamps,
)

ECHOED_NUMBERS = (
    "total_before_tax",
    "discount_amount",
    "tax_amount",
    "final_total",
    "shipping_charges",
    "exchange_rate",
    "rp_redeemed_amount",
    "packing_charge",
    "round_off_amount",
)


def created_sale(business: Business, sale: Sale, host: str) -> Json:
    """A sale as the call that made it answers: request-typed numbers, no payment status; a draft has no lines."""
    header = _header(sale)
    header.update({key: json_number(Decimal(str(header[key]))) for key in ECHOED_NUMBERS})
    answer = {**header, **_links(sale, host), "payment_lines": [payment(sale, one) for one in sale.payments]}
    if sale.status == "final":
        answer["sell_lines"] = [sell_line(sale, one) for one in sale.lines]
        answer["contact"] = contact(business.contacts[sale.contact_id])
    return answer


def updated_sale(sale: Sale, host: str) -> Json:
    """A sale as `PUT sell` answers: the whole row, no lines."""
    payments = [payment(sale, one) for one in sale.payments]
    return {**_header(sale), **_read_columns(sale), **_links(sale, host), "payment_lines": payments}


def shown_sale(sale: Sale, host: str) -> Json:
    """A sale as `GET sell/{ids}` gives it."""
    return {**updated_sale(sale, host), "sell_lines": [sell_line(sale, one) for one in sale.lines]}


def listed_sale(business: Business, sale: Sale, host: str) -> Json:
    """A sale as `GET sell` lists it."""
    return {**shown_sale(sale, host), "contact": contact(business.contacts[sale.contact_id])}


def sell_return(business: Business, sale: Sale, *, is_new: bool) -> Json:
    """The return document of a sale as `POST sell-return` answers."""
    document = sale.return_document
    if document is None:
        raise ValueError("the sale has no return")
    local = document.created_at.astimezone(business.time_zone)
    columns: Json = {} if is_new else {"payment_status": "due", "ref_no": None}
    return {
        "invoice_no": document.invoice_no,
        "discount_type": "fixed",
        "discount_amount": 0,
        "tax_id": None,
        "tax_amount": 0,
        "total_before_tax": json_number(document.total),
        "final_total": json_number(document.total),
        "transaction_date": iso(document.created_at) if is_new else naive(local),
        "business_id": BUSINESS_ID,
        "location_id": sale.location_id,
        "contact_id": sale.contact_id,
        "customer_group_id": None,
        "type": "sell_return",
        "status": "final",
        "created_by": USER_ID,
        "return_parent_id": sale.id,
        "id": document.id,
        **columns,
        **stamps(document.created_at, document.updated_at),
    }


def sell_line(sale: Sale, line: SellLine) -> Json:
    """A line: its quantity is a number (an accessor), everything beside it a string."""
    return {
        "id": line.id,
        "transaction_id": sale.id,
        "product_id": line.product_id,
        "variation_id": line.variation_id,
        "quantity": json_number(line.quantity),
        "secondary_unit_quantity": "0.0000",
        "mfg_waste_percent": "0.0000",
        "quantity_returned": decimals(line.returned),
        "unit_price_before_discount": decimals(line.unit_price_before_discount),
        "unit_price": decimals(line.unit_price),
        "line_discount_type": line.discount_type,
        "line_discount_amount": decimals(line.discount_amount),
        "unit_price_inc_tax": decimals(line.unit_price + line.item_tax),
        "item_tax": decimals(line.item_tax),
        "tax_id": line.tax_id,
        "sell_line_note": line.note,
        "so_quantity_invoiced": "0.0000",
        "children_type": "",
        **nulls("mfg_ingredient_group_id discount_id lot_no_line_id so_line_id res_service_staff_id"),
        **nulls("res_line_order_status woocommerce_line_items_id parent_sell_line_id sub_unit_id"),
        **stamps(line.created_at, line.created_at),
    }


def payment(sale: Sale, money: Payment) -> Json:
    """A payment line."""
    return {
        "id": money.id,
        "transaction_id": sale.id,
        "business_id": BUSINESS_ID,
        "is_return": 0,
        "amount": decimals(money.amount),
        "method": money.method,
        "paid_on": naive(money.paid_at),
        "created_by": USER_ID,
        "paid_through_link": 0,
        "is_advance": 0,
        "payment_for": sale.contact_id,
        "note": money.note,
        "payment_ref_no": f"SP{money.paid_at.year}/{money.id % 10000:04d}",
        **nulls("payment_type transaction_no card_transaction_number card_number card_type card_holder_name"),
        **nulls(
            "card_month card_year card_security cheque_number bank_account_number gateway parent_id document account_id"
        ),
        **stamps(sale.created_at, sale.created_at),
    }


def _header(sale: Sale) -> Json:
    return {
        "business_id": BUSINESS_ID,
        "location_id": sale.location_id,
        "type": "sell",
        "status": sale.status,
        "contact_id": sale.contact_id,
        "invoice_no": sale.invoice_no,
        "ref_no": "",
        "source": sale.source,
        "total_before_tax": decimals(sale.subtotal),
        "transaction_date": naive(sale.sold_at),
        "discount_type": sale.discount_type,
        "discount_amount": decimals(sale.discount_amount),
        "tax_amount": "0.0000",
        "final_total": decimals(sale.total),
        "additional_notes": sale.note,
        "created_by": USER_ID if sale.is_from_api else CASHIER_ID,
        "is_direct_sale": 0,
        "is_quotation": 0,
        "shipping_charges": decimals(sale.shipping),
        "exchange_rate": "1.000",
        "is_suspend": 0,
        "is_recurring": 0,
        "recur_interval": 1,
        "recur_repetitions": 0,
        "rp_earned": 0,
        "rp_redeemed": 0,
        "rp_redeemed_amount": "0.0000",
        "is_created_from_api": int(sale.is_from_api),
        "packing_charge": "0.0000",
        "round_off_amount": "0.0000",
        "is_export": 0,
        "is_kitchen_order": 0,
        "id": sale.id,
        **nulls("sub_status customer_group_id tax_id staff_note document custom_field_1 custom_field_2 custom_field_3"),
        **nulls("custom_field_4 commission_agent shipping_details shipping_address shipping_status delivered_to"),
        **nulls("delivery_person shipping_custom_field_1 shipping_custom_field_2 shipping_custom_field_3"),
        **nulls("shipping_custom_field_4 shipping_custom_field_5 selling_price_group_id pay_term_number pay_term_type"),
        **nulls("recur_interval_type subscription_repeat_on subscription_no order_addresses sub_type"),
        **nulls("types_of_service_id packing_charge_type service_custom_field_1 service_custom_field_2"),
        **nulls("service_custom_field_3 service_custom_field_4 service_custom_field_5 service_custom_field_6"),
        **nulls("import_batch import_time res_table_id res_waiter_id sales_order_ids prefer_payment_method"),
        **nulls("prefer_payment_account export_custom_fields_info"),
        **stamps(sale.created_at, sale.updated_at),
    }


def _read_columns(sale: Sale) -> Json:
    return {
        "payment_status": sale.payment_status,
        "invoice_token": sale.token,
        **nulls("adjustment_type return_parent_id transfer_parent_id opening_stock_product_id woocommerce_order_id"),
    }


def _links(sale: Sale, host: str) -> Json:
    return {"invoice_url": f"{host}/invoice/{sale.token}", "payment_link": f"{host}/pay/{sale.token}"}
