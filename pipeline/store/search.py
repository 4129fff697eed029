"""What a person looks for in a queue, as conditions on its items.

Each condition walks an index: levels and the order of work on `queue_item`, types, places, actors and sources on
`queue_facet`, dates on `report`, words on `report_words` (FTS5 on SQLite, a GIN index on PostgreSQL). Where words or
dates fit few reports these are looked up; where they fit many, a page is full before long, and the items are tried one
after another in the order of work. All of that within the one queue.

Of an encrypted store no index holds words: the reports of the queue are opened and read one after another instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, FromClause, Select, and_, column, false, func, select, table, text, tuple_
from sqlalchemy.sql import ColumnElement

from pipeline.store.facets import Kind, fold
from pipeline.store.schema import queue_facet, queue_item, report
from pipeline.store.sealing import MOVED, in_force

FEW = 4000
"""So many reports at most are looked up one by one."""
SHORT = 3
"""A term of so many letters at most is a whole word: as a beginning it would fit half of all words."""
_TERM = re.compile(r"[^\W_]+")
_STRANGE = re.compile(r"[^\x00-\x7f]+")
FACET_BYTES = MOVED[queue_facet][2]
_report_words = table("report_words", column("rowid"), column("report"), column("words"), column("report_words"))


@dataclass(frozen=True)
class Filter:
    """What the items have to be; empty, all of them. `since` and `until` are days of the report, both counted in."""

    urgency: str | None = None
    type: str | None = None
    place: str | None = None
    actor: str | None = None
    source: str | None = None
    words: str | None = None
    since: date | None = None
    until: date | None = None
    overdue_at: datetime | None = None

    @property
    def facets(self) -> list[tuple[Kind, str]]:
        asked: list[tuple[Kind, str | None]] = [
            ("type", self.type), ("place", self.place), ("actor", self.actor), ("source", self.source)
        ]  # fmt: skip
        return [(kind, fold(value)) for kind, value in asked if value]


EVERYTHING = Filter()


def conditions(connection: Connection, wanted: Filter) -> list[ColumnElement[bool]]:
    """Conditions on `queue_item` joined with `report`, but for the facets."""
    found: list[ColumnElement[bool]] = []
    if wanted.urgency:
        found.append(queue_item.c.urgency == wanted.urgency)
    if wanted.overdue_at:
        found.append(queue_item.c.due < wanted.overdue_at)
    if wanted.since or wanted.until:
        found.append(
            _narrowed(
                connection, select(report.c.seq).where(_days(report.c.report_date, wanted)),
                # As an expression, so that the index of days is not walked, and then sorted, for half of all reports.
                _days(func.date(report.c.report_date), wanted),
            )
        )  # fmt: skip
    if wanted.words and not reads_each(connection, wanted):
        terms = _TERM.findall(wanted.words)
        found.append(_with_words(connection, terms) if terms else false())
    return found


def reads_each(connection: Connection, wanted: Filter) -> bool:
    """Whether words have to be looked for in each report, by `says`: no index holds those of an encrypted store."""
    return bool(wanted.words) and in_force(connection).is_on


def says(words: str) -> Callable[[str | None, str], bool]:
    """Whether every term begins a word of a submitter's id or text, or is one where it is short; as the index does it."""
    terms = {
        term: re.compile(rf"(?<![^\W_]){re.escape(term)}" + ("" if len(term) > SHORT else r"(?![^\W_])"))
        for term in _TERM.findall(_plain(words))
    }

    def fits(external_id: str | None, text: str) -> bool:
        read = _plain(f"{external_id or ''} {text}")
        return bool(terms) and all(term in read and start.search(read) for term, start in terms.items())

    return fits


def _plain(words: str) -> str:
    """Without case and accents."""
    words = words.casefold()
    return words if words.isascii() else _STRANGE.sub(lambda found: _without_accents(found[0]), words)


@lru_cache(maxsize=4096)
def _without_accents(letters: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(c))


def _days(day: ColumnElement[Any], wanted: Filter) -> ColumnElement[bool]:
    """From `since` to `until`, both counted in."""
    since = [day >= wanted.since] if wanted.since else []
    return and_(*since, *([day <= wanted.until] if wanted.until else []))


def with_facets(
    connection: Connection, query: Select[Any], queue: str, asked: list[tuple[Kind, str]], after: tuple[int, int] | None
) -> Any:
    """The query over `queue_item` narrowed to items with all these facets; one leads, in order.

    SQLite walks the one that leads: it is the one that the fewest have.
    """
    if not asked:
        return in_order(query, queue_item.c.rank, queue_item.c.seq, after)
    sealed = in_force(connection)
    lines: list[tuple[FromClause, ColumnElement[bool]]] = []
    for number, (kind, value) in enumerate(asked):
        line, values = queue_facet.alias(f"facet_{number}"), sealed.lookups("shown", [value], size=FACET_BYTES)
        of_kind = and_(line.c.queue == queue, line.c.kind == kind, line.c.closed.is_(False), line.c.value.in_(values))
        lines.append((line, of_kind))
    if len(lines) > 1 and connection.dialect.name == "sqlite":  # PostgreSQL counts by itself
        lines.sort(key=lambda each: _count(connection, *each))
    for number, (each, here) in enumerate(lines):
        query = query.join(each, each.c.item == queue_item.c.seq).where(here)
        if number == 0:
            query = in_order(query, each.c.rank, each.c.item, after)
    return query


def _count(connection: Connection, line: FromClause, here: ColumnElement[bool]) -> int:
    """How many lines there are, up to `FEW`: which of several is rarest needs no more."""
    few = select(line.c.item).where(here).limit(FEW).subquery()
    return int(connection.execute(select(func.count()).select_from(few)).scalar_one())


def in_order(query: Select[Any], rank: Any, seq: Any, after: tuple[int, int] | None) -> Select[Any]:
    """Most urgent first, from the one after *(rank, seq)* on."""
    query = query.order_by(rank, seq)
    return query.where(tuple_(rank, seq) > after) if after else query


def _with_words(connection: Connection, terms: list[str]) -> ColumnElement[bool]:
    """Reports in which every term begins a word, or is one where it is short."""
    if connection.dialect.name == "sqlite":
        asked = " ".join(f'"{term}"' + "*" * (len(term) > SHORT) for term in terms)
        seqs = select(_report_words.c.rowid).where(_report_words.c.report_words.op("MATCH")(asked))
        # As an expression, so that the queue is walked in its order, not the reports, to be sorted after.
        return _narrowed(connection, seqs, (queue_item.c.report + 0).in_(seqs))
    asked = " & ".join(f"'{term}'" + ":*" * (len(term) > SHORT) for term in terms)
    fits = _report_words.c.words.op("@@")(func.to_tsquery(text("'simple'"), asked))
    # Planned apart from the LIMIT: with it in sight the planner would rather read every report than the index.
    seqs = select(select(_report_words.c.report).where(fits).cte().prefix_with("MATERIALIZED", dialect="postgresql"))
    here = select(_report_words.c.report).where(_report_words.c.report == queue_item.c.report, fits).exists()
    return _narrowed(connection, seqs, here)


def _narrowed(connection: Connection, seqs: Select[Any], otherwise: ColumnElement[bool]) -> ColumnElement[bool]:
    """A condition for reports that `seqs` selects: those by number where they are few."""
    few = connection.scalars(seqs.limit(FEW + 1)).all()
    if not few:
        return false()  # an empty list would be held against every item
    return queue_item.c.report.in_(few) if len(few) <= FEW else otherwise
