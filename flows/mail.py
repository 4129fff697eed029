"""Intake from a mailbox: each unseen mail a batch of its own, as each dropped file is, and seen once that is stored.

A crash in between leaves the mail unseen; the next night takes it in again, and what was stored is recognised.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.destinations import read_secret
from flows.workspace import Workspace, utc_now
from pipeline.errors import ConfigurationError
from pipeline.intake import Problem, Reason, Row
from pipeline.intake.mailbox import Mailbox, Waiting, open_mailbox
from pipeline.settings import ImapSettings
from pipeline.store.batches import Receipt
from pipeline.submit import submit, take_in

logger = logging.getLogger(__name__)


@contextmanager
def mailbox_of(opened: Workspace, settings: ImapSettings) -> Iterator[Mailbox]:
    """The mailbox that the settings name, open; ConfigurationError without its secret, MailboxError where it fails."""
    secret = read_secret(opened.settings, settings.secret_file, settings.secret_env)
    if not secret:
        raise ConfigurationError("imap: set secret_env or secret_file to where the mailbox's password is")
    ca_file = opened.settings.path(settings.ca_file) if settings.ca_file else None
    with open_mailbox(
        settings.host, port=settings.port, user=settings.user, secret=secret, folder=settings.folder, ca_file=ca_file
    ) as mailbox:
        yield mailbox


def collect_mail(opened: Workspace, settings: ImapSettings) -> dict[str, int]:
    """Take in every unseen mail; counts of batches, rows received and quarantined."""
    counts = {"batches": 0, "received": 0, "quarantined": 0}
    with mailbox_of(opened, settings) as mailbox:
        for waiting in mailbox.unseen():
            receipt = _take_in(opened, settings, mailbox, waiting)
            if receipt is None:
                logger.warning("mail %s is not given by the server: left unseen", waiting.uid)
                continue
            mailbox.mark_seen(waiting.uid)
            counts["batches"] += 1
            counts["received"] += receipt.received
            counts["quarantined"] += receipt.quarantined
    return counts


def _take_in(opened: Workspace, settings: ImapSettings, mailbox: Mailbox, waiting: Waiting) -> Receipt | None:
    limits, threshold = opened.limits, opened.settings.near_duplicate_threshold
    if waiting.size > limits.document_bytes:
        most = f"{limits.document_bytes // 2**20} MiB"
        problem = Problem(Reason.TOO_LARGE, f"the mail is larger than {most}: hand in its attachments as files")
        row = Row(f"mail {waiting.uid}", 1, {"bytes": waiting.size}, problem=problem)
        name = hashlib.sha256(
            f"{settings.host}\n{settings.user}\n{settings.folder}\n{waiting.uid}".encode()
        ).hexdigest()
        return take_in(opened.store, [row], name=name, now=utc_now, source=settings.source, actor="nightly")
    mail = mailbox.read(waiting.uid)
    if mail is None:
        return None
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        path = Path(folder, "mail.eml")
        path.write_bytes(mail)
        return submit(
            opened.store, [path], now=utc_now, limits=limits, source=settings.source, threshold=threshold,
            actor="nightly",
        )  # fmt: skip
