"""Bearer tokens of the API: a JWT that stands for a session, or a long-lived token with a name and a scope."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from sqlalchemy import update
from sqlmodel import Session, col, select

from schema.tables import ApiToken, Merchant, SessionKind, User
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people import sessions, users
from syncd.engine.people.sessions import SEEN_EVERY, Visitor
from syncd.engine.people.sign_in import SignedIn
from syncd.engine.vault import new_token
from syncd.errors import NotPossible

PREFIX = "syncd_"
ALGORITHM = "HS256"
AUDIENCE = "syncd-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A long-lived token as people see it; never the token."""

    id: int
    name: str
    scope: str
    hint: str
    user: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


def jwt_of(engine: Engine, signed_in: SignedIn) -> str:
    """The bearer token of an API session. It ends with the session, whatever it says itself."""
    claims = {
        "sub": str(signed_in.user_id),
        "jti": signed_in.token,
        "aud": AUDIENCE,
        "iat": int(engine.clock.now().timestamp()),
        "exp": int(signed_in.expires_at.timestamp()),
    }
    return jwt.encode(claims, engine.keyring.derive(AUDIENCE), algorithm=ALGORITHM)


def visitor_of_bearer(engine: Engine, bearer: str) -> Visitor | None:
    """Who sends this token; None where it lets nobody in."""
    if bearer.startswith(PREFIX):
        return _of_long_lived(engine, bearer)
    try:
        # Whether it is over is judged by our clock and the session's row.
        claims = jwt.decode(
            bearer,
            engine.keyring.derive(AUDIENCE),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"verify_exp": False, "verify_iat": False, "require": ["sub", "jti", "exp"]},
        )
    except (jwt.PyJWTError, ValueError):
        return None
    who = sessions.visitor_of(engine, str(claims["jti"]), SessionKind.API)
    if who is None or who.is_pending or str(who.user_id) != claims["sub"]:
        return None
    return who


def _of_long_lived(engine: Engine, bearer: str) -> Visitor | None:
    now = engine.clock.now()
    with engine.database.reading() as session:
        found = session.exec(
            select(ApiToken, User, Merchant)
            .join(User, col(User.id) == col(ApiToken.user_id))
            .join(Merchant, col(Merchant.id) == col(User.merchant_id))
            .where(ApiToken.token_hash == sessions.hash_of(bearer), col(ApiToken.revoked_at).is_(None))
        ).first()
    if found is None:
        return None
    token, user, merchant = found
    if user.disabled_at is not None or (token.expires_at is not None and token.expires_at <= now):
        return None
    if token.used_at is None or token.used_at + SEEN_EVERY <= now:
        with engine.database.transaction() as session:
            session.execute(update(ApiToken).where(col(ApiToken.id) == token.id).values(used_at=now))
    return sessions.visitor(user, merchant, role=users.lesser(user.role, token.scope), token_id=token.id)


def create(
    engine: Engine, user_id: int, *, name: str, scope: str, lasts: timedelta | None = None
) -> tuple[TokenView, str]:
    """Make a token; it is shown this once. Raises NotPossible for a name in use, or a scope above one's role."""
    now, token = engine.clock.now(), PREFIX + new_token()
    called = name.strip()[:60]
    if not called:
        raise NotPossible("Give the token a name, by which you will know it again.")
    with engine.database.transaction() as session:
        user, wanted = session.get_one(User, user_id), users.role_of(scope)
        if not users.may(user.role, wanted):
            raise NotPossible(f"You are {user.role.value}; a token of yours cannot be {scope}.")
        if _of_name(session, user.merchant_id, called) is not None:
            raise NotPossible(f"There is a token {called} already. Choose another name, or revoke that one.")
        row = ApiToken(
            merchant_id=user.merchant_id,
            user_id=user_id,
            name=called,
            scope=wanted,
            token_hash=sessions.hash_of(token),
            hint=token[-4:],
            created_at=now,
            expires_at=None if lasts is None else now + lasts,
        )
        session.add(row)
        session.flush()
        audit(session, user.merchant_id, user.email, "token.create", called, {"scope": scope}, now)
        return _view(row, user.email), token


def list_tokens(session: Session, merchant_id: int) -> list[TokenView]:
    """A merchant's tokens that are not revoked, by name."""
    rows = session.exec(
        select(ApiToken, User.email)
        .join(User, col(User.id) == col(ApiToken.user_id))
        .where(ApiToken.merchant_id == merchant_id, col(ApiToken.revoked_at).is_(None))
        .order_by(col(ApiToken.name))
    )
    return [_view(row, email) for row, email in rows]


def revoke(engine: Engine, merchant_id: int, token_id: int, *, actor: str) -> None:
    """End a token. Raises NotPossible where there is none."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.get(ApiToken, token_id)
        if row is None or row.merchant_id != merchant_id or row.revoked_at is not None:
            raise NotPossible("There is no such token; it may have been revoked.")
        row.revoked_at = now
        audit(session, merchant_id, actor, "token.revoke", row.name, {}, now)


def _of_name(session: Session, merchant_id: int, name: str) -> ApiToken | None:
    return session.exec(
        select(ApiToken).where(
            ApiToken.merchant_id == merchant_id, ApiToken.name == name, col(ApiToken.revoked_at).is_(None)
        )
    ).first()


def _view(row: ApiToken, user: str) -> TokenView:
    return TokenView(
        id=row.id or 0,
        name=row.name,
        scope=row.scope.value,
        hint=row.hint,
        user=user,
        created_at=row.created_at,
        used_at=row.used_at,
        expires_at=row.expires_at,
    )
