"""The rules of stock: arithmetic and decisions without I/O, clock or logging.

The engine loads rows, asks a function here, and stores the answer. Start at `orders` (what an order moves), `publish`
(what a listing should show, what may be pushed) and `look` (how a reading becomes what we believe).
"""
