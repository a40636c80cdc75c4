"""Messages to people by mail, where a mail server is configured.

`send` is for what a person waits for and asks for again (best effort, what fails is logged); what must arrive goes
through `outbox.py`.
"""

import smtplib
import ssl
from email.message import EmailMessage

import structlog

from syncd.config import Settings

log = structlog.get_logger(__name__)

FAILURES = (OSError, smtplib.SMTPException)
WITHIN = 20.0
"""Seconds that the mail server may take for each answer."""


def is_configured(settings: Settings) -> bool:
    """Whether messages can go out at all."""
    return bool(settings.mail.host and settings.mail.sender)


def link(settings: Settings, path: str) -> str:
    """A path of ours as an address that somebody can open: the public one, or where we listen."""
    base = settings.web.public_url or f"http://{settings.web.listen}"
    return f"{base.rstrip('/')}{path}"


def send(settings: Settings, to: str, subject: str, words: str) -> bool:
    """Hand a message to the mail server; False where there is none, or it did not take it."""
    if not is_configured(settings):
        return False
    try:
        deliver(settings, to, one_line(subject), words)
    except FAILURES as error:
        log.warning("mail_not_sent", host=settings.mail.host, reason=type(error).__name__)
        return False
    log.info("mail_sent", subject=subject)
    return True


def one_line(subject: str) -> str:
    """A subject without line breaks, which would be further headers; at most 150 characters."""
    return " ".join(subject.split())[:150]


def deliver(settings: Settings, to: str, subject: str, words: str, *, key: str = "") -> None:
    """Hand a message to the mail server, under this Message-ID if one is given. Raises OSError and SMTPException."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail.sender, to, subject
    message["Auto-Submitted"] = "auto-generated"
    if key:
        message["Message-ID"] = key
    message.set_content(words)
    _hand_over(settings, message)


def words_of_failure(settings: Settings, error: Exception) -> str:
    """What went wrong with the mail server, for who set it up."""
    place = f"{settings.mail.host}:{settings.mail.port}"
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"{place} did not accept our user name and password."
        case smtplib.SMTPRecipientsRefused():
            return f"{place} does not take messages for this address."
        case smtplib.SMTPSenderRefused():
            return f"{place} does not take messages from {settings.mail.sender}."
        case smtplib.SMTPException():
            return f"{place} answered with an error: {type(error).__name__}."
        case _:
            return f"{place} cannot be reached: {type(error).__name__}."


def is_refused_for_good(error: Exception) -> bool:
    """Whether the server says that this address will never do."""
    return isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        code in (550, 551, 553) for code, _ in error.recipients.values()
    )


def _hand_over(settings: Settings, message: EmailMessage) -> None:
    mail = settings.mail
    context = ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=WITHIN, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=WITHIN)
    with server:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.username:
            server.login(mail.username, mail.password.get_secret_value())
        server.send_message(message)


def reset_link(settings: Settings, to: str, token: str) -> bool:
    """Send the way back in."""
    return send(
        settings,
        to,
        "Set a new password for syncd",
        f"Somebody, probably you, asked for a new password. Set it here within an hour:\n\n"
        f"{link(settings, f'/reset/{token}')}\n\nIf it was not you, there is nothing to do.\n",
    )


def invitation(settings: Settings, to: str, *, business: str, invited_by: str, token: str) -> bool:
    """Send an invitation."""
    return send(
        settings,
        to,
        f"{invited_by} invites you to {business} on syncd",
        f"{invited_by} invites you to see the stock and sales of {business}. The link works once, for 7 days:\n\n"
        f"{link(settings, f'/invite/{token}')}\n",
    )
