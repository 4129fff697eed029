"""The gazetteer's file: its tables, and the writer that fills it in constant memory and can go on after a stop.

Names are first written as they come and sorted once at the end: random insertion into a B-tree larger
than memory takes hours. Every step commits together with a note of how far it came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from pipeline.errors import OperatorError
from pipeline.extract.names import bare_key, name_key, sound_key

FORMAT = 5
CHUNK = 20_000  # rows between two notes of how far the import came
COUNTRY_RANK = -(10**12)  # countries go before all other places: theirs is at most this
CELL = "CAST((lat + 90) * 2 AS INTEGER) * 720 + CAST((lon + 180) * 2 AS INTEGER)"
"""Cells of half a degree, to find what lies near a point."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL,"
    " feature TEXT NOT NULL, iso2 TEXT, admin1 TEXT, lat REAL, lon REAL, population INTEGER NOT NULL, rank INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS progress (step TEXT PRIMARY KEY, position INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS waiting.unsorted (key TEXT NOT NULL, sound TEXT, place INTEGER NOT NULL,"
    " rank INTEGER NOT NULL, is_main INTEGER NOT NULL)",
)
_INSERT_PLACE = "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INDEXING = {
    "names": (
        "CREATE TABLE name (key TEXT NOT NULL, rank INTEGER NOT NULL, place INTEGER NOT NULL, is_main INTEGER NOT NULL,"
        " PRIMARY KEY (key, rank, place)) WITHOUT ROWID",
        "INSERT INTO name SELECT key, rank, place, max(is_main) FROM unsorted GROUP BY key, rank, place",
    ),
    "sounds": (
        "CREATE TABLE sound (size INTEGER NOT NULL, sound TEXT NOT NULL, rank INTEGER NOT NULL, place INTEGER NOT NULL,"
        " is_main INTEGER NOT NULL, PRIMARY KEY (size, sound, rank, place)) WITHOUT ROWID",
        "INSERT INTO sound SELECT length(sound), sound, rank, place, max(is_main) FROM unsorted WHERE sound <> ''"
        " GROUP BY length(sound), sound, rank, place",
        "CREATE INDEX sound_tail ON sound (size, substr(sound, size / 2 + 1))",
    ),
    "words": (
        "CREATE VIRTUAL TABLE search USING fts5(name, content='', detail='none', columnsize=0,"
        ' tokenize="unicode61 remove_diacritics 2")',
        "INSERT INTO search (rowid, name) SELECT id, name FROM place",
    ),
    "cells": (f"CREATE INDEX place_cell ON place ({CELL}) WHERE lat IS NOT NULL",),
}

T = TypeVar("T")


class Entry(NamedTuple):
    """A place and its names. `id` is GeoNames' where positive; `kind` is country, district or place."""

    id: int
    name: str
    kind: str
    feature: str
    iso2: str | None
    admin1: str | None
    lat: float | None
    lon: float | None
    population: int
    others: Collection[str] = ()


def cell(lat: float, lon: float) -> int:
    """The cell of a point, as `CELL` computes it."""
    return int((lat + 90) * 2) * 720 + int((lon + 180) * 2)


def rank(entry: Entry) -> int:
    """The order among places of one name: countries first, then by population."""
    return -entry.population + (COUNTRY_RANK if entry.kind == "country" else 0)


