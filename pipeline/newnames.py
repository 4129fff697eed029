"""Names of actors that the lexicon of organisations does not know, for people to review and add to it.

A name is a mention that is written as one (`Northern Accord`), not a description (`armed men`). Only reports in the queues
asked for are read, and of those none that is in another queue as well: a name must not tell of a report that one may not see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from pipeline.extract.actors import load_lexicon
from pipeline.extract.names import name_key
from pipeline.store import reports
from pipeline.store.schema import queue_item, report

ROWS_AT_A_TIME = 500


@dataclass(frozen=True)
class NewName:
    """A name in its commonest spelling, in how many reports it stands, and its commonest type."""

    name: str
    reports: int
    type: str


def new_names(connection: Connection, *, queues: Collection[str], least: int = 1) -> list[NewName]:
    """Unknown names in at least `least` reports, the commonest first."""
    spellings: dict[str, Counter[str]] = {}
    types: dict[str, Counter[str]] = {}
    found: Counter[str] = Counter()
    for mentions in _mentions(connection, queues):
        keys = set()
        for surface, type_ in mentions:
            if is_name(surface):
                key = name_key(surface)
                keys.add(key)
                spellings.setdefault(key, Counter())[surface] += 1
                types.setdefault(key, Counter())[type_] += 1
        found.update(keys)
    names = [
        NewName(spellings[key].most_common(1)[0][0], count, types[key].most_common(1)[0][0])
        for key, count in found.items()
        if count >= least
    ]
    return sorted(names, key=lambda n: (-n.reports, n.name))


def is_name(surface: str) -> bool:
    """Whether a mention is a name: a word with a capital that is neither its first nor a head noun, or an acronym."""
    heads = load_lexicon().pattern
    words = surface.split()
    if len(words) == 1:
        return len(surface) > 2 and surface.isupper() and not heads.fullmatch(surface)
    capitals = [word for word in words[1:] if word[:1].isupper()]
    return bool(capitals) and not surface.isupper()


def _mentions(connection: Connection, queues: Collection[str]) -> Iterator[list[tuple[str, str]]]:
    """Of each report that may be read, the actors without an entity as *(surface, type)*."""
    seen = queue_item.c.report == report.c.seq
    after = 0
    while True:
        rows = connection.execute(
            select(report.c.seq, report.c.text)
            .where(report.c.seq > after)
            .where(exists().where(seen, queue_item.c.queue.in_(queues)))
            .where(~exists().where(seen, queue_item.c.queue.not_in(queues)))
            .order_by(report.c.seq)
            .limit(ROWS_AT_A_TIME)
        ).all()
        if not rows:
            return
        after = rows[-1].seq
        newest = reports.newest_assessments(connection, [row.seq for row in rows])
        for row in rows:
            if row.seq in newest:
                actors = newest[row.seq].body["actors"]
                yield [(row.text[a["start"] : a["end"]], a["type"]) for a in actors if not a["canonical"]]
