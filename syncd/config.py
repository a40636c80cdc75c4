"""The settings: `config.toml` in the home, each overridden by the environment (`SYNCD_SECTION__KEY`).

`config.example.toml` lists every setting with its default. Wrong settings end in a `ConfigError` of one line that names
the key and where it was read.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from syncd.errors import ConfigError

FILE_NAME = "config.toml"
_ENVIRONMENT = re.compile(r"SYNCD_([A-Z0-9]+)__([A-Z0-9_]+)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def parse_duration(value: object) -> timedelta:
    """`"30s"`, `"5m"`, `"1h"`, `"1d"`, `"250ms"`; ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is not a duration like "30s", "5m", "1h" or "1d"')
    try:
        return timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    except OverflowError:
        raise ValueError("no time is that long") from None


def _parse_interval(value: object) -> timedelta:
    duration = parse_duration(value)
    if duration <= timedelta(0):
        raise ValueError("an interval must be longer than nothing")
    return duration


def _parse_when(value: object) -> time | timedelta:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and (found := _TIME_OF_DAY.fullmatch(value.strip())):
        return time(int(found[1]), int(found[2]))
    return _parse_interval(value)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Interval = Annotated[timedelta, BeforeValidator(_parse_interval)]
When = Annotated[time | timedelta, BeforeValidator(_parse_when)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Section):
    """`{home}` in the url stands for the home."""

    url: str = Field(default="sqlite:///{home}/syncd.sqlite", pattern=r"^(sqlite|postgresql(\+psycopg)?)://\S*$")
    pool_size: int = Field(default=20, ge=2)


class WebSettings(_Section):
    """`public_url` is where stores and browsers reach us; empty while nobody does."""

    listen: str = Field(default="127.0.0.1:8484", pattern=r"^(.+:\d{1,5}|unix:/.+)$")
    public_url: str = Field(default="", pattern=r"^(https?://[^/\s?#]+(/[^\s?#]*)?)?$")
    body_limit: int = Field(default=2 * 1024 * 1024, ge=1024)
    stop_within: Duration = timedelta(seconds=10)


class SecuritySettings(_Section):
    """`key_file` is used where neither SYNCD_KEY nor a systemd credential gives the key."""

    allow_private_addresses: bool = False
    key_file: str = "{home}/key"
    session: Interval = timedelta(days=14)
    bearer: Interval = timedelta(hours=12)
    registration: Literal["first", "open", "closed"] = "first"
    trusted_proxies: str = "127.0.0.1"
    requests_per_minute: int = Field(default=600, ge=1)


class MailSettings(_Section):
    """Where messages to people go out; without a host none do. `security` "tls" is encrypted from the start.

    A message about issues gathers what comes within `gather`; nobody gets more than one in `at_most_every`. Who wants
    them once a day gets them at `daily_at`, in the merchant's time zone.
    """

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""
    gather: Duration = timedelta(seconds=20)
    at_most_every: Duration = timedelta(minutes=15)
    daily_at: time = time(7)


class ScheduleSettings(_Section):
    """How often what is done; a time of day is UTC."""

    backoffice_hint: Interval = timedelta(seconds=30)
    backoffice_sweep: Interval = timedelta(minutes=5)
    backoffice_catalogue: Interval = timedelta(hours=1)
    pull_orders: Interval = timedelta(minutes=10)
    catalogue: Interval = timedelta(hours=6)
    reconcile: When = time(3, 30)
    check_webhooks: Interval = timedelta(hours=1)
    clean_deliveries: Interval = timedelta(days=1)
    jitter: Duration = timedelta(seconds=5)


class BackOfficeSettings(_Section):
    """The brake, the quarantine of a sale without an answer, the budget of requests."""

    unknown_quarantine: Duration = timedelta(seconds=150)
    begin_within: Duration = timedelta(seconds=30)
    brake_share: float = Field(default=0.30, gt=0, le=1)
    brake_at_least: int = Field(default=20, ge=1)
    requests_per_minute: int = Field(default=60, ge=1)


class PushSettings(_Section):
    """The times that a push and a look are measured by."""

    unknown_quarantine: Duration = timedelta(seconds=90)
    settle: Duration = timedelta(seconds=60)
    look_grace: Duration = timedelta(seconds=5)
    begin_within: Duration = timedelta(seconds=30)


