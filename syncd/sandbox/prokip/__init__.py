"""A simulated Prokip: a tenant with locations, stock, contacts and sales behind the wire format of the real server.

`platform.py` takes requests apart, `rest.py` and `simple.py` are the dialects, `oauth.py` the tokens; `business.py`,
`records.py` and `selling.py` are what the business is, `people.py` what happens there without us, `control.py` the
routes of the sandbox itself, `faults.py` what can be made to go wrong.
"""

from syncd.sandbox.prokip.faults import Faults, WriteOutcome
from syncd.sandbox.prokip.people import NotPossible
from syncd.sandbox.prokip.platform import SimulatedProkip

__all__ = ["Faults", "NotPossible", "SimulatedProkip", "WriteOutcome"]
