"""The audit chain: each event carries the hash of the one before it (after RFC 6962's reasoning).

An event's hash covers its canonical JSON (sorted keys, no spaces, UTF-8) and the previous hash, so
that an edit, a deletion, an insertion or a reordering breaks the chain at a place that `verify` names.
Bodies carry ids, counts and hashes, never report text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipeline.errors import StoreError
from pipeline.store.schema import audit_event, audit_head

GENESIS = "0" * 64


@dataclass(frozen=True)
class Verification:
    """`broken_at` is the sequence number of the first broken link, None where the chain holds."""

    events: int
    head: str
    broken_at: int | None = None
    problem: str | None = None


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def event_hash(
    *, seq: int, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any], previous: str
) -> str:
    """SHA-256 of an event, linked to the previous one."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    payload = {"seq": seq, "at": moment, "actor": actor, "action": action, "subject": subject}
    return hashlib.sha256(canonical({**payload, "body": dict(body), "previous": previous})).hexdigest()


def lock(connection: Connection) -> None:
    """Keep other writers of the chain, every submit among them, waiting until this transaction ends.

    SQLite's write transaction does so by itself: there FOR UPDATE is dropped.
    """
    connection.execute(select(audit_head.c.seq).where(audit_head.c.id == 1).with_for_update())


def append(
    connection: Connection, *, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> str:
    """Add an event in the caller's transaction; its hash."""
    # On SQLite the write transaction holds the lock already and FOR UPDATE is dropped.
    head = connection.execute(select(audit_head).where(audit_head.c.id == 1).with_for_update()).one_or_none()
    if head is None:
        raise StoreError("the audit chain has no head: run `sitrep init`, or restore a backup")
    values = {"seq": head.seq + 1, "at": at, "actor": actor, "action": action, "subject": subject}
    digest = event_hash(**values, body=body, previous=head.hash)
    connection.execute(insert(audit_event).values(**values, body=dict(body), previous=head.hash, hash=digest))
    connection.execute(update(audit_head).where(audit_head.c.id == 1).values(seq=head.seq + 1, hash=digest))
    return digest


def verify(connection: Connection) -> Verification:
    """Walk the whole chain; constant memory."""
    previous, expected = GENESIS, 0
    for row in connection.execution_options(yield_per=1000).execute(select(audit_event).order_by(audit_event.c.seq)):
        expected += 1
        if row.seq != expected:
            return Verification(expected - 1, previous, expected, f"event {expected} is missing")
        if row.previous != previous:
            return Verification(expected - 1, previous, row.seq, "does not follow the event before it")
        digest = event_hash(
            seq=row.seq, at=row.at, actor=row.actor, action=row.action, subject=row.subject, body=row.body,
            previous=row.previous,
        )  # fmt: skip
        if digest != row.hash:
            return Verification(expected - 1, previous, row.seq, "was altered")
        previous = digest
    head = connection.execute(select(audit_head).where(audit_head.c.id == 1)).one_or_none()
    if head is None or (head.seq, head.hash) != (expected, previous):
        return Verification(expected, previous, expected + 1, "the end of the chain was cut off or replaced")
    return Verification(expected, previous)


def events(connection: Connection, *, subject: str) -> Iterator[Any]:
    """The events about one subject, oldest first."""
    yield from connection.execute(
        select(audit_event).where(audit_event.c.subject == subject).order_by(audit_event.c.seq)
    )


def merkle_root(leaves: Sequence[bytes]) -> str:
    """The Merkle tree hash of RFC 6962, section 2.1: one event can stand for a thousand decisions."""
    if not leaves:
        return hashlib.sha256(b"").hexdigest()

    def tree(nodes: Sequence[bytes]) -> bytes:
        if len(nodes) == 1:
            return hashlib.sha256(b"\x00" + nodes[0]).digest()
        split = 1 << (len(nodes) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + tree(nodes[:split]) + tree(nodes[split:])).digest()

    return tree(leaves).hex()
