"""An account before it is a connection: asked who it is, and given a name and a code of ours."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from connectors.sdk.contract import Account, Role
from connectors.sdk.values import AccountInfo, Location
from schema.tables import Connection, ConnectionState
from syncd.domain import border
from syncd.engine.authority import LEDGER
from syncd.engine.connectors import merged_settings, plugin_of
from syncd.engine.context import Engine
from syncd.errors import AlreadyConnected, ChooseLocation, NotPossible

LONGEST_NAME = 60
LONGEST_CODE = 12
LOCATION = "store_location"


@dataclass(slots=True)
class DraftVault:
    """Credentials that are kept nowhere yet: `connectors.sdk.contract.Vault`. An exchange while probing stays in it."""

    credentials: Mapping[str, str]

    def load(self) -> Mapping[str, str]:
        """As they are now."""
        return self.credentials

    def renew(
        self, stale: Mapping[str, str], exchange: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Exchange them, unless that has been done."""
        if dict(self.credentials) == dict(stale):
            self.credentials = dict(exchange(self.credentials))
        return self.credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A working account: what it tells of itself, and the settings and credentials to keep."""

    info: AccountInfo
    settings: Mapping[str, str]
    credentials: Mapping[str, str]


def probe(
    engine: Engine, role: Role, platform: str, settings: Mapping[str, str], credentials: Mapping[str, str]
) -> Probed:
    """Ask an account who it is, by harmless calls. Raises ConnectorError, PluginMissing, NotPossible."""
    plugin = plugin_of(engine, platform)
    if plugin.role is not role:
        raise NotPossible(f"{platform} is a {plugin.role.value}, not a {role.value}.")
    vault = DraftVault(credentials)
    account = Account(
        connection=platform,
        settings=merged_settings(engine, platform, settings),
        vault=vault,
        clock=engine.clock,
        transport=engine.connectors.transport(engine),
    )
    connector = plugin.store(account) if role is Role.STORE else plugin.backoffice(account)
    try:
        info = border.account(connector.probe())
    except border.Unfit as error:
        raise NotPossible(f"{platform} tells of itself what cannot be kept: {error}.") from error
    finally:
        connector.close()
    return Probed(info=info, settings={**settings, **info.settings}, credentials=vault.load())


def choose_store_location(probed: Probed, platform: str) -> Mapping[str, str]:
    """The settings with the store's own location in them, where it has several. Raises ChooseLocation that lists them,
    and NotPossible for one that it has not.
    """
    active = [place for place in probed.info.locations if place.is_active]
    wanted = probed.settings.get(LOCATION)
    if not wanted and len(active) <= 1:
        return probed.settings
    if wanted and (found := find_location(active, wanted)):
        return {**probed.settings, LOCATION: found.location_id}
    listed = "; ".join(f"{place.location_id} ({place.name})" for place in active)
    if wanted:
        raise NotPossible(f"{probed.info.name} has no active location {wanted}. It has: {listed}.")
    raise ChooseLocation(
        f"{probed.info.name} has several locations: {listed}. "
        f"Say which one {platform} sells from: --store-location ID.",
        places=[(place.location_id, place.name) for place in active],
    )


def find_location(places: list[Location], wanted: str) -> Location | None:
    """A location by its id, by the end of its id, or by its name."""
    for place in places:
        if wanted in (place.location_id, place.location_id.rpartition("/")[2], place.name):
            return place
    return None


def connected_as(session: Session, merchant_id: int, platform: str, account_id: str) -> Connection | None:
    """The connection of the merchant's that this account is already, if it is one."""
    return session.exec(
        select(Connection).where(
            Connection.merchant_id == merchant_id,
            Connection.platform == platform,
            Connection.account_id == account_id,
            Connection.state != ConnectionState.DISCONNECTED,
        )
    ).first()


def refuse_twice(session: Session, merchant_id: int, platform: str, account_id: str) -> None:
    """Raise AlreadyConnected where this account is a connection of the merchant's already."""
    other = connected_as(session, merchant_id, platform, account_id)
    if other is not None:
        raise AlreadyConnected(f"Already connected as {other.name}.", code=other.code)


def disconnected(session: Session, merchant_id: int, platform: str, account_id: str) -> Connection | None:
    """The connection that this account was before, locked; None where it is new."""
    return session.exec(
        select(Connection)
        .where(
            Connection.merchant_id == merchant_id,
            Connection.platform == platform,
            Connection.account_id == account_id,
            Connection.state == ConnectionState.DISCONNECTED,
        )
        .order_by(col(Connection.id).desc())
        .limit(1)
        .with_for_update()
    ).first()


def plain_name(name: str) -> str:
    """A name without the words that were put behind it when another connection took it."""
    return re.sub(r" \(until [-0-9: ]+\)$", "", name)


def free_name(session: Session, merchant_id: int, wanted: str, given: str, now: datetime) -> str:
    """`wanted`, or, where a person wanted none, the account's own name, with a number where it is taken.

    A name that only a disconnected connection has is taken from it. Raises NotPossible where `wanted` is in use, or is
    the code of another connection, which is found by it.
    """
    _refuse_code(session, merchant_id, wanted.strip())
    base = border.text(wanted or given, LONGEST_NAME) or "Store"
    name, number = base, 1
    while (other := _of_name(session, merchant_id, name)) is not None:
        if other.state is ConnectionState.DISCONNECTED:
            other.name = f"{name[: LONGEST_NAME - 28]} (until {now:%Y-%m-%d %H:%M:%S})"
            session.flush()
        elif wanted:
            raise NotPossible(f"There is a connection called {name} already. Choose another name.")
        else:
            number += 1
            name = f"{base[: LONGEST_NAME - 4]} {number}"
    return name


def _refuse_code(session: Session, merchant_id: int, wanted: str) -> None:
    other = session.exec(
        select(Connection).where(Connection.merchant_id == merchant_id, Connection.code == wanted)
    ).first()
    if other is not None and other.name != wanted and other.state is not ConnectionState.DISCONNECTED:
        raise NotPossible(f"{wanted} is the short name of {other.name}. Choose another name.")


def _of_name(session: Session, merchant_id: int, name: str) -> Connection | None:
    return session.exec(
        select(Connection).where(Connection.merchant_id == merchant_id, Connection.name == name)
    ).first()


def free_code(session: Session, name: str) -> str:
    """A short code that no connection ever had: it is in invoice numbers, the ledger's causes and addresses."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_CODE].strip("-") or "store"
    taken = set(session.exec(select(Connection.code).where(col(Connection.code).like(f"{base[:6]}%")))) | {LEDGER}
    code, number = base, 1
    while code in taken:
        number += 1
        end = f"-{number}"
        code = base[: LONGEST_CODE - len(end)].rstrip("-") + end
    return code
