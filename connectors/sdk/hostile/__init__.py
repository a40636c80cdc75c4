"""Connectors that misbehave on purpose: whatever they do, the engine must not oversell, lose, double or stand still.

`HostileStore` and `HostileBackOffice` wrap a well-behaved connector. `misdeeds` names, per operation, what goes wrong
with every call of it until it is taken out. Nothing here is chance; plain failures are switches of `fake/faults.py`.
"""

from connectors.sdk.hostile.backoffice import HostileBackOffice
from connectors.sdk.hostile.conduct import Misdeed
from connectors.sdk.hostile.store import HostileStore

__all__ = ["HostileBackOffice", "HostileStore", "Misdeed"]