class GazetteerWriter:
    """Fills `PATH.partial`; `finish` indexes it and puts it at `path`. After a stop, a new writer goes on there.

    `inputs` tells one import from another: what is left of an import of other inputs is begun anew.
    """

    def __init__(self, path: Path, *, inputs: str) -> None:
        self._path = path
        self._partial, self._names = (path.with_name(path.name + end) for end in (".partial", ".names.partial"))
        try:
            self._connection = self._open()
            if self.position(inputs) is None:
                self._connection.close()
                self._partial.unlink()
                self._names.unlink()
                self._connection = self._open()
                self._note(inputs, 0)
        except sqlite3.OperationalError as error:
            raise OperatorError(f"{self._partial} cannot be written ({error}); is another import at work?") from error
        except sqlite3.DatabaseError as error:
            raise OperatorError(f"{self._partial} is damaged: remove it and begin again") from error

    def __enter__(self) -> GazetteerWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def position(self, step: str) -> int | None:
        """How far a step came, in its own units; None where it has not begun."""
        row = self._connection.execute("SELECT position FROM progress WHERE step = ?", (step,)).fetchone()
        return row[0] if row else None

    def add(self, entries: Iterable[tuple[Entry, int]], *, step: str) -> None:
        """Write places, each with the position after it."""
        for chunk in _chunks(entries):
            with self._step(step, chunk[-1][1]):
                self._connection.executemany(
                    _INSERT_PLACE,
                    ((*entry[:9], rank(entry)) for entry, _ in chunk),
                )
                self._connection.executemany(
                    "INSERT INTO unsorted VALUES (?, ?, ?, ?, ?)",
                    (row for entry, _ in chunk for row in _name_rows(entry)),
                )

    def add_names(self, names: Iterable[tuple[int, str, int]], *, step: str) -> None:
        """Write further names of places: id, name, position after it. Ids that are not there are left out."""
        for chunk in _chunks(names):
            rows = ((key, _sound(key), place) for place, name, _ in chunk if (key := name_key(name)))
            with self._step(step, chunk[-1][2]):
                self._connection.executemany(
                    "INSERT INTO unsorted SELECT ?1, CASE WHEN substr(feature, 1, 1) IN ('', 'A', 'L', 'P') THEN ?2 END,"
                    " id, rank, 0 FROM place WHERE id = ?3",
                    rows,
                )

    def finish(self) -> int:
        """Index, and put the file in its place; the number of places."""
        for step, statements in _INDEXING.items():
            if self.position(step) is None:
                with self._step(step, 1):
                    for statement in statements:
                        self._connection.execute(statement)
        count = int(self._connection.execute("SELECT count(*) FROM place").fetchone()[0])
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        self._connection.close()
        self._names.unlink()
        # Of a process that was killed; one beside the gazetteer itself would be played into it.
        self._names.with_name(self._names.name + "-journal").unlink(missing_ok=True)
        self._partial.replace(self._path)
        return count

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._partial, isolation_level=None, timeout=1)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # The names wait in a file of their own, which is thrown away: no gaps are left in the gazetteer.
        connection.execute("ATTACH ? AS waiting", (str(self._names),))
        for schema in ("main", "waiting"):
            # A killed process loses nothing by this; a power cut may, and then the import is begun anew.
            connection.execute(f"PRAGMA {schema}.synchronous = OFF")
            connection.execute(f"PRAGMA {schema}.cache_size = -65536")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("COMMIT")
        return connection

    @contextmanager
    def _step(self, step: str, position: int) -> Iterator[None]:
        """What is done and how far it came are committed together."""
        self._connection.execute("BEGIN")
        try:
            yield
            self._note(step, position)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise OperatorError(
                    f"{self._partial} cannot be written ({error}); run the import again to go on"
                ) from error
            raise

    def _note(self, step: str, position: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (step, position))


def _name_rows(entry: Entry) -> Iterator[tuple[str, str | None, int, int, int]]:
    """Keys of all the names of a place; those of its main name are marked."""
    main = name_key(entry.name)
    keys = {main: 1, bare_key(entry.name) or main: 1}
    for other in entry.others:
        keys.setdefault(name_key(other), 0)
    place, order = entry.id, rank(entry)
    # Inhabited and administrative places may be misspelt; sounds of every well and school would double the file.
    sounded = entry.feature[:1] in ("", "A", "L", "P")
    return ((key, _sound(key) if sounded else None, place, order, is_main) for key, is_main in keys.items() if key)


def _sound(key: str) -> str | None:
    """None for other scripts, whose spelling is their sound."""
    return sound_key(key) if key.isascii() else None


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def append(path: Path, entries: Sequence[Entry]) -> None:
    """Add places to a finished gazetteer that nobody reads, in the place of those with the same id."""
    with closing(sqlite3.connect(path)) as connection, connection:
        ids = ",".join(str(entry.id) for entry in entries)
        known = {row[0] for row in connection.execute(f"SELECT id FROM place WHERE id IN ({ids})")}
        if known:
            for table in ("name", "sound"):
                connection.execute(f"DELETE FROM {table} WHERE place IN ({','.join(map(str, known))})")
        connection.executemany(_INSERT_PLACE, ((*entry[:9], rank(entry)) for entry in entries))
        connection.executemany(
            "INSERT INTO search (rowid, name) VALUES (?, ?)", ((e.id, e.name) for e in entries if e.id not in known)
        )
        rows = [row for entry in entries for row in _name_rows(entry)]
        connection.executemany(
            "INSERT INTO name VALUES (?, ?, ?, ?)", ((key, order, place, main) for key, _, place, order, main in rows)
        )
        connection.executemany(
            "INSERT OR REPLACE INTO sound VALUES (?, ?, ?, ?, ?)",
            ((len(sound), sound, order, place, main) for _, sound, place, order, main in rows if sound),
        )
