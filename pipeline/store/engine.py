"""Connections with the transaction that each database needs.

SQLite: a writer takes its lock at once (BEGIN IMMEDIATE), because `FOR UPDATE` is silently dropped
there. The journal is WAL only where the linked library has the WAL-reset fix (3.51.3, see
sqlite.org/wal.html#walresetbug); before it, the rollback journal with synchronous=FULL.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline.custody.keyring import Keyring
from pipeline.errors import MonitorError, StoreError
from pipeline.store.sealed import use_keys

WAL_RESET_FIXED = (3, 51, 3)
BUSY_TIMEOUT_MS = 30_000
IN_MEMORY = "gathered"
"""A database in the memory of each connection to SQLite, beside the store: rows are gathered there to be stored at once."""


@dataclass(frozen=True)
class Store:
    """A database that holds everything Sitrep must not lose."""

    engine: Engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose reads see one state of the database; StoreError where it cannot be read."""
        with _store_errors(), self.engine.connect() as connection:
            if not self.is_sqlite:  # SQLite's transactions are snapshots anyway
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed as a whole at the end, or not at all; StoreError where it cannot be written."""
        with _store_errors(), self.engine.connect() as connection:
            connection = connection.execution_options(sitrep_write=True)
            with connection.begin():
                yield connection

    def compact(self) -> None:
        """Overwrite what deleted and changed rows left in the files of the store; takes time with its size.

        SQLite: the file is written anew and the WAL emptied. PostgreSQL: the space is freed and used again sooner or later.
        """
        with _store_errors(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(sitrep_bare=True)
                owed = connection.exec_driver_sql(OWED).scalar_one()
                # The index of words keeps what it was told to forget until its parts are merged.
                connection.exec_driver_sql("INSERT INTO report_words(report_words) VALUES ('optimize')")
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                if connection.exec_driver_sql(OWED).scalar_one() == owed:  # else others took out more meanwhile
                    connection.exec_driver_sql(f"{OWED} = 0")
                connection.exec_driver_sql("COMMIT")
            else:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.exec_driver_sql("VACUUM")

    @property
    def owes_compaction(self) -> bool:
        """Whether words were taken out and the file was not written anew since: then a run was cut off in between.

        PostgreSQL frees the space by itself.
        """
        if not self.is_sqlite:
            return False
        with self.read() as connection:
            return bool(connection.exec_driver_sql(OWED).scalar_one())

    def dispose(self) -> None:
        self.engine.dispose()


OWED = "PRAGMA user_version"
"""A number in the head of SQLite's file that changes with the transaction: above 0, the file is to be written anew."""


def owe_compaction(connection: Connection) -> None:
    """Note in the caller's transaction that it leaves words in freed pages: `Store.compact` is owed."""
    if connection.dialect.name == "sqlite":
        owed = connection.exec_driver_sql(OWED).scalar_one()
        connection.exec_driver_sql(f"{OWED} = {owed + 1}")


NO_TABLES = "the store has no tables: bring a backup back with `sitrep restore`, or begin anew with `sitrep upgrade`"
DAMAGED = "the store cannot be read, it may be damaged: bring a backup back with `sitrep restore`, see the runbook"
TOO_MANY = "the database has no connection left: end what else uses it, or raise its max_connections, and run the same command again"
# What the two drivers say, in words that tell the operator what to do.
_PROBLEMS = {
    "locked": "another program holds the store's lock: end it, or try again",
    "full": "the disk of the store is full: make room and run the same command again",
    "No space left": "the disk of the store is full: make room and run the same command again",
    "readonly": "the store may only be read: give this account the right to write to it",
    "read-only": "the store may only be read: give this account the right to write to it",
    "no such table": NO_TABLES,
    "disk I/O error": "the disk of the store fails: see to it, and bring a backup back with `sitrep restore` if need be",
    "unable to open": "the store's file cannot be opened: see that its folder is there and that this account may write to it",
    "malformed": DAMAGED,
    "not a database": DAMAGED,
    "too many clients": TOO_MANY,
    "too many connections": TOO_MANY,
    "remaining connection slots": TOO_MANY,
}
# PostgreSQL's words are in the language of its server, its codes are not (its documentation, appendix A).
AT_ONCE = "others changed the same rows at the same time, and this change was given up: make it again"
_CODES = {
    "40001": AT_ONCE,  # serialization_failure
    "40P01": AT_ONCE,  # deadlock_detected
    "55P03": "another program holds the store's lock: end it, or try again",  # lock_not_available
    "57014": "the database gave up a statement that took too long: try again, see its `statement_timeout`",
    "53300": TOO_MANY,  # too_many_connections
    "53100": "the disk of the store is full: make room and run the same command again",
}


@contextmanager
def _store_errors() -> Iterator[None]:
    """A database that cannot work is the operator's to mend: StoreError says how. What it cannot hold is the sender's.

    PostgreSQL holds no NUL, and the driver's words may quote the rest.
    """
    try:
        yield
    except (DataError, OverflowError):
        raise MonitorError("a character or a number here is none that can be kept: leave it out") from None
    except DatabaseError as error:
        if type(error) not in (DatabaseError, OperationalError):
            raise  # a mistake of ours, such as a row that is there already
        problem = str(error.orig)
        words = _CODES.get(getattr(error.orig, "sqlstate", None) or "")
        words = words or next((words for sign, words in _PROBLEMS.items() if sign in problem), None)
        if words is None and (type(error) is DatabaseError or isinstance(error.orig, sqlite3.Error)):
            raise  # a mistake in a statement: SQLite files it under the same class
        raise StoreError(
            words or "the store cannot be reached: see that it runs, and that `database` is its address"
        ) from error


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
    connection.execute(f"ATTACH ':memory:' AS {IN_MEMORY}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("sitrep_bare"):  # what SQLite does outside of transactions only
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("sitrep_write") else "BEGIN")


def open_store(url: str, *, base: Path = Path(), keys: Keyring | None = None) -> Store:
    """The store at a SQLAlchemy URL; a relative SQLite path is relative to `base`. Creates no tables.

    `keys` open the words of a store that is encrypted.
    """
    parsed = make_url(url)
    # Parameters hold report text, which no message of an error may show.
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            parsed = parsed.set(database=str(base / parsed.database))
        engine = create_engine(parsed, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    if keys is not None:
        use_keys(engine.dialect, keys)
    return Store(engine)


def schema_of(store: Store) -> str | None:
    """The migration that the database is at, None where it has no tables; StoreError where it cannot be read."""
    try:
        with store.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except DBAPIError as error:
        raise StoreError(DAMAGED) from error


def check_store(store: Store) -> str:
    """The migration that the database is at; StoreError where there is none or it cannot be read."""
    found = schema_of(store)
    if found is None:
        raise StoreError(NO_TABLES)
    return found


def migrations() -> list[str]:
    """The migrations that this version knows, in the order in which they are applied.

    Read from the files' own words, because Alembic takes longer to load than most commands run.
    """
    following = {}
    for entry in files("pipeline.store").joinpath("migrations", "versions").iterdir():
        if entry.name.endswith(".py"):
            said = dict(re.findall(r'^(revision|down_revision) = (?:"(\w+)"|None)$', entry.read_text("utf-8"), re.M))
            following[said["down_revision"]] = said["revision"]
    order = [following[""]]
    while order[-1] in following:
        order.append(following[order[-1]])
    return order
