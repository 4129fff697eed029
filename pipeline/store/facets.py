"""What the items of a queue can be found by: types, places, actors and sources, in the order in which a queue is read.

A facet is a line of an index, made from what an assessment or a correction says of the report and kept per item, so
that a queue's facets tell of nothing outside that queue. Values are folded to one case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select, update

from pipeline.store import sealing
from pipeline.store.schema import assessment, queue_facet, queue_item, report

Kind = Literal["type", "place", "actor", "source"]
LONGEST = 120
ITEMS_AT_A_TIME = 10_000  # SQLite takes 32,766 bound variables in a statement, and a chunk may make more items


def fold(value: str) -> str:
    return value.strip().casefold()[:LONGEST]


def of_body(body: Mapping[str, Any], *, source: str | None, country: str | None) -> set[tuple[Kind, str]]:
    """*(kind, value)* of an assessment: types decided, places by name and country, actors by type and by name."""
    places = (part for p in body["places"] for part in (p.get("name"), p.get("iso2")))
    actors = (part for a in body["actors"] for part in ((a.get("type") or "").replace("_", " "), a.get("canonical")))
    found: dict[Kind, Iterable[str | None]] = {
        "type": (v["id"] for v in body["violations"] if v["decided"]),
        "place": (*places, country),
        "actor": actors,
        "source": (source,),
    }
    return {(kind, fold(value)) for kind, values in found.items() for value in values if value and fold(value)}


def add(connection: Connection, items: Sequence[int]) -> None:
    """Make the facets of these items from the assessment that put them in their queue."""
    for start in range(0, len(items), ITEMS_AT_A_TIME):
        rows = connection.execute(
            select(queue_item.c.seq, queue_item.c.queue, queue_item.c.state, queue_item.c.rank, queue_item.c.assessment)
            .where(queue_item.c.seq.in_(items[start : start + ITEMS_AT_A_TIME]))
        ).all()  # fmt: skip
        found = _of_assessments(connection, sorted({row.assessment for row in rows}))
        _insert(connection, [(row, kind, value) for row in rows for kind, value in found[row.assessment]])


def _of_assessments(connection: Connection, seqs: Sequence[int]) -> dict[int, set[tuple[Kind, str]]]:
    """What each assessment says; it is read once, in however many queues its report is."""
    query = (
        select(assessment.c.seq, assessment.c.body, report.c.source, report.c.country)
        .join(report, report.c.seq == assessment.c.report)
        .where(assessment.c.seq.in_(seqs))
    )
    return {row.seq: of_body(row.body, source=row.source, country=row.country) for row in connection.execute(query)}


def replace(connection: Connection, item: int, body: Mapping[str, Any]) -> None:
    """Make an item's facets anew, from what a person said of the report in an assessment's form."""
    row = connection.execute(
        select(queue_item, report.c.source, report.c.country)
        .join(report, report.c.seq == queue_item.c.report)
        .where(queue_item.c.seq == item)
    ).one()
    connection.execute(delete(queue_facet).where(queue_facet.c.item == item))
    found = sorted(of_body(body, source=row.source, country=row.country))
    _insert(connection, [(row, kind, value) for kind, value in found])


def follow(connection: Connection, item: int, *, rank: int, closed: bool) -> None:
    """Move an item's facets to where its level and state put it."""
    connection.execute(update(queue_facet).where(queue_facet.c.item == item).values(rank=rank, closed=closed))


def of_items(connection: Connection, items: Collection[int]) -> dict[int, dict[str, list[str]]]:
    """The facets of items: for each, values by kind."""
    found: dict[int, dict[str, list[str]]] = {}
    for row in connection.execute(select(queue_facet).where(queue_facet.c.item.in_(items))):
        found.setdefault(row.item, {}).setdefault(row.kind, []).append(row.shown or row.value)
    return {item: {kind: sorted(about[kind]) for kind in sorted(about)} for item, about in found.items()}


def _insert(connection: Connection, lines: Sequence[tuple[Any, Kind, str]]) -> None:
    rows = [(row.queue, kind, row.state == "closed", value, row.rank, row.seq) for row, kind, value in lines]
    if not rows:
        return
    names = ("queue", "kind", "closed", "value", "rank", "item")
    sealed = sealing.in_force(connection)
    if sealed.is_on:
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.execute(insert(queue_facet), sealed.seal(queue_facet, named))
        return
    # Dozens a report: in the order of the table, and past the toolkit, which takes longer over them than the database.
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    connection.exec_driver_sql(
        f"INSERT INTO queue_facet ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})", sorted(rows)
    )
