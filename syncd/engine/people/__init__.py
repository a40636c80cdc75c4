"""People and programs that use syncd: who they are, how they come in, what they may do, and how all that ends.

`users.py` who there is · `sign_in.py` coming in · `sessions.py` staying in · `tokens.py` programs · `setup_code.py` the
first owner · `invitations.py`, `resets.py` links that work once · `second_factor.py` codes from a phone.
"""
