"""A store of one's own, as docs/custom-store.md describes it: the plugin that the entry point `custom` names.

`connector.py` is the store, `webhooks.py` its door; both read JSON by `translate.py`. `client.py` signs and sends.
"""

from connectors.custom.connector import CustomStore
from connectors.custom.webhooks import CustomDoor
from connectors.sdk.contract import Account, BackOffice, Role, Store
from connectors.sdk.errors import RefusalKind, Refused

platform = "custom"
role = Role.STORE
door = CustomDoor()
consent = None


def store(account: Account) -> Store:
    """The connector of one store. Refused where its address or its secret cannot be right."""
    return CustomStore(account)


def backoffice(account: Account) -> BackOffice:
    """A custom store keeps no books for others."""
    raise Refused("A custom store is no back office.", kind=RefusalKind.CONFIGURATION, connection=account.connection)
