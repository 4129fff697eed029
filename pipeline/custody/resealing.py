"""Encrypting what a store holds: switched on, under another key, or off again, a few hundred rows to a transaction.

From the moment that a key is in force, rows are written under it; those that were there follow, each table in the order of
its rows. Killed at any moment, the same call goes on with the rows that are left. A row is written anew only after it was
opened: what was altered, or is another row's, stays as it is and is named. Hashes in the chain are of the words, so that
proofs hold whatever key they are under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from pipeline.custody.keyring import Key
from pipeline.errors import StoreError
from pipeline.intake.duplicates import bands_of
from pipeline.store import Store, audit, sealing
from pipeline.store.engine import owe_compaction
from pipeline.store.guards import lifted_for
from pipeline.store.schema import band, queue_event, report
from pipeline.store.schema import sealing as state
from pipeline.store.sealed import Sealed

CHUNK = 500


@dataclass
class Left:
    """Rows that are not under the key in force, by table; none where all are."""

    rows: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.rows.values())


def begin(store: Store, key: Key | None, *, now: datetime, actor: str) -> None:
    """Put a key in force for all that is written from now on, or none; again, it does nothing."""
    ident = key.ident if key else None
    with store.write() as connection:
        if connection.scalar(select(state.c.key)) == ident:
            return
        # First the event, in a transaction of its own: others take these two locks in either order.
        audit.append(connection, at=now, actor=actor, action="encryption", subject="store", body={"key": ident})
    with store.write() as connection:
        found = connection.execute(select(state).with_for_update()).one()
        earlier = [one for one in (found.key, *found.earlier) if one != ident]
        values = {"key": ident, "earlier": list(dict.fromkeys(earlier))}
        connection.execute(update(state).where(state.c.id == 1).values(values))


def finish(
    store: Store, *, now: Callable[[], datetime], actor: str, progress: Callable[[int], None] = lambda rows: None
) -> int:
    """Bring every row under the key in force; how many were not. StoreError names rows that cannot be opened."""
    total, closed = 0, list[str]()
    while True:
        done = 0
        for table in sealing.SEALED:
            for changed, refused in _table(store, table):
                done += changed
                closed += refused
                progress(changed)
        total += done
        with store.read() as connection:
            left = what_is_left(connection).count
        if not left or closed or not done:
            break
    if closed or left:
        raise StoreError(
            f"{max(left, len(closed)):,} rows cannot be brought under the key, all others are. They stay as they are: "
            f"bring them back from a backup, and run the same command again. {'; '.join(closed[:10])}"
        )
    with store.read() as connection:
        settled = connection.execute(select(state)).one()
    if settled.earlier:
        with store.write() as connection:
            body = {"key": settled.key, "finished": True}
            audit.append(connection, at=now(), actor=actor, action="encryption", subject="store", body=body)
        with store.write() as connection:
            connection.execute(
                update(state).where(state.c.id == 1, state.c.key.is_not_distinct_from(settled.key)).values(earlier=[])
            )
    return total


def what_is_left(connection: Connection) -> Left:
    """The rows that are not under the key in force."""
    ident = connection.scalar(select(state.c.key))
    counts = {
        table.name: int(connection.execute(select(func.count()).select_from(table).where(_not_under(table, ident))).scalar_one())
        for table in sealing.SEALED
    }  # fmt: skip
    return Left({name: count for name, count in counts.items() if count})


def _not_under(table: Table, ident: str | None) -> ColumnElement[bool]:
    """Rows with words that are not under a key. Most of an item's history is without a note."""
    other = table.c.sealed_by.is_distinct_from(ident)
    return and_(other, table.c.note.is_not(None)) if table is queue_event else other


def _table(store: Store, table: Table) -> Iterator[tuple[int, list[str]]]:
    """Go through a table once; for each transaction how many rows it changed, and why others were left."""
    after: Sequence[Any] | None = None
    name = list(table.primary_key.columns)
    while True:
        with store.write() as connection:
            now = sealing.in_force(connection)
            query = select(*name).where(_not_under(table, now.key.ident if now.key else None)).order_by(*name)
            if after is not None:
                query = query.where(tuple_(*name) > tuple(after))
            # What others are changing is left to the next time round: waiting for it could stop them and us.
            rows = connection.execute(query.limit(CHUNK).with_for_update(skip_locked=True)).all()
            if not rows:
                return
            after = rows[-1]
            opened, refused = _opened(connection, table, rows)
            with lifted_for(connection, table, _columns(table)):
                _write(connection, table, opened, now)
            owe_compaction(connection)
        yield len(opened), refused


def _opened(connection: Connection, table: Table, names: Sequence[Row[Any]]) -> tuple[list[Row[Any]], list[str]]:
    """The rows of these names as they are, and what is wrong with those that cannot be opened."""
    columns = tuple_(*table.primary_key.columns)
    try:
        return list(connection.execute(select(table).where(columns.in_([tuple(name) for name in names])))), []
    except StoreError as error:
        if len(names) == 1:
            return [], [str(error)]
    parts = [_opened(connection, table, [name]) for name in names]
    return [row for rows, _ in parts for row in rows], [why for _, refused in parts for why in refused]


def _columns(table: Table) -> list[str]:
    """The columns that change with the key."""
    keyed = [*sealing.MOVED.get(table, ())[:2], *(["external_key"] if table is report else [])]
    return [*dict.fromkeys([c.name for c in table.c if isinstance(c.type, Sealed)] + keyed), "sealed_by"]


def _write(connection: Connection, table: Table, rows: Sequence[Row[Any]], now: sealing.Sealing) -> None:
    if not rows:
        return
    columns, name = _columns(table), list(table.primary_key.columns)
    statement = (
        update(table)
        .where(*(column == bindparam(f"old_{column.name}") for column in name))
        .values({column: bindparam(f"new_{column}") for column in columns})
    )
    values = []
    for row in rows:
        (made,) = now.seal(table, [sealing.clear(table, row._asdict())])
        values.append(
            {f"old_{c.name}": row._mapping[c.name] for c in name} | {f"new_{c}": made[c] for c in columns}
        )  # fmt: skip
    connection.execute(statement, values)
    if table is report:
        _bands(connection, rows, now)


def _bands(connection: Connection, rows: Sequence[Row[Any]], now: sealing.Sealing) -> None:
    """Key the bands of reports anew; only texts that are long enough have any."""
    seqs = set(connection.scalars(select(band.c.report).where(band.c.report.in_([row.seq for row in rows])).distinct()))
    connection.execute(delete(band).where(band.c.report.in_(seqs)))
    made = [
        {"hash": now.keyed_number("band", number), "report": row.seq}
        for row in rows
        if row.seq in seqs and row.signature
        for number in sorted(set(bands_of(row.signature)))
    ]
    if made:
        connection.execute(insert(band), made)
