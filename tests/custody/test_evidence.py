"""The rows against the chain: who changes a row and leaves the chain as it is, is found out."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from pipeline.custody import resealing
from pipeline.custody.erasure import erase
from pipeline.custody.evidence import Difference, compare
from pipeline.custody.keyring import Keyring, make_keyring
from pipeline.store import Store, audit, reports, work
from pipeline.store.guards import lifted
from pipeline.store.schema import queue_item
from pipeline.store.sealed import use_keys
from pipeline.triage import Rooms
from tests.conftest import NOW
from tests.custody.test_erasure import IDENT, live
from tests.custody.test_proof import ticking


def found(store: Store) -> list[Difference]:
    with store.read() as connection:
        return list(compare(connection))


def test_a_life_is_what_the_chain_says_encrypted_and_erased_too(any_store: Store, rooms: Rooms, tmp_path: Path) -> None:
    now = ticking()
    make_keyring(keys := tmp_path / "store.keys", today=NOW.date())
    use_keys(any_store.engine.dialect, Keyring(keys))
    live(any_store, rooms, tmp_path, now)
    assert found(any_store) == []
    with any_store.write() as connection:
        other, _ = reports.find(connection, "A2")
        item = connection.execute(select(queue_item).where(queue_item.c.report == other)).first()
        assert item is not None
        work.claim(connection, item.seq, person="ada", version=item.version, now=NOW)
        work.close(connection, item.seq, person="ada", outcome="confirmed", version=item.version + 1, now=NOW)
        work.reopen(connection, item.seq, person="ada", note="again", version=item.version + 2, now=NOW)
    assert found(any_store) == []
    resealing.begin(any_store, Keyring(keys).newest, now=now(), actor="op")
    resealing.finish(any_store, now=now, actor="op")
    assert found(any_store) == []
    with any_store.write() as connection, lifted(connection):
        erase(connection, IDENT, person="op", why="request 1", now=now())
    assert found(any_store) == []


EDITS = {
    "a text": ("UPDATE report SET text = text || ' not' WHERE seq = 1", "text"),
    "a text and its hash": (
        "UPDATE report SET text = 'x', sha256 = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' WHERE seq = 1",
        "reports are not those",
    ),
    "a report": ("DELETE FROM report WHERE seq = 2", "reports are not those"),
    "a repetition": ("DELETE FROM duplicate", "duplicates"),
    "what was set aside": ("DELETE FROM quarantine", "quarantined"),
    "a decision": ("UPDATE assessment SET body = replace(body, 'unlawful', 'lawful') || ' ' WHERE seq = 1", "decision"),
    "a decision and its hash": ("UPDATE assessment SET sha256 = 'a' || substr(sha256, 2) || 'b' WHERE seq = 1", "decision"),
    "a decision that is gone": ("DELETE FROM assessment WHERE seq = 2", "decisions are not those"),
    "a review": ("UPDATE correction SET body = replace(body, 'high', 'low')", "review"),
    "a review that is gone": ("DELETE FROM adjudication", "gone or altered"),
    "an item": ("DELETE FROM queue_item WHERE report = 2", "neither waits"),
    "a closing": ("UPDATE queue_item SET state = 'closed', outcome = 'no_violation' WHERE report = 2", "nobody closed"),
}  # fmt: skip


@pytest.fixture
def lived(store: Store, rooms: Rooms, tmp_path: Path) -> Path:
    live(store, rooms, tmp_path, ticking())
    with closing(sqlite3.connect(tmp_path / "test.db")) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
    return tmp_path / "test.db"


def test_each_edit_of_a_row_is_found_though_the_chain_holds(lived: Path, store: Store) -> None:
    whole = lived.read_bytes()
    for what, (statement, problem) in EDITS.items():
        with closing(sqlite3.connect(lived)) as connection, connection:
            assert connection.execute(statement).rowcount, what
        assert problem in " ".join(one.problem for one in found(store)), what
        with store.read() as connection:
            assert audit.verify(connection).broken_at is None
        store.dispose()
        lived.write_bytes(whole)


def test_no_edit_of_what_the_chain_covers_is_missed(lived: Path, store: Store) -> None:
    """A byte of a text, a decision or a review, at random; hashes and counts have their own test above."""
    rng = random.Random(7)
    columns = [("report", "text"), ("assessment", "body"), ("correction", "body"), ("adjudication", "body")]
    with store.engine.connect() as connection:
        outer = connection.begin()
        for number in range(200):
            table, column = columns[number % len(columns)]
            inner = connection.begin_nested()
            seq, value = rng.choice(connection.exec_driver_sql(f"SELECT seq, {column} FROM {table}").fetchall())
            digits = [at for at, sign in enumerate(value) if column == "text" or sign.isdigit() or sign.isalpha()]
            at = rng.choice(digits)
            changed = value[:at] + rng.choice("".join({*"0123456789"} - {value[at]})) + value[at + 1 :]
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = ? WHERE seq = ?", (changed, seq))
            with suppress(ValueError):  # no JSON any more: whoever reads it is told so
                assert list(compare(connection)), (table, seq, at)
            inner.rollback()
        outer.rollback()
