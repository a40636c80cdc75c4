"""Random histories of the whole system: the daemon's own hands on a real database, simulated platforms, a virtual clock.

`setting` says what a history is about, `world` builds it (`own_ledger`: without a back office), `process` runs the daemon's hands one step at a time, `acts`
are people and faults, `truth` the platforms' own truth, `checks` compare, `history` plays, `shrink` tells.
"""
