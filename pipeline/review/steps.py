"""The steps that a reviewer takes with an item, short of a decision: the page and the API both come through here.

A step is asked for with the `version` of the item as it was seen; some need a `note` that says why, some name to whom
or where the item goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row

from pipeline.access import Access
from pipeline.errors import MonitorError
from pipeline.review import handover
from pipeline.review.desk import Desk
from pipeline.store import work

Name = Literal["claim", "release", "reopen", "escalate", "reassign", "refer"]


@dataclass(frozen=True)
class Asked:
    """What a step was asked for with; `to` is a login or a queue."""

    version: int
    note: str = ""
    to: str = ""

    def why(self) -> str:
        """The note; MonitorError where there is none."""
        if not self.note.strip():
            raise MonitorError("say why: a note is needed")
        return self.note.strip()


Step = Callable[[Connection, Row[Any], Asked, Access, Desk], None]


def take(name: Name, connection: Connection, item: Row[Any], asked: Asked, *, access: Access, desk: Desk) -> None:
    """Take a step with an item; Conflict where somebody was faster, MonitorError where it cannot be."""
    STEPS[name](connection, item, asked, access, desk)


def _claim(connection: Connection, item: Row[Any], asked: Asked, access: Access, desk: Desk) -> None:
    """Hold an item, or hold it longer."""
    work.claim(connection, item.seq, person=access.person, version=asked.version, now=desk.now())


def _release(connection: Connection, item: Row[Any], asked: Asked, access: Access, desk: Desk) -> None:
    work.release(connection, item.seq, person=access.person, version=asked.version, now=desk.now())


def _reopen(connection: Connection, item: Row[Any], asked: Asked, access: Access, desk: Desk) -> None:
    work.reopen(connection, item.seq, person=access.person, note=asked.why(), version=asked.version, now=desk.now())


def _escalate(connection: Connection, item: Row[Any], asked: Asked, access: Access, desk: Desk) -> None:
    """One level up, due as that level asks."""
    note = asked.why()
    if item.rank == 0:
        raise MonitorError("the item is critical already")
    urgency = desk.taxonomy.urgency_ids[item.rank - 1]
    due = desk.policy.due(item.queue, urgency, desk.now(), taxonomy=desk.taxonomy)
    work.escalate(
        connection, item.seq, person=access.person, note=note, version=asked.version, urgency=urgency,
        rank=item.rank - 1, due=due, now=desk.now(),
    )  # fmt: skip


def _reassign(connection: Connection, item: Row[Any], asked: Asked, access: Access, desk: Desk) -> None:
    handover.assign(
        connection, item, to=asked.to, access=access, policy=desk.policy, taxonomy=desk.taxonomy,
        version=asked.version, now=desk.now(),
    )  # fmt: skip


def _refer(connection: Connection, item: Row[Any], asked: Asked, access: Access, desk: Desk) -> None:
    handover.refer(
        connection, item, to=asked.to, note=asked.why(), access=access, policy=desk.policy, taxonomy=desk.taxonomy,
        version=asked.version, now=desk.now(),
    )  # fmt: skip


STEPS: dict[Name, Step] = {
    "claim": _claim, "release": _release, "reopen": _reopen, "escalate": _escalate, "reassign": _reassign, "refer": _refer,
}  # fmt: skip
