"""Messages to people by mail, where a mail server is configured. Best effort: what fails is logged."""

import smtplib
import ssl
from email.message import EmailMessage

import structlog

from syncd.config import Settings

log = structlog.get_logger(__name__)

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
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail.sender, to, subject
    message.set_content(words)
    try:
        _deliver(settings, message)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail_not_sent", host=settings.mail.host, reason=type(error).__name__)
        return False
    log.info("mail_sent", subject=subject)
    return True


def _deliver(settings: Settings, message: EmailMessage) -> None:
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


def password_changed(settings: Settings, to: str) -> bool:
    """Tell somebody that their password was changed."""
    return send(
        settings,
        to,
        "Your syncd password was changed",
        "Your password was changed just now, and all other sessions were ended.\n\n"
        f"If that was not you, set a new one: {link(settings, '/forgot')}\n",
    )


def test_message(settings: Settings, to: str) -> bool:
    """Show somebody that messages arrive."""
    return send(settings, to, "A test message of syncd", "Messages of syncd reach you. Nothing to do.\n")


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
