"""How pages are drawn: the templates, and how numbers, amounts and times are written in them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jinja2

from syncd.web.frame import wording

STATIC = Path(__file__).resolve().parent.parent / "static"
_TEMPLATES = STATIC.parent / "templates"
_NO_VALUE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times as the merchant reads them."""

    zone: ZoneInfo
    now: datetime

    def at(self, moment: datetime | None) -> str:
        """`10:43:01` today, `20 Nov 10:43` this year, else with the year."""
        if moment is None:
            return _NO_VALUE
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date():
            return f"{local:%H:%M:%S}"
        return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y}"

    def iso(self, moment: datetime) -> str:
        """For a `datetime` attribute."""
        return moment.astimezone(self.zone).isoformat(timespec="seconds")

    def ago(self, moment: datetime | None) -> str:
        """How long it has been: `40 s`, `12 min`, `1 h 32 min`, `3 days`."""
        if moment is None:
            return _NO_VALUE
        minutes, seconds = divmod(max(0, int((self.now - moment).total_seconds())), 60)
        hours, minutes = divmod(minutes, 60)
        if hours >= 48:
            return f"{hours // 24} days"
        if hours:
            return f"{hours} h {minutes} min"
        return f"{minutes} min" if minutes else f"{seconds} s"

    def today(self) -> str:
        """`Saturday 21 November 2026`."""
        local = self.now.astimezone(self.zone)
        return f"{local:%A} {local.day} {local:%B %Y}"

    @property
    def place(self) -> str:
        """The zone as people say it: `Nairobi`."""
        return self.zone.key.rpartition("/")[2].replace("_", " ")


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name, UTC for one that there is not."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def number(value: float | None, digits: int = 0) -> str:
    """`1,234`, with a true minus sign; a dash for what is not known."""
    return _NO_VALUE if value is None else f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: int | None) -> str:
    """`+3`, `0`, or a number with a true minus sign."""
    return _NO_VALUE if value is None else (f"+{value:,}" if value > 0 else number(value))


def money(value: Decimal | None, digits: int = 2) -> str:
    """An amount without its currency; whole amounts without cents."""
    if value is None:
        return _NO_VALUE
    is_whole = value == value.to_integral_value()
    return f"{value:,.{0 if is_whole else digits}f}".replace("-", "\N{MINUS SIGN}")


def initials(name: str) -> str:
    """Two letters for a face."""
    words = name.replace("@", " ").replace(".", " ").split()
    return "".join(word[0] for word in words[:2]).upper()


def asset(name: str) -> str:
    """The address of a static file, another one whenever its content is another."""
    return f"/static/{name}?v={_version(name)}"


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@cache
def templates() -> jinja2.Environment:
    """The templates of `syncd/web/templates`; everything put into them is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed, "money": money, "initials": initials}
    environment.filters |= {
        "seconds": wording.seconds_words,
        "platform": wording.platform_name,
        "sign": wording.currency_sign,
        "in_path": wording.in_path,
        "store_path": wording.store_path,
        "count": wording.count_words,
        "deed_words": wording.deed_words,
        "cause_words": wording.cause_words,
        "true_minus": wording.true_minus,
        "told_details": wording.told_details,
    }
    environment.globals |= {"asset": asset}
    return environment
