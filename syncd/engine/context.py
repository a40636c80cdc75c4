"""What every step is given: the parts that `syncd.app` puts together, and that a test puts together differently."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.sdk.contract import Clock, Plugin
from syncd.config import Settings
from syncd.engine.connectors import Connectors
from syncd.engine.database import Database
from syncd.engine.vault import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The parts. `holder` names this process in leases: host, pid and something random."""

    database: Database
    clock: Clock
    settings: Settings
    keyring: Keyring
    plugins: Mapping[str, Plugin]
    connectors: Connectors
    random: random.Random
    holder: str
