"""Connections with the transaction that each database needs.

SQLite: a writer takes its lock at once (BEGIN IMMEDIATE), because `FOR UPDATE` is silently dropped
there. The journal is WAL only where the linked library has the WAL-reset fix (3.51.3, see
sqlite.org/wal.html#walresetbug); before it, the rollback journal with synchronous=FULL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline.errors import StoreError

WAL_RESET_FIXED = (3, 51, 3)
BUSY_TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class Store:
    """A database that holds everything Sitrep must not lose."""

    engine: Engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose reads see one state of the database."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed as a whole at the end, or not at all."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(sitrep_write=True)
            with connection.begin():
                yield connection

    def dispose(self) -> None:
        self.engine.dispose()


def wal_is_safe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether the linked SQLite has the fix of the WAL-reset bug."""
    return version >= WAL_RESET_FIXED


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling begins late; ours begins in `_begin_sqlite`.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = " + ("WAL" if wal_is_safe() else "DELETE"))
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -65536")  # 64 MiB


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("sitrep_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def open_store(url: str, *, base: Path = Path()) -> Store:
    """The store at a SQLAlchemy URL; a relative SQLite path is relative to `base`. Creates no tables."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            parsed = parsed.set(database=str(base / parsed.database))
        engine = create_engine(parsed)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, pool_pre_ping=True)
    return Store(engine)


def check_store(store: Store) -> str:
    """The migration that the database is at; StoreError where there is none or it cannot be reached."""
    try:
        with store.read() as connection:
            return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    except DBAPIError as error:
        raise StoreError("the store cannot be read: run `sitrep init`, or see `sitrep doctor`") from error
