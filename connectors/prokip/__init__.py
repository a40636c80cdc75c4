"""Prokip, a back office: the plugin that the entry point `prokip` names.

`connector.py` speaks the connector dialect, `simple.py` the simple one; both send through `client.py`, read and write
JSON by `translate.py`, and get their tokens from `auth.py`. See README.md for what Prokip does that one would not
expect.
"""

from connectors.prokip.client import ProkipClient
from connectors.prokip.connector import ProkipBackOffice
from connectors.prokip.simple import SimpleBackOffice
from connectors.sdk.contract import Account, BackOffice, Role, Store
from connectors.sdk.errors import RefusalKind, Refused

platform = "prokip"
role = Role.BACKOFFICE
door = None
consent = None


def store(account: Account) -> Store:
    """Prokip does not sell online."""
    raise Refused(
        "Prokip is a back office, not a store.", kind=RefusalKind.CONFIGURATION, connection=account.connection
    )


def backoffice(account: Account) -> BackOffice:
    """The connector of the dialect that the account is set to. Refused where a setting is missing or unknown."""
    dialect = account.settings.get("dialect", "connector")
    if dialect == "connector":
        return ProkipBackOffice(account, ProkipClient(account))
    if account.settings.get("strict") == "yes":
        words = "The simple dialect of Prokip knows no drafts: it cannot be strict."
    elif dialect != "simple":
        words = f"Prokip's dialect is connector or simple, not {dialect}."
    elif not account.settings.get("location"):
        words = "The simple dialect of Prokip needs a location."
    else:
        return SimpleBackOffice(account, ProkipClient(account))
    raise Refused(words, kind=RefusalKind.CONFIGURATION, connection=account.connection)
