"""Words that several pages share: what platforms and currencies are called, lengths of time, when a day begins."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

PLATFORMS = {
    "shopify": "Shopify",
    "woocommerce": "WooCommerce",
    "custom": "Custom store",
    "prokip": "Prokip",
    "ledger": "Own ledger",
}
CURRENCIES = {"KES": "KSh", "TZS": "TSh", "UGX": "USh", "NGN": "₦", "EUR": "€", "USD": "$", "GBP": "£"}


def platform_name(platform: str) -> str:
    """As it writes itself."""
    return PLATFORMS.get(platform, platform.replace("-", " ").capitalize())


def currency_sign(code: str) -> str:
    """As people write it before an amount."""
    return CURRENCIES.get(code, code)


def seconds_words(seconds: float | None) -> str:
    """`1.4 s`, `12 s`, `3 min`, `2 h 10 min`."""
    if seconds is None:
        return "\N{EN DASH}"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days"


def count_words(count: int, one: str, many: str = "") -> str:
    """`1 SKU`, `3 SKUs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


_MINUS = re.compile(r"(?<![\w.-])-(?=\d)")
DEEDS = {
    "sign_in": "Signed in",
    "owner.claim": "Claimed this installation",
    "owner.register": "Signed up",
    "user.add": "Added a user",
    "user.invite": "Invited",
    "user.uninvite": "Withdrew an invitation",
    "user.join": "Joined",
    "user.role": "Changed a role",
    "user.enable": "Let somebody in again",
    "user.disable": "Locked somebody out",
    "user.password": "Changed the password",
    "user.ask_reset": "Asked for a new password",
    "user.reset": "Gave a link to a new password",
    "user.second_factor": "Changed the second factor",
    "user.mail": "Chose messages by e-mail",
    "token.create": "Made a token",
    "token.revoke": "Revoked a token",
    "connect": "Connected a store",
    "reconnect": "Reconnected",
    "backoffice.set": "Set the back office",
    "connection.set": "Changed settings of a store",
    "connection.live": "Went live",
    "connection.pause": "Paused",
    "connection.resume": "Resumed",
    "connection.disconnect": "Disconnected",
    "starting_point": "Chose pull or push",
    "rule.set": "Set a rule",
    "reading.release": "Let a held reading pass",
    "reading.take": "Took some numbers of a held reading",
    "reading_release": "Let the next reading pass",
    "reading_again": "Had the back office read again",
    "figure.release": "Released a held number",
    "run.undo": "Undid a run",
    "delivery.replay": "Took a message in again",
    "sale_retry": "Tried a sale again",
    "sale_recorded_as": "Said a sale was recorded by hand",
    "sale_leave_out": "Left a sale out",
    "issue.resolve": "Marked an issue as solved",
    "issue.note": "Wrote a note",
    "issue.assign": "Assigned an issue",
    "privacy_request": "Honoured a privacy request",
}


def deed_words(action: str) -> str:
    """What somebody did, from the word that the audit trail keeps."""
    return DEEDS.get(action) or action.replace(".", " ").replace("_", " ").capitalize()


def cause_words(cause: str) -> str:
    """Why a run was made, from the word that it keeps."""
    return "sales and readings since" if cause == "what is owed" else cause


def true_minus(words: str) -> str:
    """Words in which a minus before a number is one, and no hyphen."""
    return _MINUS.sub("\N{MINUS SIGN}", words)


def told_details(details: Mapping[str, object]) -> str:
    """What the audit trail keeps beside a deed, without what is empty."""
    kept = {name: value for name, value in details.items() if value not in (None, "", [], {})}
    return ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in kept.items())


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def day_begin(zone: ZoneInfo, now: datetime, days_ago: int = 0) -> datetime:
    """The midnight that began today, or a day before it, in UTC."""
    day = now.astimezone(zone).date() - timedelta(days=days_ago)
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def store_path(code: str) -> str:
    """Where a store's page is, by its code: a name may hold anything, a slash too, and may change."""
    return f"/app/stores/{quote(code, safe='')}"


def in_path(word: str) -> str:
    """An SKU as part of an address. Slashes stay, unless dots between them would be taken for steps to a folder."""
    has_steps = {".", ".."} & set(word.split("/"))
    return quote(word, safe="" if has_steps else "/")
