"""`/setup/…`, `/rules`: who knows what is on the shelf, and what is held back of it."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr

from connectors.sdk.contract import Role
from schema.tables import RuleKind
from syncd.engine import accounts, backoffice, rule_setting
from syncd.engine.backoffice import AuthoritySet
from syncd.engine.rule_setting import RuleView
from syncd.engine.views.authority import AuthorityView, LocationView, authority_view
from syncd.web.api.asking import Asking, Sent

router = APIRouter(tags=["setup"])

Word = Annotated[str, Field(max_length=500)]


class ProkipAccess(Sent):
    """Prokip's address (the one that begins with api.) and a user's name and password, or a token."""

    url: Word
    username: Word | None = None
    password: SecretStr | None = None
    access_token: SecretStr | None = None
    client_id: Word | None = None
    client_secret: SecretStr | None = None
    dialect: Literal["connector", "simple"] | None = None

    def settings(self) -> dict[str, str]:
        """What is no secret."""
        return {name: value for name, value in (("url", self.url), ("dialect", self.dialect)) if value}

    def credentials(self) -> dict[str, str]:
        """What is."""
        secrets = {"password": self.password, "access_token": self.access_token, "client_secret": self.client_secret}
        told = {name: value.get_secret_value() for name, value in secrets.items() if value}
        plain = {"username": self.username, "client_id": self.client_id}
        return {**told, **{name: value for name, value in plain.items() if value}}


class ProkipSetup(ProkipAccess):
    """The same, with the location that stores sell from, by id or name; needed where Prokip has several."""

    location: Word | None = None
    name: Annotated[str, Field(max_length=60)] = ""


class ProkipFound(BaseModel):
    """A working account and its locations."""

    name: str
    currency: str
    time_zone: str
    locations: list[LocationView]
    warnings: list[str]


class LedgerSetup(Sent):
    """What to call the place, if there is none yet."""

    location: Annotated[str, Field(max_length=64)] | None = None


class RuleSent(Sent):
    """A number for all, for one store, one SKU, or one SKU in one store; null takes the rule away."""

    kind: RuleKind
    value: Annotated[int, Field(ge=0, le=1_000_000_000)] | None
    connection: Annotated[str, Field(max_length=60)] | None = None
    sku: Annotated[str, Field(min_length=1, max_length=191)] | None = None


@router.get("/setup")
def show_setup(caller: Asking) -> AuthorityView:
    """Who knows what is on the shelf, and the locations."""
    with caller.reading() as session:
        return authority_view(session, caller.merchant_id)


@router.post("/setup/prokip/check")
def check_prokip(sent: ProkipAccess, caller: Asking) -> ProkipFound:
    """Try an account and list its locations; nothing is kept."""
    probed = accounts.probe(caller.engine, Role.BACKOFFICE, "prokip", sent.settings(), sent.credentials())
    info = probed.info
    return ProkipFound(
        name=info.name,
        currency=info.currency,
        time_zone=info.time_zone,
        locations=[
            LocationView(id=place.location_id, name=place.name, is_active=place.is_active, is_default=False)
            for place in info.locations
        ],
        warnings=list(info.warnings),
    )


@router.post("/setup/prokip")
def set_prokip(sent: ProkipSetup, caller: Asking) -> AuthoritySet:
    """Let Prokip be the authority, and read its stock."""
    return backoffice.connect_backoffice(
        caller.engine,
        caller.merchant_id,
        "prokip",
        sent.settings(),
        sent.credentials(),
        name=sent.name,
        location=sent.location,
        actor=caller.actor,
    )


@router.post("/setup/ledger")
def set_ledger(sent: LedgerSetup, caller: Asking) -> AuthoritySet:
    """Let syncd's own ledger be the authority."""
    return backoffice.set_ledger(caller.engine, caller.merchant_id, location=sent.location, actor=caller.actor)


@router.get("/rules")
def list_rules(caller: Asking) -> list[RuleView]:
    """Every rule; the narrowest one counts."""
    with caller.reading() as session:
        return rule_setting.list_rules(session, caller.merchant_id)


@router.put("/rules")
def set_rule(sent: RuleSent, caller: Asking) -> list[RuleView]:
    """Set a rule or take it away; the stores' numbers follow."""
    rule_setting.set_rule(
        caller.engine,
        caller.merchant_id,
        sent.kind,
        sent.value,
        connection_id=caller.maybe_connection_id(sent.connection),
        sku=sent.sku,
        actor=caller.actor,
    )
    with caller.reading() as session:
        return rule_setting.list_rules(session, caller.merchant_id)
