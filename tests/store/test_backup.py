"""Backups: whole while others write, checked, found out where altered, never laid over a store."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text

from pipeline.custody import resealing
from pipeline.custody.keyring import Keyring, make_keyring
from pipeline.errors import SitrepError, StoreError
from pipeline.intake import Candidate, Row
from pipeline.store import Store, audit, open_store, reports
from pipeline.store.backup import Backup, backup, restore
from pipeline.store.engine import schema_of
from pipeline.store.schema import batch, metadata, report
from pipeline.store.sealed import use_keys
from pipeline.submit import take_in
from tests.postgres import database
from tests.store.test_work import NOW, filled


def test_a_backup_comes_back_as_it_was(any_store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    filled(any_store, 5)
    with any_store.write() as connection:
        audit.append(connection, at=NOW, actor="test", action="note", subject="s", body={})
    made = backup(any_store, tmp_path / "copy", now=NOW)
    assert (made.counts["reports"], made.events) == (5, 1)
    if any_store.is_sqlite:
        fresh = open_store(f"sqlite:///{tmp_path}/fresh.db")
        assert restore(tmp_path / "copy", fresh) == made
    else:
        with database(request.getfixturevalue("postgres")) as url:
            fresh = open_store(url)
            assert restore(tmp_path / "copy", fresh) == made
            fresh.dispose()
            return
    with fresh.read() as connection:
        assert connection.execute(select(func.count()).select_from(report)).scalar_one() == 5
        assert audit.verify(connection).head == made.head


def test_nothing_is_laid_over_a_store(any_store: Store, tmp_path: Path) -> None:
    filled(any_store, 1)
    backup(any_store, tmp_path / "copy", now=NOW)
    with pytest.raises(StoreError, match="already"):
        restore(tmp_path / "copy", any_store)
    with pytest.raises(StoreError, match="not empty"):
        backup(any_store, tmp_path / "copy", now=NOW)


def test_an_altered_copy_is_refused(store: Store, tmp_path: Path) -> None:
    filled(store, 1)
    made = backup(store, tmp_path / "copy", now=NOW)
    path = tmp_path / "copy" / made.file
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="altered or damaged"):
        restore(tmp_path / "copy", open_store(f"sqlite:///{tmp_path}/fresh.db"))


def test_a_copy_made_while_others_write_holds_together(store: Store, tmp_path: Path) -> None:
    filled(store, 50)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with store.write() as connection:
                audit.append(connection, at=NOW, actor="test", action="note", subject="s", body={"words": "x" * 2000})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            backup(store, tmp_path / f"copy-{number}", now=NOW)  # checks the chain of the copy
    finally:
        stop.set()
        writer.join()


def test_a_path_may_hold_any_sign(migrated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "50% of #1?"
    folder.mkdir()
    shutil.copy(migrated, folder / "test.db")
    store = open_store("sqlite:///test.db", base=folder)
    filled(store, 3)
    assert backup(store, folder / "copy", now=NOW).counts["reports"] == 3
    store.dispose()


def test_a_journal_that_was_left_is_not_played_into_what_is_restored(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "copy", now=NOW)
    (tmp_path / "fresh.db-journal").write_bytes(b"of a store that was moved away")
    with pytest.raises(StoreError, match=r"fresh\.db-journal is there already"):
        restore(tmp_path / "copy", open_store("sqlite:///fresh.db", base=tmp_path))


def test_the_password_of_the_database_is_in_no_command_and_no_row_in_a_message(
    postgres: str, migrated_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/words\necho "$PGPASSWORD" > {tmp_path}/secret\n'
        "echo 'pg_dump: error: COPY failed for table report' >&2\necho 'CONTEXT: COPY report, Ada Secret' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with database(postgres, template=migrated_database) as url:
        store = open_store(url.replace("postgres@", "postgres:hunter2@"))
        with pytest.raises(StoreError, match="COPY failed for table report") as caught:
            backup(store, tmp_path / "copy", now=NOW)
        store.dispose()
    assert "Secret" not in str(caught.value)
    assert "hunter2" not in (tmp_path / "words").read_text()
    assert (tmp_path / "secret").read_text() == "hunter2\n"


def test_a_store_that_is_gone_or_damaged_is_not_copied(store: Store, tmp_path: Path) -> None:
    path = Path(str(store.engine.url.database))
    with pytest.raises(StoreError, match="cannot be copied"):
        backup(open_store(f"sqlite:///{tmp_path}/gone.db"), tmp_path / "copy", now=NOW)
    filled(store, 1)
    store.dispose()
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError, match="cannot be copied"):
        backup(store, tmp_path / "another", now=NOW)


def test_what_is_no_backup_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no backup is there"):
        restore(tmp_path, store)


def test_a_backup_of_sqlite_comes_back_to_postgresql(store: Store, postgres: str, tmp_path: Path) -> None:
    filled(store, 2)
    rows = [
        Row("f", n, {}, candidate=Candidate(f"Patrol {n} – « Gao » – met nobody.", metadata={"n": n})) for n in (1, 2)
    ]
    take_in(store, iter(rows), name="b", now=lambda: NOW, source="north")
    made = backup(store, tmp_path / "copy", now=NOW)
    with database(postgres) as url:
        there = open_store(url)
        assert restore(tmp_path / "copy", there) == made
        for table in metadata.sorted_tables:
            with store.read() as one, there.read() as other:
                query = select(table).order_by(*table.primary_key)
                assert one.execute(query).all() == other.execute(query).all(), table.name
        again = take_in(there, iter(rows), name="c", now=lambda: NOW, source="north")
        assert again.duplicates == 2
        more = [Row("f", 3, {}, candidate=Candidate("Soldiers burnt ten houses in Rann."))]
        assert take_in(there, iter(more), name="d", now=lambda: NOW).accepted == 1
        with there.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM report_words")).scalar_one() == 5
            assert audit.verify(connection).broken_at is None
        with there.write() as connection:
            following = text("SELECT nextval(pg_get_serial_sequence('assessment', 'seq'))")
            assert connection.execute(following).scalar_one() == 3
        with pytest.raises(StoreError, match="already"):
            restore(tmp_path / "copy", there)
        there.dispose()


def test_words_that_are_encrypted_stay_so_in_postgresql(store: Store, postgres: str, tmp_path: Path) -> None:
    make_keyring(tmp_path / "store.keys", today=NOW.date())
    keys = Keyring(tmp_path / "store.keys")
    use_keys(store.engine.dialect, keys)
    resealing.begin(store, keys.newest, now=NOW, actor="op")
    rows = [
        Row("f", 1, {}, candidate=Candidate("Soldiers burnt ten houses in Rann.", external_id="A1", metadata={"n": 1}))
    ]
    take_in(store, iter(rows), name="b", now=lambda: NOW, source="north")
    backup(store, tmp_path / "copy", now=NOW)
    with database(postgres) as url:
        there = open_store(url, keys=keys)
        restore(tmp_path / "copy", there)
        with there.read() as connection:
            _, found = reports.find(connection, "A1")
            assert (found.text, found.source, found.metadata) == (
                "Soldiers burnt ten houses in Rann.",
                "north",
                {"n": 1},
            )
            at_rest = connection.execute(text("SELECT text || metadata FROM report")).scalar_one()
        assert "Rann" not in at_rest
        there.dispose()


def test_a_move_that_fails_leaves_nothing_and_can_be_made_again(store: Store, postgres: str, tmp_path: Path) -> None:
    filled(store, 2)
    with store.write() as connection:  # what SQLite holds and PostgreSQL does not
        connection.execute(insert(batch).values(id="z", fingerprint="z", source="a\0b", submitted_at=NOW))
    backup(store, tmp_path / "copy", now=NOW)
    with database(postgres) as url:
        there = open_store(url)
        with pytest.raises(SitrepError):
            restore(tmp_path / "copy", there)
        assert schema_of(there) is None
        with store.write() as connection:
            connection.execute(delete(batch).where(batch.c.id == "z"))
        backup(store, tmp_path / "mended", now=NOW)
        assert restore(tmp_path / "mended", there).counts["reports"] == 2
        there.dispose()


def test_a_backup_of_postgresql_is_not_laid_in_the_place_of_an_sqlite_file(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "sitrep.dump").write_bytes(b"PGDMP")
    made = Backup("sitrep.dump", hashlib.sha256(b"PGDMP").hexdigest(), NOW.isoformat(), "0001", 0, "", {})
    (folder / "backup.json").write_text(json.dumps(asdict(made)))
    with pytest.raises(StoreError, match="PostgreSQL only"):
        restore(folder, open_store(f"sqlite:///{tmp_path}/fresh.db"))
    assert not (tmp_path / "fresh.db").exists()
