"""`syncd demo`: simulated stores, customers who buy, faults, the real daemon, and a verdict from the stores' own books.

Begin at `play.py`. The demo knows syncd only as a user does: by its command line and its process. What it says at the
end comes from the books of the simulated platforms, so a mistake of syncd's cannot hide in it.
"""

from syncd.demo.play import play

__all__ = ["play"]
