"""Passwords: what is taken for one, and how it is kept (argon2id)."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from syncd.errors import NotPossible

SHORTEST = 12
LONGEST = 200

# 19 MiB, two passes: many may sign in at once on a small machine, and guessing stays dear.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def require_good(password: str, email: str) -> None:
    """Raise NotPossible for a password that is too short, too long, or the address itself."""
    if len(password) < SHORTEST:
        raise NotPossible(f"The password needs {SHORTEST} characters or more. Three odd words are easy to keep.")
    if len(password) > LONGEST:
        raise NotPossible(f"The password may have {LONGEST} characters at most.")
    if password.casefold() == email.casefold() or len(set(password)) < 4:
        raise NotPossible("This password is too easy to guess. Choose another.")


def hashed(password: str) -> str:
    """What is kept of it."""
    return _HASHER.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether it is the one that is kept. Takes as long where nothing is kept."""
    try:
        _HASHER.verify(kept or _of_nobody(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


@cache
def _of_nobody() -> str:
    """So that an unknown address takes as long as a known one."""
    return _HASHER.hash("the password of nobody")
