"""The second factor: codes of an authenticator app (TOTP). Switched on once a first code has shown that it works."""

import hmac
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno
from sqlmodel import select

from schema.tables import User
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people import passwords
from syncd.errors import NotPossible, NotSignedIn, VaultError

STEP = 30
"""Seconds that a code is shown."""
ISSUER = "syncd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What the app needs: the secret to type, or its address as a picture. `sealed` comes back with the first code."""

    secret: str
    uri: str
    sealed: str

    def picture(self) -> str:
        """The address as an SVG, without styles of its own."""
        return segno.make(self.uri, error="m").svg_inline(scale=4, border=2, svgclass="qr", lineclass=None)


def begin(engine: Engine, email: str) -> Enrolment:
    """A fresh secret; nothing is kept before `confirm`."""
    secret = pyotp.random_base32()
    return Enrolment(
        secret=secret,
        uri=pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER),
        sealed=engine.keyring.seal({"email": email, "secret": secret}).decode(),
    )


def resume(engine: Engine, email: str, sealed: str) -> Enrolment:
    """The enrolment that was begun, to show it again. Raises NotPossible."""
    secret = _opened(engine, email, sealed)
    return Enrolment(
        secret=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER), sealed=sealed
    )


def confirm(engine: Engine, user_id: int, sealed: str, code: str) -> None:
    """Switch it on by a first code. Raises NotPossible for an enrolment that is not this user's, NotSignedIn."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(select(User).where(User.id == user_id).with_for_update()).one()
        secret = _opened(engine, row.email, sealed)
        step = step_of(secret, code, now, after=None)
        if step is None:
            raise NotSignedIn("This code does not fit. Wait for the next one, and check the clock of your phone.")
        row.totp_secret, row.totp_step = engine.keyring.seal(secret.encode()), step
        audit(session, row.merchant_id, row.email, "user.second_factor", row.email, {"on": True}, now)


def remove(engine: Engine, user_id: int, password: str) -> None:
    """Switch it off, by the password. Raises NotSignedIn."""
    now = engine.clock.now()
    with engine.database.reading() as session:
        kept = session.get_one(User, user_id).password_hash
    if not passwords.fits(kept, password):
        raise NotSignedIn("This is not your present password.")
    with engine.database.transaction() as session:
        row = session.get_one(User, user_id)
        row.totp_secret = row.totp_step = None
        audit(session, row.merchant_id, row.email, "user.second_factor", row.email, {"on": False}, now)


def use_code(engine: Engine, row: User, code: str, now: datetime) -> bool:
    """Whether the code is right and was not used before; noted in the row, which the caller has locked."""
    if row.totp_secret is None:
        return False
    step = step_of(engine.keyring.open_bytes(row.totp_secret).decode(), code, now, after=row.totp_step)
    if step is None:
        return False
    row.totp_step = step
    return True


def step_of(secret: str, code: str, now: datetime, *, after: int | None) -> int | None:
    """The half minute whose code this is: the present one or a neighbour, later than `after`."""
    digits = "".join(code.split())
    present = int(now.timestamp()) // STEP
    totp = pyotp.TOTP(secret)
    for step in (present - 1, present, present + 1):
        is_fresh = after is None or step > after
        if is_fresh and hmac.compare_digest(totp.at(step * STEP).encode(), digits.encode()):
            return step
    return None


def _opened(engine: Engine, email: str, sealed: str) -> str:
    try:
        kept = engine.keyring.open(sealed.encode())
    except (VaultError, ValueError):
        kept = {}
    if kept.get("email") != email:
        raise NotPossible("Begin again: this picture is not valid any more.")
    return kept["secret"]
