"""The rows of a store into a database of another kind, as they stand: what is encrypted stays so, under the same keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

from pipeline.store.engine import Store
from pipeline.store.migrate import downgrade, upgrade
from pipeline.store.schema import metadata
from pipeline.store.sealed import Sealed

ROWS = 1000


def transfer(source: Store, target: Store) -> None:
    """Make the tables in an empty database and copy every row, in one transaction; afterwards nothing is there, or all.

    Both are at this version's schema. What can be made from the rows (the index of words) follows from triggers.
    """
    upgrade(target)
    try:
        with source.read() as reading, target.write() as writing:
            for table in metadata.sorted_tables:
                _copy(reading, writing, _as_stored(table))
    except BaseException:
        downgrade(target, revision="base")
        raise


def _as_stored(table: Table) -> Table:
    """The table with its words as they stand, opened and sealed by nobody."""
    return Table(table.name, MetaData(), *(Column(c.name, _stored(c.type), primary_key=c.primary_key) for c in table.c))


def _stored(type_: Any) -> Any:
    if isinstance(type_, Sealed):
        return LargeBinary() if type_.kind == "bytes" else Text()
    return JSON(none_as_null=True) if isinstance(type_, JSON) else type_


def _copy(reading: Connection, writing: Connection, table: Table) -> None:
    writing.execute(delete(table))  # the row or two that a migration puts into a new store
    rows = reading.execute(select(table).execution_options(yield_per=ROWS)).mappings()
    for chunk in rows.partitions(ROWS):
        writing.execute(insert(table), [dict(row) for row in chunk])
    for column in filter(lambda key: isinstance(key.type, Integer), table.primary_key):
        numbered = func.pg_get_serial_sequence(table.name, column.name)
        last = select(func.max(column)).scalar_subquery()
        writing.execute(select(func.setval(numbered, last)).where(numbered.is_not(None), last.is_not(None)))
