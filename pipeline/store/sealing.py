"""How the words of a store are encrypted now: rows made ready to be written, and values that are looked up by equality.

A row is sealed as a whole, under the key that is in force when it is written. Where a value is looked up, what is looked
up is keyed (only who has the key can tell which value it is) and the value itself stands sealed beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, inspect, select

from pipeline.custody.keyring import Key
from pipeline.errors import StoreError
from pipeline.store import schema
from pipeline.store.sealed import NO_KEYS, Sealed, keys_of, row_name

SEALED = tuple(table for table in schema.metadata.sorted_tables if "sealed_by" in table.c)
"""The tables that hold words."""
MOVED = {schema.report: ("normalised_sha256", "normalised", 32), schema.queue_facet: ("value", "shown", 16)}
"""Columns that are keyed where a row is sealed, where the value itself is then (also the kind), and the keyed one's bytes."""
EXTERNAL_BYTES = 16
_COLUMNS = {table: [(c.name, c.type) for c in table.c if isinstance(c.type, Sealed)] for table in SEALED}


@dataclass(frozen=True)
class Sealing:
    """What is in force: rows are written under `key`; `earlier` are those under which rows may be still (None: clear)."""

    key: Key | None
    earlier: tuple[Key | None, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether rows are encrypted, or were and some may be still."""
        return self.key is not None or any(self.earlier)

    def keyed(self, kind: str, value: str, *, size: int = 32) -> str:
        return _keyed(self.key, kind, value, size)

    def keyed_number(self, kind: str, value: int) -> int:
        """For a number of 64 bits."""
        return _keyed_number(self.key, kind, value)

    def lookups(self, kind: str, values: Iterable[str], *, size: int = 32) -> dict[str, str]:
        """What to look for in the store, and the value that each stands for."""
        return {_keyed(key, kind, value, size): value for value in values for key in (self.key, *self.earlier)}

    def number_lookups(self, kind: str, values: Iterable[int]) -> dict[int, int]:
        if not self.is_on:
            return {value: value for value in values}
        return {_keyed_number(key, kind, value): value for value in values for key in (self.key, *self.earlier)}

    def seal(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Rows ready to be written; each has the columns that name it."""
        return [self._row(table, row) for row in rows]

    def _row(self, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(row)
        if self.key is not None:
            made["sealed_by"] = self.key.ident
            if table in MOVED:
                keyed, itself, size = MOVED[table]
                made[itself] = row[keyed]
                made[keyed] = self.keyed(itself, row[keyed], size=size)
            if table is schema.report:  # each row has the columns of the first, by which a statement is made for all
                theirs = row.get("external_id")
                made["external_key"] = theirs and self.keyed("external_id", theirs, size=EXTERNAL_BYTES)
        name = ""
        for column, type_ in _COLUMNS[table]:
            if made.get(column) is not None:
                name = name or row_name(made, type_.row)
                made[column] = type_.sealed(made[column], name, self.key)
        return made


def in_force(connection: Connection) -> Sealing:
    """How the store is sealed; StoreError where its keys are not at hand.

    In a transaction that writes, nobody changes it until that ends.
    """
    query = select(schema.sealing).where(schema.sealing.c.id == 1)
    if connection.get_execution_options().get("sitrep_write"):
        query = query.with_for_update(read=True)
    found = connection.execute(query).one()
    keys = keys_of(connection.dialect)
    idents = [found.key, *found.earlier]
    if keys is None:
        if named := next(filter(None, idents), None):
            raise StoreError(NO_KEYS.format(ident=named))
        return Sealing(None)
    key, *earlier = [None if ident is None else keys.get(ident) for ident in idents]
    return Sealing(key, tuple(earlier))


def seal(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table ready to be written, as the store is sealed now."""
    return in_force(connection).seal(table, rows)


def idents(connection: Connection) -> list[str]:
    """The keys under which rows may be, the one in force first; none in a store of an earlier version."""
    if not inspect(connection).has_table(schema.sealing.name):
        return []
    found = connection.execute(select(schema.sealing)).one()
    return [ident for ident in (found.key, *found.earlier) if ident]


def clear(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that was read, as it is written where nothing is encrypted."""
    made = dict(row)
    if made["sealed_by"] is not None:
        made["sealed_by"] = None
        if table in MOVED:
            keyed, itself, _ = MOVED[table]
            made[keyed], made[itself] = made[itself], None
        if "external_key" in made:
            made["external_key"] = None
    return made


def _keyed(key: Key | None, kind: str, value: str, size: int) -> str:
    return value if key is None else key.keyed(kind, value.encode("utf-8", "surrogatepass"), size=size).hex()


def _keyed_number(key: Key | None, kind: str, value: int) -> int:
    if key is None:
        return value
    made = key.keyed(kind, value.to_bytes(8, "big", signed=True), size=8)
    return int.from_bytes(made, "big", signed=True)
