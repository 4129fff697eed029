"""A destination by e-mail: one digest for what a queue owes, with ids, urgency, due times and links, never the text.

Quiet hours hold back everything but critical items. Mail has no keys; a digest that is repeated after a crash or a
failure holds the same items and has the same `Message-ID`, by which mail stores tell repeats (RFC 5322, section 3.6.4).
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal
from urllib.parse import quote

from pipeline.errors import ConfigurationError
from pipeline.route.deadline import at_most
from pipeline.route.destinations import LOOPBACK, DeliveryFailed, Message
from pipeline.route.quiet import QuietHours

TIMEOUT_SECONDS = 15.0
LONGEST_SECONDS = 60.0
Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class EmailDigest:
    """`page` is the address of the review page. Of the queues in `minimal` neither name nor links to items are sent."""

    host: str
    sender: str
    recipients: tuple[str, ...]
    port: int = 587
    security: Security = "starttls"
    username: str | None = None
    password: str = field(default="", repr=False)
    ca_file: str | None = None
    page: str | None = None
    quiet: QuietHours | None = None
    minimal: frozenset[str] = frozenset()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ConfigurationError(f"e-mail over {self.host}: without TLS only to this machine itself")
        for address in (self.sender, *self.recipients):
            if "@" not in parseaddr(address)[1] or not address.isprintable():
                raise ConfigurationError(f"e-mail over {self.host}: {address!r} is no address")
        if not self.recipients:
            raise ConfigurationError(f"e-mail over {self.host}: name its recipients")

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        quiet_until = self.quiet.until(self.now()) if self.quiet else None
        held = {m.key: quiet_until for m in messages if quiet_until and m.rank > 0}
        digest = sorted((m for m in messages if m.key not in held), key=lambda m: (m.rank, m.due, m.key))
        if digest:
            try:
                self._mail(self.compose(digest))
            except (OSError, smtplib.SMTPException) as error:
                code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
                problem = f"e-mail over {self.host}: {type(error).__name__}{code}"
                raise DeliveryFailed(problem, tried=[message.key for message in digest]) from error
        return held

    def compose(self, messages: Sequence[Message]) -> EmailMessage:
        """The digest of one queue's messages, in their order."""
        queue = messages[0].queue
        shown = queue not in self.minimal
        count, critical = len(messages), sum(m.rank == 0 for m in messages)
        items = f"{count} item{'s' if count > 1 else ''}"
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        mail["Subject"] = (
            f"Sitrep: {items} in {queue if shown else 'a restricted queue'}"
            + (f", {critical} critical" if critical else "")
        )  # fmt: skip
        mail["Date"] = format_datetime(self.now())
        mail["Message-ID"] = self._message_id(messages)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices in return
        page = self.page.rstrip("/") if self.page else None
        lines = []
        for message in messages:
            line = f"{message.urgency:<9} due {message.due:%Y-%m-%d %H:%M} UTC  {message.report}"
            link = f"  {page}/queues/{quote(queue)}/{quote(message.report)}" if page and shown else ""
            lines.append(line + link)
        if page and not shown:
            lines += ["", page + "/"]
        mail.set_content("\n".join([*lines, "", "What the reports say is on the review page alone.", ""]))
        return mail

    def _message_id(self, messages: Sequence[Message]) -> str:
        keys = "\n".join(sorted(message.key for message in messages))
        return f"<{hashlib.sha256(keys.encode()).hexdigest()[:40]}@{_domain(self.sender)}>"

    def _mail(self, mail: EmailMessage) -> None:
        """Hand a mail to the server for all recipients, or for none: a refused one raises before anything is sent."""
        context = ssl.create_default_context(cafile=self.ca_file)
        domain = _domain(self.sender)  # the name of this machine is nobody's business
        if self.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=domain, timeout=TIMEOUT_SECONDS, context=context)
        else:
            client = smtplib.SMTP(local_hostname=domain, timeout=TIMEOUT_SECONDS)
        client._host = self.host  # type: ignore[attr-defined] # the name in the certificate, set by no other way
        try:
            with at_most(LONGEST_SECONDS, client):
                _accepted(client.connect(self.host, self.port))
                if self.security == "starttls":
                    client.starttls(context=context)
                client.ehlo_or_helo_if_needed()
                if self.username:
                    client.login(self.username, self.password)
                _accepted(client.mail(parseaddr(self.sender)[1]))
                for recipient in self.recipients:
                    _accepted(client.rcpt(parseaddr(recipient)[1]))
                _accepted(client.data(mail.as_bytes()))
        finally:
            client.close()


def _domain(address: str) -> str:
    return parseaddr(address)[1].rpartition("@")[2]


def _accepted(answer: tuple[int, bytes]) -> None:
    """SMTPResponseException where a server's answer is not of the 2xx kind (RFC 5321, section 4.2.1)."""
    if not 200 <= answer[0] < 300:
        raise smtplib.SMTPResponseException(*answer)
