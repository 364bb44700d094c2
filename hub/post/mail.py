"""Mails by SMTP with TLS (RFC 5321, RFC 3207, RFC 8314), each with its calendar file (RFC 6047)."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from hub.domain.invitation import Message
from hub.post.carrier import BusyError, RefusedError
from hub.settings import Mail

SECONDS = 20
"""How long the mail server may take for each of its answers."""

PERMANENT = range(500, 600)
"""Replies after which the same mail is not sent again (RFC 5321 4.2.1)."""


def composed(message: Message, settings: Mail, reply_to: str) -> EmailMessage:
    """Write a mail. Headers are made by the library, which refuses line ends in them."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(settings.sender_name, addr_spec=settings.sender)
    mail["To"] = Address(message.name, addr_spec=message.recipient)
    if reply_to:
        mail["Reply-To"] = Address(addr_spec=reply_to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_time)
    mail["Message-ID"] = f"<{message.reference}@{settings.sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="quoted-printable")
    if message.calendar is not None:
        method = "CANCEL" if "\r\nMETHOD:CANCEL\r\n" in message.calendar else "REQUEST"
        mail.add_alternative(message.calendar, subtype="calendar", cte="base64", params={"method": method})
    return mail


class Mailer:
    """Hands mails to a server, one connection each: they are few, and a connection that is kept grows stale."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    async def carry(self, message: Message, sender: str) -> None:
        """Hand a mail over; raises `RefusedError`, `BusyError`."""
        del sender
        try:
            mail = composed(message, self._settings, _organiser(message))
        except ValueError as error:
            raise RefusedError(f"the mail cannot be written: {error}") from error
        await asyncio.to_thread(self._send, mail)

    def _send(self, mail: EmailMessage) -> None:
        try:
            with self._connected() as server:
                self._log_in(server)
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _fault(code, said) from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise _fault(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise RefusedError(f"the mail server cannot: {error}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise BusyError(f"the mail server: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.tls == "none":
            return smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
        context = ssl.create_default_context(cafile=str(settings.trust) if settings.trust else None)
        if settings.tls == "implicit":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=SECONDS, context=context)
        server = smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
        try:
            server.starttls(context=context)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        settings = self._settings
        if settings.user is not None and settings.password is not None:
            server.login(settings.user, settings.password.read_text("utf-8").strip())


def _organiser(message: Message) -> str:
    """Read whom answers go to from the calendar file, which the organiser stands in."""
    lines = (message.calendar or "").replace("\r\n ", "").split("\r\n")
    found = next((line for line in lines if line.startswith("ORGANIZER:mailto:")), "")
    return found.removeprefix("ORGANIZER:mailto:")


def _fault(code: int, said: bytes | str) -> Exception:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    kind = RefusedError if code in PERMANENT else BusyError
    return kind(f"the mail server: {code} {text[:150]}")
