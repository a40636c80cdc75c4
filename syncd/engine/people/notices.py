"""Mail about issues: who wants to be told of what, and telling it once.

Level-triggered like everything: a user is owed every open issue of their wish that they were not told of. `write_due`
takes all that somebody is owed into one message and notes it in the same transaction, so that a storm is one mail, and
nothing is told twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import (
    Connection,
    Issue,
    IssueState,
    IssueTold,
    Mail,
    MailLevel,
    MailRhythm,
    MailWish,
    Merchant,
    User,
    UserRole,
)
from syncd.domain.issue_kinds import AREAS, URGENT, Area
from syncd.domain.mail_times import is_due_at_once, is_due_daily
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people import mail, outbox, users
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)

LISTED = 30
"""Issues that one message spells out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one user wants mail about. `is_usual`: nobody chose it, it goes with the role."""

    email: str
    name: str
    role: str
    level: MailLevel
    rhythm: MailRhythm
    areas: tuple[Area, ...]
    is_usual: bool


# ------------------------------------------------------------------------------------------- what people want


def list_wishes(session: Session, merchant_id: int) -> list[Wish]:
    """Every user who can sign in, by address, with what they want."""
    rows = session.exec(
        select(User, MailWish)
        .outerjoin(MailWish, col(MailWish.user_id) == col(User.id))
        .where(User.merchant_id == merchant_id, col(User.disabled_at).is_(None))
        .order_by(col(User.email))
    )
    return [_wish(user, row) for user, row in rows]


def _wish(user: User, row: MailWish | None) -> Wish:
    kept = row or _usual(user)
    areas = tuple(area for area in Area if getattr(kept, area.value))
    return Wish(
        email=user.email,
        name=user.name or user.email,
        role=user.role.value,
        level=kept.level,
        rhythm=kept.rhythm,
        areas=areas,
        is_usual=row is None,
    )


def _usual(user: User) -> MailWish:
    """Owners are told of everything at once, others of nothing until somebody says so."""
    level = MailLevel.ALL if user.role is UserRole.OWNER else MailLevel.NONE
    return MailWish(user_id=user.id or 0, level=level, rhythm=MailRhythm.AT_ONCE)


def set_wish(
    engine: Engine,
    merchant_id: int,
    email: str,
    *,
    level: MailLevel,
    rhythm: MailRhythm,
    areas: Sequence[Area],
    actor: str,
) -> None:
    """Choose what a user is told. Raises NotPossible where there is no such user, or nothing is left to tell."""
    if level is not MailLevel.NONE and not areas:
        raise NotPossible("Choose at least one kind of issue, or no mail at all.")
    now = engine.clock.now()
    with engine.database.transaction() as session:
        user = users.find_user(session, merchant_id, email)
        row = session.get(MailWish, user.id) or MailWish(user_id=user.id or 0, level=level)
        row.level, row.rhythm = level, rhythm
        for area in Area:
            setattr(row, area.value, area in areas)
        session.add(row)
        told = {"level": level.value, "rhythm": rhythm.value, "areas": [area.value for area in areas]}
        audit(session, merchant_id, actor, "user.mail", user.email, told, now)


# ------------------------------------------------------------------------------------------- telling of issues


def write_due(engine: Engine) -> int:
    """Write what is owed to each user; how many messages."""
    if not mail.is_configured(engine.settings):
        return 0
    is_owed = exists().where(
        col(Issue.merchant_id) == col(User.merchant_id),
        col(Issue.state) == IssueState.OPEN,
        ~exists().where(col(IssueTold.issue_id) == col(Issue.id), col(IssueTold.user_id) == col(User.id)),
    )
    with engine.database.reading() as session:
        ids = session.exec(select(User.id).where(col(User.disabled_at).is_(None), is_owed).order_by(col(User.id))).all()
    return sum(_write_to(engine, user_id or 0) for user_id in ids)


def _write_to(engine: Engine, user_id: int) -> bool:
    """One message about all that a user is owed, if it is time for one."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        user = session.exec(select(User).where(User.id == user_id).with_for_update()).one()
        wish = _wish(user, session.get(MailWish, user_id))
        owed = session.exec(_owed(user, wish)).all() if wish.level is not MailLevel.NONE else []
        merchant = session.get_one(Merchant, user.merchant_id)
        if not owed or not _is_due(engine, session, user_id, wish, owed[0].opened_at, merchant.time_zone, now):
            return False
        subject, words = _message(engine, session, merchant, owed)
        mail_id = outbox.put(session, engine, user.merchant_id, user.email, subject, words)
        session.add_all(IssueTold(issue_id=issue.id or 0, user_id=user_id, mail_id=mail_id or 0) for issue in owed)
        return True


