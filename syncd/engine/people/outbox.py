"""Messages that must reach people: stored in the transaction of their cause, handed to the mail server afterwards.

A message is claimed before it is sent and noted after; a process that dies in between leaves it to the next try, under
the same Message-ID, by which mail servers and programs know a message that they have already.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import Mail, MailState, User
from syncd.engine.context import Engine
from syncd.engine.people import mail
from syncd.engine.vault import new_token
from syncd.engine.wake import wake
from syncd.errors import VaultError

log = structlog.get_logger(__name__)

CLAIMED_FOR = timedelta(minutes=2)
"""Longer than a mail server may take for all of its answers."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=2)
AT_ONCE = 20


def put(session: Session, engine: Engine, merchant_id: int, address: str, subject: str, words: str) -> int | None:
    """Have a message sent, if the caller's transaction is committed; gives its id, None where no mail is configured."""
    if not mail.is_configured(engine.settings):
        return None
    now = engine.clock.now()
    row = Mail(
        merchant_id=merchant_id,
        key=f"<{new_token()[:40]}@syncd>",
        address=address,
        subject=mail.one_line(subject),
        body=engine.keyring.seal(words.encode()),
        not_before=now,
        created_at=now,
    )
    session.add(row)
    session.flush()
    wake(session)
    return row.id


def tell_password_changed(session: Session, engine: Engine, user: User) -> None:
    """Tell somebody that their password was changed, in the transaction that does it."""
    words = (
        "Your password was changed just now, and all other sessions were ended.\n\n"
        f"If that was not you, set a new one: {mail.link(engine.settings, '/forgot')}\n"
    )
    put(session, engine, user.merchant_id, user.email, "Your syncd password was changed", words)


def send_due(engine: Engine) -> int:
    """Hand over what waits; how many messages were tried."""
    if not mail.is_configured(engine.settings):
        return 0
    now = engine.clock.now()
    with engine.database.reading() as session:
        due = session.exec(_waiting(now).order_by(col(Mail.id)).limit(AT_ONCE)).all()
    return sum(_send_one(engine, row.id or 0) for row in due)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    id: int
    key: str
    address: str
    subject: str
    body: bytes
    attempts: int
    created_at: datetime


def _waiting(now: datetime) -> SelectOfScalar[Mail]:
    return select(Mail).where(Mail.state == MailState.WAITING, col(Mail.not_before) <= now)


def _send_one(engine: Engine, mail_id: int) -> bool:
    claimed = _claim(engine, mail_id)
    if claimed is None:
        return False
    try:
        words = engine.keyring.open_bytes(claimed.body).decode()
        mail.deliver(engine.settings, claimed.address, claimed.subject, words, key=claimed.key)
    except (*mail.FAILURES, VaultError) as error:
        _note_failure(engine, claimed, error)
    else:
        _close(engine, claimed.id, MailState.SENT, "")
        log.info("mail_sent", mail=claimed.id)
    return True


def _claim(engine: Engine, mail_id: int) -> _Claimed | None:
    """Take a message for a while; None where somebody else has it, or it is done."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(_waiting(now).where(Mail.id == mail_id).with_for_update(skip_locked=True)).first()
        if row is None:
            return None
        row.attempts += 1
        row.not_before = now + CLAIMED_FOR
        return _Claimed(
            id=mail_id,
            key=row.key,
            address=row.address,
            subject=row.subject,
            body=row.body,
            attempts=row.attempts,
            created_at=row.created_at,
        )


def _note_failure(engine: Engine, claimed: _Claimed, error: Exception) -> None:
    now, words = engine.clock.now(), mail.words_of_failure(engine.settings, error)
    if claimed.attempts == 1:
        log.warning("mail_not_sent", mail=claimed.id, reason=words)
    if isinstance(error, VaultError) or mail.is_refused_for_good(error) or claimed.created_at + GIVEN_UP_AFTER <= now:
        _close(engine, claimed.id, MailState.GIVEN_UP, words)
        return
    with engine.database.transaction() as session:
        row = session.get_one(Mail, claimed.id)
        row.words = words
        row.not_before = now + min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(claimed.attempts - 1, 10))


def _close(engine: Engine, mail_id: int, state: MailState, words: str) -> None:
    with engine.database.transaction() as session:
        row = session.get_one(Mail, mail_id)
        row.state, row.words, row.body = state, words, b""
        row.sent_at = engine.clock.now() if state is MailState.SENT else None


def last_failure(session: Session, merchant_id: int) -> Mail | None:
    """The newest message that could not be handed over, if nothing went out since; None where all is well."""
    newest = session.exec(
        select(Mail).where(Mail.merchant_id == merchant_id, Mail.attempts > 0).order_by(col(Mail.id).desc()).limit(1)
    ).first()
    return newest if newest is not None and newest.words else None
