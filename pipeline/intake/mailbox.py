"""A folder of a mailbox, read over IMAP (RFC 9051) and TLS from the first byte (RFC 8314).

Mails are read without marking them; whoever has stored what was in one marks it as seen. None is moved or deleted.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import MailboxError

TIMEOUT = 60
"""Seconds without an answer after which the server counts as gone."""


@dataclass(frozen=True)
class Waiting:
    """A mail that nobody has seen; `size` in bytes."""

    uid: int
    size: int


class Mailbox:
    """A folder that is open."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        self._connection = connection

    def unseen(self) -> list[Waiting]:
        """The mails that are not marked as seen, oldest first."""
        found = self._ask("SEARCH", "UNSEEN")
        uids = [int(word) for line in found if isinstance(line, bytes) for word in line.split()]
        return [waiting for uid in sorted(uids) if (waiting := self._about(uid))]

    def _about(self, uid: int) -> Waiting | None:
        size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(_lines(self._ask("FETCH", str(uid), "(RFC822.SIZE)"))))
        return Waiting(uid, int(size[1])) if size else None

    def read(self, uid: int) -> bytes | None:
        """The mail as it was sent, left unseen; None where the server does not give it."""
        answer = self._ask("FETCH", str(uid), "(BODY.PEEK[])")
        return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)

    def mark_seen(self, uid: int) -> None:
        self._ask("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")

    def _ask(self, command: str, *arguments: str) -> list[Any]:
        state, answer = self._connection.uid(command, *arguments)
        if state != "OK":
            raise MailboxError(f"the mail server refused {command}: see its log")
        return answer


@contextmanager
def open_mailbox(
    host: str, *, port: int, user: str, secret: str, folder: str, ca_file: Path | None = None
) -> Iterator[Mailbox]:
    """Sign in and open a folder; MailboxError where the server, its certificate, the sign-in or the folder fails.

    `ca_file` names the authority of a server with a certificate of the organisation's own.
    """
    try:
        trusted = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise MailboxError(f"ca_file {ca_file} cannot be read as certificates: {error.strerror}") from error
    try:
        connection = imaplib.IMAP4_SSL(host, port, ssl_context=trusted, timeout=TIMEOUT)
        try:
            try:
                connection.login(user, secret)
            except imaplib.IMAP4.error as error:
                # The server's words may repeat what was sent.
                raise MailboxError(f"{host} refused the sign-in of {user}: check user and secret") from error
            quoted = folder.replace("\\", r"\\").replace('"', r"\"")
            if connection.select(f'"{quoted}"')[0] != "OK":
                raise MailboxError(f"{host} has no folder {folder!r} for {user}")
            yield Mailbox(connection)
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                connection.logout()
    except ssl.SSLError as error:
        raise MailboxError(f"{host} cannot be trusted ({error.reason}): check its certificate, or ca_file") from error
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxError(f"{host}:{port} cannot be reached, or hung up ({type(error).__name__})") from error


def _lines(answer: list[Any]) -> Iterator[bytes]:
    for part in answer:
        yield from part if isinstance(part, tuple) else [part or b""]
