"""The store: migrations, and a chain in which every tampering is found."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline.errors import StoreError
from pipeline.store import Store, audit, batches, open_store
from pipeline.store.engine import _prepare_sqlite, check_store, migrations, wal_is_safe
from pipeline.store.migrate import downgrade, upgrade
from pipeline.store.passwords import _hasher
from pipeline.store.schema import metadata
from tests.postgres import database

EVENTS = 30


def filled(store: Store, now: Callable[[], datetime]) -> None:
    with store.write() as connection:
        for number in range(EVENTS):
            audit.append(connection, at=now(), actor="test", action="note", subject=f"s{number}", body={"n": number})


def test_migrations_give_the_schema_of_the_code(any_store: Store) -> None:
    store = any_store
    # SQLite keeps the words of reports in tables of its own, `report_words` and what begins so.
    names = {n for n in inspect(store.engine).get_table_names() if not n.startswith("report_words")}
    tables = names - {"alembic_version"}
    assert tables == set(metadata.tables)
    for name, table in metadata.tables.items():
        assert {c["name"] for c in inspect(store.engine).get_columns(name)} == {c.name for c in table.columns}


def test_migrations_go_down_and_up_again(any_store: Store) -> None:
    store = any_store
    downgrade(store, revision="base")
    assert set(inspect(store.engine).get_table_names()) == {"alembic_version"}
    upgrade(store)
    assert check_store(store) == migrations()[-1]


def test_the_migrations_are_known_in_alembics_order() -> None:
    config = Config()
    config.set_main_option("script_location", "pipeline/store/migrations")
    assert [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()] == migrations()[::-1]


def test_what_is_read_a_few_rows_at_a_time_leaves_the_transaction_to_write_in(
    any_store: Store, now: Callable[[], datetime]
) -> None:
    filled(any_store, now)
    with any_store.write() as connection:
        assert list(batches.quarantined(connection, "b")) == []
        assert len(list(audit.leaves(connection, 0, EVENTS))) == EVENTS
        assert audit.verify(connection).broken_at is None
        audit.append(connection, at=now(), actor="test", action="note", subject="s", body={})


def test_upgrading_twice_changes_nothing(store: Store, now: Callable[[], datetime]) -> None:
    filled(store, now)
    upgrade(store)
    with store.read() as connection:
        assert audit.verify(connection).events == EVENTS


def test_a_store_that_was_not_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="sitrep upgrade"):
        check_store(open_store("sqlite:///none.db", base=tmp_path))


def test_the_journal_is_safe_for_the_linked_sqlite(store: Store) -> None:
    with store.read() as connection:
        journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
    assert journal == ("wal" if wal_is_safe() else "delete")


def test_what_was_committed_is_on_the_disk(tmp_path: Path) -> None:
    # As production opens it: taken before the tests made it cheap.
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        _prepare_sqlite(connection, cast(ConnectionPoolEntry, None))
        full, kept_apart, wiped = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "foreign_keys", "secure_delete")
        )
    assert (full, kept_apart, wiped) == (2, 1, 1)


def test_passwords_cost_what_rfc_9106_advises() -> None:
    assert _hasher().hash("four horses on a hill").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_an_untouched_chain_verifies(store: Store, now: Callable[[], datetime]) -> None:
    filled(store, now)
    with store.read() as connection:
        found = audit.verify(connection)
    assert (found.events, found.broken_at) == (EVENTS, None)


TAMPERINGS = {
    "edited body": lambda n: [f"UPDATE audit_event SET body = '{json.dumps({'n': -1})}' WHERE seq = {n}"],
    "edited actor": lambda n: [f"UPDATE audit_event SET actor = 'other' WHERE seq = {n}"],
    "deleted": lambda n: [f"DELETE FROM audit_event WHERE seq = {n}"],
    "cut off": lambda n: [f"DELETE FROM audit_event WHERE seq >= {n}"],
    "swapped": lambda n: [
        f"UPDATE audit_event SET seq = -1 WHERE seq = {n}",
        f"UPDATE audit_event SET seq = {n} WHERE seq = {n % EVENTS + 1}",
        f"UPDATE audit_event SET seq = {n % EVENTS + 1} WHERE seq = -1",
    ],
    "inserted": lambda n: [
        f"INSERT INTO audit_event SELECT {EVENTS + 1}, at, actor, action, subject, body, previous, 'x' "
        f"FROM audit_event WHERE seq = {n}"
    ],
    "replaced head": lambda n: [f"UPDATE audit_head SET seq = {n}, hash = 'x'"],
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_every_tampering_is_found(kind: str, store: Store, now: Callable[[], datetime]) -> None:
    filled(store, now)
    for number in random.Random(kind).sample(range(1, EVENTS + 1), 8):
        with store.engine.connect() as connection:
            outer = connection.begin()
            # Whoever holds the database file can drop its guards first; the chain has to tell all the same.
            connection.execute(text("DROP TRIGGER audit_event_no_update"))
            connection.execute(text("DROP TRIGGER audit_event_no_delete"))
            for statement in TAMPERINGS[kind](number):
                connection.execute(text(statement))
            assert audit.verify(connection).broken_at is not None, f"{kind} at {number}"
            outer.rollback()


EVIDENCE = ("report", "assessment", "correction", "audit_event", "duplicate", "quarantine")


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event"])
def test_the_database_refuses_to_change_evidence(statement: str, any_store: Store, now: Callable[[], datetime]) -> None:
    filled(any_store, now)
    with pytest.raises(DBAPIError, match="append-only"), any_store.write() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("table", EVIDENCE)
def test_postgresql_refuses_to_empty_evidence(table: str, postgres: str, migrated_database: str) -> None:
    with database(postgres, template=migrated_database) as url:
        store = open_store(url)
        with pytest.raises(DBAPIError, match="append-only"), store.write() as connection:
            connection.execute(text(f"TRUNCATE {table} CASCADE"))
        store.dispose()


def test_no_message_of_an_error_shows_a_parameter(any_store: Store) -> None:
    statement = text("INSERT INTO nowhere (text) VALUES (:text)")
    with pytest.raises((DBAPIError, StoreError)) as caught, any_store.write() as connection:
        connection.execute(statement, {"text": "Ada Secret saw it"})
    error: BaseException | None = caught.value
    while error:
        assert "Secret" not in str(error)
        error = error.__cause__


def test_a_merkle_root_is_that_of_the_standard() -> None:
    # The tree of RFC 6962, section 2.1.3, for the first leaves of its reference implementation.
    assert audit.merkle_root([]).startswith("e3b0c44298fc1c14")
    assert audit.merkle_root([b""]).startswith("6e340b9cffb37a98")
    assert audit.merkle_root([b"", b"\x00"]).startswith("fac54203e7cc696c")
