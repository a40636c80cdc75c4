"""Random histories of one SKU in two stores and a back office, driving the functions of `syncd.domain` themselves.

`clock` runs time, `world` is everything outside syncd, `daemon` is a small syncd without database, `history` makes up
one history and judges its end, `rules` lets a test swap one rule for a naive one that must be caught.
"""
