"""Chaos: the real daemon under everything that happens to real machines, judged by the platforms' own books.

`play.py` tells the whole story; `faults.py` is what happens, `network.py`, `daemons.py`, `database.py`, `disk.py` and
`clock.py` are the parts that can be made to fail, `hands.py` and `verdict.py` say whether it was right. Run it with
`make chaos`, or `python -m tests.chaos --minutes 2 --database sqlite`.
"""
