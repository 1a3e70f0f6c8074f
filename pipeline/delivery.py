"""How a message travels: posted to an address, or by mail.

Belongs here: the two ways, and errors that give nothing away. Does not belong here: what is sent and when
(pipeline.outbox), the settings' checks (pipeline.settings).

Addresses and passwords stay out of every text that is made here: such addresses often carry a secret.
"""

import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

SECONDS = 10
HERE = "127.0.0.1"


class DeliveryError(Exception):
    """A message could not be sent; says the kind of error, never the address."""


def is_private(address: str) -> bool:
    """Whether nobody on the way can read what is sent there: encrypted, or this machine."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and parts.hostname == HERE


def post(address: str, body: Mapping[str, Any]) -> None:
    """Post a message as JSON. A redirect is not followed: it could lead anywhere.

    Raises:
        DeliveryError: it was not taken.
    """
    import httpx  # imported here: only who sends pays for it

    try:
        httpx.post(address, json=dict(body), timeout=SECONDS).raise_for_status()
    except httpx.HTTPStatusError as bad:
        raise DeliveryError(f"{type(bad).__name__} {bad.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as bad:
        raise DeliveryError(type(bad).__name__) from None


def mail(server: str, sender: str, recipients: Sequence[str], subject: str, text: str) -> None:
    """Send a mail.

    Args:
        server: `smtps://user:password@host:465`, or `smtp://…:587`, which must offer STARTTLS unless it is 127.0.0.1.
        sender: address.
        recipients: addresses.
        subject: one line.
        text: plain text.

    Raises:
        DeliveryError: the server does not take it, or does not encrypt.
    """
    import smtplib
    from email.message import EmailMessage

    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = " ".join(subject.split()), sender, ", ".join(recipients)
    message.set_content(text)
    parts = urlsplit(server)
    host, encrypted = parts.hostname or "", parts.scheme == "smtps"
    port = parts.port or (465 if encrypted else 587)
    secure = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=secure)
            if encrypted
            else smtplib.SMTP(host, port, timeout=SECONDS)
        ) as line:
            if not encrypted and host != HERE:
                line.starttls(context=secure)
            if parts.username:
                line.login(unquote(parts.username), unquote(parts.password or ""))
            line.send_message(message)
    except smtplib.SMTPResponseException as bad:
        raise DeliveryError(f"{type(bad).__name__} {bad.smtp_code}") from None
    except (smtplib.SMTPException, OSError, UnicodeError) as bad:
        raise DeliveryError(type(bad).__name__) from None
