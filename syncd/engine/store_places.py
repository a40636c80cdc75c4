"""The locations that a connected store keeps stock at, whichever of them it sells from now, and if that one is gone."""

from connectors.sdk.contract import Account
from connectors.sdk.values import AccountInfo
from schema.tables import Connection, ConnectionState
from syncd.domain import border
from syncd.engine.accounts import LOCATION
from syncd.engine.connectors import merged_settings, plugin_of
from syncd.engine.context import Engine
from syncd.engine.vault import DatabaseVault
from syncd.errors import NotPossible


def ask_places(engine: Engine, connection_id: int) -> AccountInfo:
    """What a store tells of itself when no location is named. Raises ConnectorError; NotPossible when it was left.

    Its own connector would refuse a chosen location that is not there any more, which is when one is to be chosen anew.
    """
    with engine.database.reading() as session:
        row = session.get_one(Connection, connection_id)
    if row.state is ConnectionState.DISCONNECTED:
        raise NotPossible(f"{row.name} is disconnected; its key was forgotten.")
    settings = {name: value for name, value in row.settings.items() if name != LOCATION}
    account = Account(
        connection=row.name,
        settings=merged_settings(engine, row.platform, settings),
        vault=DatabaseVault(engine, connection_id),
        clock=engine.clock,
        transport=engine.connectors.transport(engine),
    )
    connector = plugin_of(engine, row.platform).store(account)
    try:
        return border.account(connector.probe())
    finally:
        connector.close()
