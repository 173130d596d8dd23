"""The door for e-mail: one message to one address by an SMTP server, with TLS where the URL says so.

It must not compose messages (`digests` does), nor keep or log what it sends or the password that it shows.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

_TIMEOUT_S: Final = 15.0
_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class MailNotSentError(Exception):
    """The message was not taken; the text says by whom and why, without address or password."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server and whose name messages bear. url: smtp://, smtp+starttls:// or smtps://[user:password@]host[:port]."""

    url: str
    sender: str


def check_mail_url(url: str) -> None:
    """Nothing when the URL names an SMTP server; else raises ValueError with what was expected."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"scheme {parts.scheme!r}; expected smtp, smtp+starttls or smtps, and a host")


def send(server: MailServer, message: EmailMessage) -> None:
    """Hand a message over; it is the SMTP server's then. Raises MailNotSentError. RFC 5321, RFC 3207."""
    parts = urlsplit(server.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    context = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=context)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
        ) as connection:
            if parts.scheme == "smtp+starttls":
                connection.starttls(context=context)
            if parts.username is not None:
                connection.login(unquote(parts.username), unquote(parts.password or ""))
            connection.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        code = getattr(error, "smtp_code", None)
        said = f"answered {code}" if code is not None else type(error).__name__
        raise MailNotSentError(f"{host}:{port} {said}") from error
