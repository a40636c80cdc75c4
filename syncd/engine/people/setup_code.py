"""The first owner: made by who can read what the machine printed, so that a stranger cannot claim a fresh install.

The code is derived from the installation's key and a random word in the database, so it can be printed again and is
kept nowhere. A few wrong tries make it void.
"""

import hmac

from sqlmodel import Session, col, select

from connectors.sdk.contract import Clock
from schema.tables import Merchant, SetupCode, User, UserRole
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.database import Database
from syncd.engine.people import passwords, users
from syncd.engine.vault import Keyring, new_token
from syncd.errors import NotPossible, NotSignedIn

TRIES = 5
_CONSONANTS = "BDFGHJKLMNPRSTVZ"
_VOWELS = "AEIOU"


def issue(database: Database, keyring: Keyring, clock: Clock) -> str | None:
    """The code to print, the same one until it is used or void; None where somebody owns the installation."""
    with database.transaction() as session:
        if users.is_claimed(session):
            return None
        row = _present(session)
        if row is None or row.tries_left == 0:
            row = SetupCode(nonce=new_token(), tries_left=TRIES, created_at=clock.now())
            session.add(row)
            session.flush()
        return _code(keyring, row)


def claim(engine: Engine, code: str, *, email: str, name: str, business: str, password: str) -> int:
    """Make the owner of this installation's merchant; gives the user's id.

    Raises NotSignedIn for a wrong code, NotPossible where it is claimed already or something is missing.
    """
    address = users.clean_email(email)
    passwords.require_good(password, address)
    if not business.strip():
        raise NotPossible("Say what your business is called.")
    now = engine.clock.now()
    _require_code(engine, code)
    with engine.database.transaction() as session:
        _lock_code(session)
        if users.is_claimed(session):
            raise NotPossible("This installation has an owner. Sign in.")
        merchant = session.exec(select(Merchant).order_by(col(Merchant.id)).limit(1)).first()
        if merchant is None:
            merchant = Merchant(name=business.strip()[:100], created_at=now)
            session.add(merchant)
        merchant.name = business.strip()[:100]
        session.flush()
        row = users.make_user(
            session, merchant.id or 0, email=address, name=name, role=UserRole.OWNER, password=password, now=now
        )
        for used in session.exec(select(SetupCode)):
            session.delete(used)
        audit(session, merchant.id or 0, row.email, "owner.claim", merchant.name, {}, now)
        return row.id or 0


def register(engine: Engine, *, email: str, name: str, business: str, password: str) -> int:
    """A further merchant with its owner, where the operator lets anybody sign up; gives the user's id."""
    if engine.settings.security.registration != "open":
        raise NotPossible("Nobody can sign up here by themselves. Ask the owner of this syncd to invite you.")
    now = engine.clock.now()
    with engine.database.transaction() as session:
        called = business.strip()[:100]
        if not called or session.exec(select(Merchant.id).where(Merchant.name == called)).first() is not None:
            raise NotPossible("Choose another name for your business: this one is empty or taken.")
        merchant = Merchant(name=called, created_at=now)
        session.add(merchant)
        session.flush()
        row = users.make_user(
            session, merchant.id or 0, email=email, name=name, role=UserRole.OWNER, password=password, now=now
        )
        audit(session, merchant.id or 0, row.email, "owner.register", called, {}, now)
        return row.id or 0


def _require_code(engine: Engine, code: str) -> None:
    """In a transaction of its own: a wrong try must be kept."""
    with engine.database.transaction() as session:
        if session.exec(select(User.id).limit(1)).first() is not None:
            raise NotPossible("This installation has an owner. Sign in.")
        row = _lock_code(session)
        left = 0
        if row is not None and row.tries_left > 0:
            if hmac.compare_digest(_plain(_code(engine.keyring, row)), _plain(code)):
                return
            left = row.tries_left = row.tries_left - 1
    then = f"{left} {'try' if left == 1 else 'tries'} left." if left else "It is void: `syncd init` shows a new one."
    raise NotSignedIn(
        "That is not the code of this installation. It was shown when syncd started; ask whoever runs the server. "
        + then,
        tries_left=left,
    )


def _present(session: Session) -> SetupCode | None:
    return session.exec(select(SetupCode).order_by(col(SetupCode.id).desc()).limit(1)).first()


def _lock_code(session: Session) -> SetupCode | None:
    query = select(SetupCode).order_by(col(SetupCode.id).desc()).limit(1)
    return session.exec(query.with_for_update()).first()


def _plain(code: str) -> bytes:
    return "".join(sign for sign in code.upper() if sign.isalnum()).encode()


def _code(keyring: Keyring, row: SetupCode) -> str:
    """Such as KISU-4821-TAWI: 39 bits, easy to read out loud."""
    number = int.from_bytes(keyring.derive(f"setup-code:{row.nonce}"), "big")

    def take(choices: str) -> str:
        nonlocal number
        number, rest = divmod(number, len(choices))
        return choices[rest]

    def syllables() -> str:
        return take(_CONSONANTS) + take(_VOWELS) + take(_CONSONANTS) + take(_VOWELS)

    return f"{syllables()}-{''.join(take('0123456789') for _ in range(4))}-{syllables()}"
