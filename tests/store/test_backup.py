"""Backups: whole while others write, checked, found out where altered, never laid over a store."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from pipeline.errors import StoreError
from pipeline.store import Store, audit, open_store
from pipeline.store.backup import backup, restore
from pipeline.store.schema import report
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


def test_what_is_no_backup_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no backup is there"):
        restore(tmp_path, store)
