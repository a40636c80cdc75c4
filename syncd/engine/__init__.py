"""The steps: each opens a transaction, looks for a difference, removes it, and may be killed at any point.

`context.Engine` is what every step gets. Reading, network and writing are three parts; the network is never used inside
a transaction.
"""