def _owed(user: User, wish: Wish) -> SelectOfScalar[Issue]:
    """Open issues that the user wants to know of and was not told of, the oldest first."""
    wanted = {kind for kind, area in AREAS.items() if area in wish.areas}
    if wish.level is MailLevel.URGENT:
        wanted &= URGENT
    is_wanted: ColumnElement[bool] = col(Issue.kind).in_(wanted)
    if wish.level is MailLevel.ALL and Area.STORES in wish.areas:
        is_wanted = or_(is_wanted, col(Issue.kind).not_in(AREAS))
    was_told = exists().where(col(IssueTold.issue_id) == col(Issue.id), col(IssueTold.user_id) == (user.id or 0))
    return (
        select(Issue)
        .where(Issue.merchant_id == user.merchant_id, Issue.state == IssueState.OPEN, is_wanted, ~was_told)
        .order_by(col(Issue.opened_at), col(Issue.id))
    )


def _is_due(
    engine: Engine, session: Session, user_id: int, wish: Wish, oldest: datetime, zone: str, now: datetime
) -> bool:
    settings = engine.settings.mail
    told_at = session.exec(
        select(func.max(Mail.created_at))
        .join(IssueTold, col(IssueTold.mail_id) == col(Mail.id))
        .where(IssueTold.user_id == user_id)
    ).one()
    if wish.rhythm is MailRhythm.DAILY:
        return is_due_daily(oldest=oldest, told_at=told_at, at=settings.daily_at, zone=zone, now=now)
    return is_due_at_once(
        oldest=oldest, told_at=told_at, gather=settings.gather, at_most_every=settings.at_most_every, now=now
    )


def _message(engine: Engine, session: Session, merchant: Merchant, owed: Sequence[Issue]) -> tuple[str, str]:
    """Subject and text: what happened, why, and where to read what to do."""
    stores = select(Connection.id, Connection.name).where(Connection.merchant_id == merchant.id)
    names = dict(session.exec(stores).all())
    count = len(owed)
    title = owed[0].title.rstrip(".") if count == 1 else f"{count} things need a look"
    parts = [_part(engine, issue, names.get(issue.connection_id or 0, "")) for issue in owed[:LISTED]]
    if count > LISTED:
        parts.append(f"And {count - LISTED} more: {mail.link(engine.settings, '/app/issues')}")
    end = f"Which messages you get is chosen at {mail.link(engine.settings, '/app/settings')}"
    return f"{merchant.name}: {title}", "\n\n".join([*parts, "-- \n" + end]) + "\n"


def _part(engine: Engine, issue: Issue, store: str) -> str:
    lines = [issue.title]
    if store and store not in issue.title:
        lines.append(f"Store: {store}")
    if issue.why and "`" not in issue.why:
        lines.append(issue.why)
    return "\n".join([*lines, f"What to do: {mail.link(engine.settings, f'/app/issues/{issue.id}')}"])


# ------------------------------------------------------------------------------------------- telling of deeds


def tell_disconnected(session: Session, engine: Engine, store: Connection, *, actor: str, now: datetime) -> None:
    """Tell everybody who looks after stores that one was disconnected, in the transaction that does it."""
    merchant = session.get_one(Merchant, store.merchant_id)
    words = (
        f"{store.name} was disconnected by {actor} at {now:%Y-%m-%d %H:%M} UTC. Its numbers stay as they are and will "
        f"age; its history is kept.\n\nIf that was a mistake, connect it again: "
        f"{mail.link(engine.settings, '/app/setup/store')}\n"
    )
    for wish in list_wishes(session, store.merchant_id):
        if wish.level is not MailLevel.NONE and Area.STORES in wish.areas:
            outbox.put(
                session, engine, store.merchant_id, wish.email, f"{merchant.name}: {store.name} was disconnected", words
            )


def send_test(engine: Engine, email: str) -> None:
    """Send a message to who asks, now. Raises NotPossible that says what is wrong with the mail server."""
    settings = engine.settings
    if not mail.is_configured(settings):
        raise NotPossible("No mail server is set. Ask your operator to fill [mail] in config.toml.")
    try:
        mail.deliver(settings, email, "A test message of syncd", "Messages of syncd reach you. Nothing to do.\n")
    except mail.FAILURES as error:
        raise NotPossible(
            f"The message was not sent: {mail.words_of_failure(settings, error)} Ask your operator to look at [mail] "
            "in config.toml."
        ) from error
