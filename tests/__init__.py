"""Tests of syncd; `tests.bench`, `tests.simulation` and `tests.chaos` run as programs too."""