class ReconcileSettings(_Section):
    """Drift above the limit is held for a person."""

    drift_limit: int = Field(default=20, ge=0)


class LeaseSettings(_Section):
    """How long an exclusive claim lasts, and how often its holder renews it."""

    duration: Interval = timedelta(seconds=30)
    renew: Interval = timedelta(seconds=10)


class PlatformSettings(_Section):
    """A section that is handed to the connectors of the platform of its name."""


class ShopifySettings(PlatformSettings):
    """The app that Shopify stores consent to. `{shop}` in `base_url` stands for the shop's domain."""

    api_version: str = Field(default="2026-10", pattern=r"^(\d{4}-\d{2}|unstable)$")
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    base_url: str = "https://{shop}"


class LogSettings(_Section):
    """Lines for people or for machines."""

    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class RetentionSettings(_Section):
    """How long what is kept; ledger, orders and sales are kept for ever."""

    deliveries: Interval = timedelta(days=30)
    dead_deliveries: Interval = timedelta(days=180)
    runs: Interval = timedelta(days=90)
    issues: Interval = timedelta(days=365)


class Settings(_Section):
    """Everything that an operator can set. `home` is the folder that it was read for."""

    home: Path
    database: DatabaseSettings = DatabaseSettings()
    web: WebSettings = WebSettings()
    security: SecuritySettings = SecuritySettings()
    mail: MailSettings = MailSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    backoffice: BackOfficeSettings = BackOfficeSettings()
    push: PushSettings = PushSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    lease: LeaseSettings = LeaseSettings()
    shopify: ShopifySettings = ShopifySettings()
    log: LogSettings = LogSettings()
    retention: RetentionSettings = RetentionSettings()

    @property
    def database_url(self) -> str:
        """The url with the home in it."""
        return self.database.url.replace("{home}", str(self.home))

    @property
    def key_file(self) -> Path:
        """Where the key is, unless the environment gives it."""
        return Path(self.security.key_file.replace("{home}", str(self.home)))

    def of_platform(self, platform: str) -> dict[str, str]:
        """The operator's settings of one platform as connectors take them; empty where there are none."""
        section = getattr(self, platform, None)
        if not isinstance(section, PlatformSettings):
            return {}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value) for name, value in section
        }


def find_home(told: Path | None, environment: Mapping[str, str] = os.environ, current: Path | None = None) -> Path:
    """`--dir`, else SYNCD_DIR, else the current folder if it holds a config.toml, else the user's state folder."""
    if told is not None:
        return told.absolute()
    if from_environment := environment.get("SYNCD_DIR"):
        return Path(from_environment).absolute()
    here = (current or Path.cwd()).absolute()
    if (here / FILE_NAME).exists():
        return here
    state = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".local/state")
    return Path(state) / "syncd"


def load_settings(home: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this home; defaults where there is no config.toml. Raises ConfigError."""
    file = home / FILE_NAME
    sections = _read(file)
    overrides = _from_environment(environment)
    for (section, key), value in overrides.items():
        sections.setdefault(section, {})[key] = value
    try:
        return Settings.model_validate({**sections, "home": home})
    except ValidationError as error:
        raise ConfigError(_in_one_line(error.errors()[0], file, overrides)) from None


def _read(file: Path) -> dict[str, dict[str, object]]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict) or name == "home":
            raise ConfigError(f"{file}: {name}: is not a section of the configuration")
    return tables


def _from_environment(environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    found = ((_ENVIRONMENT.fullmatch(name), value) for name, value in environment.items())
    return {(match[1].lower(), match[2].lower()): value for match, value in found if match}


def _in_one_line(error: ErrorDetails, file: Path, overrides: Mapping[tuple[str, str], str]) -> str:
    place = [str(part) for part in error["loc"]]
    section, key = place[0], place[1] if len(place) > 1 else ""
    source = f"SYNCD_{section}__{key}".upper() if (section, key) in overrides else str(file)
    reason = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        reason = "there is no such setting" if key else "there is no such section"
    return f"{source}: [{section}] {key}: {reason}" if key else f"{source}: [{section}]: {reason}"
