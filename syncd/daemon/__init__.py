"""The daemon: threads that take the engine's steps when something is due. `syncd.app` puts it together.

`loops.py` is one thread's loop, `store_hand.py` and `office_hands.py` what they do, `crew.py` who there is,
`schedule.py` the clockwork, `server.py` the web edge.
"""
