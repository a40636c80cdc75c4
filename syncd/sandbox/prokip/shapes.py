"""How the simulated Prokip spells its business in JSON: pure functions from values to the objects that Laravel renders.

Decimals are strings with four places, dates of the business are naive, `created_at` and `updated_at` are ISO in UTC. A
sale is the exception: the answer that creates it echoes JSON numbers, and a line's quantity is always one. Products are
in `catalogue_shapes.py`, sales in `sale_shapes.py`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from syncd.sandbox.prokip.business import Business
from syncd.sandbox.prokip.records import Contact, Location

Json = dict[str, object]
Quantities = Mapping[tuple[int, int], Decimal]

BUSINESS_ID = 9001
USER_ID = 52001
CASHIER_ID = 52007
UNIT_ID = 3301
PAYMENT_METHODS = {
    "cash": "Cash",
    "card": "Card",
    "cheque": "Cheque",
    "bank_transfer": "Bank Transfer",
    "other": "Other",
}


def decimals(value: Decimal) -> str:
    """A decimal column."""
    return f"{value:.4f}"


def json_number(value: Decimal) -> int | float:
    """A decimal that passed through PHP's arithmetic."""
    return int(value) if value == value.to_integral_value() else float(value)


def iso(value: datetime) -> str:
    """A time as Eloquent gives `created_at`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def naive(value: datetime) -> str:
    """A time of the business."""
    return value.strftime("%Y-%m-%d %H:%M:%S")


def nulls(names: str) -> dict[str, None]:
    """These columns, all null."""
    return dict.fromkeys(names.split())


def stamps(created_at: datetime, updated_at: datetime) -> Json:
    """The two time stamps of an Eloquent row."""
    return {"created_at": iso(created_at), "updated_at": iso(updated_at)}


def location(place: Location, created_at: datetime) -> Json:
    """A branch as `product_locations` and `business-details` carry it; the list adds its payment methods."""
    return {
        "id": place.id,
        "business_id": BUSINESS_ID,
        "location_id": place.code,
        "name": place.name,
        "landmark": "Market Road",
        "country": "Kenya",
        "state": "Nairobi",
        "city": "Nairobi",
        "zip_code": "00100",
        "invoice_scheme_id": 8801,
        "invoice_layout_id": 8802,
        "sale_invoice_layout_id": 8802,
        "print_receipt_on_invoice": 1,
        "receipt_printer_type": "browser",
        "is_active": int(place.is_active),
        **nulls("selling_price_group_id printer_id mobile alternate_number email website featured_products"),
        **nulls("custom_field1 custom_field2 custom_field3 custom_field4 deleted_at"),
        **stamps(created_at, created_at),
    }


def listed_location(place: Location, created_at: datetime) -> Json:
    """A branch in `business-location`."""
    methods = [{"name": name, "label": label, "account_id": None} for name, label in PAYMENT_METHODS.items()]
    return {**location(place, created_at), "payment_methods": methods}


def contact(person: Contact) -> Json:
    """A contact as lists and sales carry it."""
    return {
        **new_contact(person),
        "total_rp": 0,
        "total_rp_used": 0,
        "total_rp_expired": 0,
        "is_default": int(person.is_default),
        "deleted_at": None,
    }


def new_contact(person: Contact) -> Json:
    """A contact as the call that made it answers: columns with database defaults are missing."""
    return {
        "id": person.id,
        "business_id": BUSINESS_ID,
        "type": person.type,
        "name": person.name,
        "first_name": person.name,
        "contact_id": person.code,
        "contact_status": "active",
        "mobile": person.mobile,
        "created_by": USER_ID,
        "balance": "0.0000",
        **nulls("contact_type supplier_business_name prefix middle_name last_name email tax_number city state country"),
        **nulls("address_line_1 address_line_2 zip_code dob landline alternate_number pay_term_number pay_term_type"),
        **nulls("credit_limit shipping_address position customer_group_id"),
        **nulls("custom_field1 custom_field2 custom_field3 custom_field4"),
        **stamps(person.created_at, person.created_at),
    }


def unit(created_at: datetime) -> Json:
    """The one unit of the business."""
    return {
        "id": UNIT_ID,
        "business_id": BUSINESS_ID,
        "actual_name": "Pieces",
        "short_name": "Pc(s)",
        "allow_decimal": 0,
        "created_by": USER_ID,
        **nulls("base_unit_id base_unit_multiplier deleted_at"),
        **stamps(created_at, created_at),
    }


def business_details(business: Business) -> Json:
    """The business, abridged. Without overselling its key is missing from `pos_settings`."""
    settings: Json = {
        "disable_pay_checkout": 0,
        "disable_draft": 0,
        "disable_express_checkout": 0,
        "disable_discount": 0,
        "disable_order_tax": 0,
        "is_pos_subtotal_editable": 0,
    }
    if business.allow_overselling:
        settings["allow_overselling"] = "1"
    made = business.created_at
    places = [
        {**location(one, made), "default_payment_accounts": {"cash": {"is_enabled": "1", "account": None}}}
        for one in business.locations.values()
    ]
    return {
        "id": BUSINESS_ID,
        "name": "Kisimani Stores",
        "currency_id": 53,
        "start_date": f"{made:%Y-%m-%d}",
        "default_profit_percent": 25,
        "owner_id": USER_ID,
        "time_zone": business.time_zone.key,
        "fy_start_month": 1,
        "accounting_method": "fifo",
        "default_sales_discount": "0.00",
        "sell_price_tax": "includes",
        "enable_product_expiry": 0,
        "transaction_edit_days": 30,
        "enable_sub_units": 0,
        "enabled_modules": ["purchases", "add_sale", "pos_sale", "stock_transfers", "stock_adjustment", "expenses"],
        "date_format": "d-m-Y",
        "time_format": "24",
        "currency_precision": 2,
        "quantity_precision": 2,
        "enable_rp": 0,
        "pos_settings": settings,
        "email_settings": {"mail_password": "sandbox-mail-password"},
        "sms_settings": {"url": "https://sms.example.test/?key=sandbox-sms-key"},
        "ref_no_prefixes": {
            "purchase": "PO",
            "stock_transfer": "ST",
            "stock_adjustment": "SA",
            "sell_return": "CN",
            "contacts": "CO",
            "sell_payment": "SP",
            "business_location": "BL",
        },
        "custom_labels": {
            "payments": {"custom_pay_1": "Mobile Money", **nulls("custom_pay_2 custom_pay_3")},
        },
        "common_settings": {"default_datatable_page_entries": "25"},
        "is_active": 1,
        **nulls("default_sales_tax logo sku_prefix"),
        **stamps(made, made),
        "locations": places,
        "currency": {
            "id": 53,
            "country": "Kenya",
            "currency": "Shilling",
            "code": "KES",
            "symbol": "KSh",
            "thousand_separator": ",",
            "decimal_separator": ".",
            **nulls("created_at updated_at"),
        },
        "printers": [],
    }


def tax_rate(key: int, rate: Decimal, created_at: datetime) -> Json:
    """A tax of the business."""
    return {
        "id": key,
        "business_id": BUSINESS_ID,
        "name": f"VAT {rate}%",
        "amount": json_number(rate),
        "is_tax_group": 0,
        "for_tax_group": 0,
        "created_by": USER_ID,
        **nulls("woocommerce_tax_rate_id deleted_at"),
        **stamps(created_at, created_at),
    }


def user(created_at: datetime, *, may_view_sells: bool) -> Json:
    """The user behind the token; rights are listed only for one that is no administrator."""
    rights = ["customer.view", "access_all_locations", "product.view"]
    return {
        "id": USER_ID,
        "user_type": "user",
        "first_name": "Sync",
        "last_name": "Robot",
        "username": "sync.robot",
        "email": "ops@example.test",
        "language": "en",
        "business_id": BUSINESS_ID,
        "status": "active",
        "allow_login": 1,
        "is_admin": False,
        "all_permissions": ["sell.view", "direct_sell.view", *rights] if may_view_sells else rights,
        **nulls("surname contact_no"),
        **stamps(created_at, created_at),
    }
