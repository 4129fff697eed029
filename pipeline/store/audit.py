"""The audit chain: each event carries the hash of the one before it (after RFC 6962's reasoning).

An event's hash covers its canonical JSON (sorted keys, no spaces, UTF-8) and the previous hash, so
that an edit, a deletion, an insertion or a reordering breaks the chain at a place that `verify` names.
Whoever can write to the whole database could write the chain anew: signed heads, kept outside, tell that as well.
Bodies carry ids, counts and hashes, never report text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from pipeline.custody.check import Head
from pipeline.custody.check import canonical as canonical
from pipeline.custody.check import event_hash as hash_of
from pipeline.errors import StoreError
from pipeline.store import merkle
from pipeline.store.schema import audit_event, audit_head

GENESIS = "0" * 64
MOST, WHILE = 20, timedelta(minutes=15)
"""How many events of one kind strangers can add about one subject, and in what time."""


@dataclass(frozen=True)
class Verification:
    """`broken_at` is the sequence number of the first broken link, None where the chain holds."""

    events: int
    head: str
    broken_at: int | None = None
    problem: str | None = None


def event_hash(
    *, seq: int, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any], previous: str
) -> str:
    """SHA-256 of an event, linked to the previous one."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    event = {"seq": seq, "at": moment, "actor": actor, "action": action, "subject": subject}
    return hash_of({**event, "body": dict(body), "previous": previous})


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


def append_some(
    connection: Connection, *, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> None:
    """Add an event of a kind that strangers can cause: at most so many about a subject in a while, the last saying so."""
    same = select(audit_event.c.at).where(audit_event.c.subject == subject, audit_event.c.action == action)
    newest = connection.scalars(same.order_by(audit_event.c.seq.desc()).limit(MOST)).all()
    before = sum(moment > at - WHILE for moment in newest)
    if before < MOST:
        last = {"more": "not on record for a quarter of an hour"} if before == MOST - 1 else {}
        append(connection, at=at, actor=actor, action=action, subject=subject, body={**body, **last})


def verify(connection: Connection, *, heads: Sequence[Head] = ()) -> Verification:
    """Walk the whole chain, and compare it with heads that were signed earlier; constant memory."""
    previous, tree = GENESIS, merkle.Tree()
    signed = sorted((head for head in heads if head.size > 0), key=lambda head: head.size)
    for row in connection.execute(select(audit_event).order_by(audit_event.c.seq).execution_options(yield_per=1000)):
        expected = tree.size + 1
        if row.seq != expected:
            return Verification(tree.size, previous, expected, f"event {expected} is missing")
        if row.previous != previous:
            return Verification(tree.size, previous, row.seq, "does not follow the event before it")
        if not holds(row):
            return Verification(tree.size, previous, row.seq, "was altered")
        previous = row.hash
        tree.add(bytes.fromhex(previous))
        while signed and signed[0].size == tree.size:
            head = signed.pop(0)
            if head.root != tree.root():
                problem = f"or one before it is not what was signed at {head.at}: the chain was written anew"
                return Verification(tree.size, previous, tree.size, problem)
    if signed := [head for head in signed if head.size > tree.size]:
        problem = f"is missing: {signed[-1].size:,} events were signed at {signed[-1].at}, the end was cut off"
        return Verification(tree.size, previous, tree.size + 1, problem)
    end = connection.execute(select(audit_head).where(audit_head.c.id == 1)).one_or_none()
    if end is None or (end.seq, end.hash) != (tree.size, previous):
        return Verification(tree.size, previous, tree.size + 1, "the end of the chain was cut off or replaced")
    return Verification(tree.size, previous)


def leaves(connection: Connection, start: int, end: int) -> Iterator[bytes]:
    """The hashes of events as leaves of the tree, from `start` (from 0) up to but without `end`."""
    query = select(audit_event.c.hash).where(audit_event.c.seq > start, audit_event.c.seq <= end)
    for digest in connection.scalars(query.order_by(audit_event.c.seq).execution_options(yield_per=5000)):
        yield bytes.fromhex(digest)


def size(connection: Connection) -> int:
    """How many events there are."""
    return int(connection.execute(select(audit_head.c.seq).where(audit_head.c.id == 1)).scalar_one())


def events(connection: Connection, *, subject: str) -> Iterator[Any]:
    """The events about one subject, oldest first."""
    yield from connection.execute(
        select(audit_event).where(audit_event.c.subject == subject).order_by(audit_event.c.seq)
    )


def subjects(connection: Connection, *, actor: str, action: str, since: datetime) -> int:
    """Of how many subjects there are events of a kind by somebody since then."""
    query = select(func.count(audit_event.c.subject.distinct())).where(
        audit_event.c.at >= since, audit_event.c.actor == actor, audit_event.c.action == action
    )
    return int(connection.execute(query).scalar_one())


def holds(event: Any) -> bool:
    """Whether an event is what its hash says; whether it stands where it should, only the whole chain shows."""
    made = event_hash(
        seq=event.seq, at=event.at, actor=event.actor, action=event.action, subject=event.subject, body=event.body,
        previous=event.previous,
    )  # fmt: skip
    return made == str(event.hash)


def merkle_root(lines: Iterable[bytes]) -> str:
    """The root of a tree of lines: one event can stand for a thousand decisions."""
    return merkle.root(lines).hex()
