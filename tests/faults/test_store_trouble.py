"""A store that is locked, full, read-only or gone: one sentence for the operator, and nothing lost."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.engine import make_url

from pipeline.errors import MonitorError, StoreError
from pipeline.intake import Candidate, Row
from pipeline.store import Store, audit, batches, engine, open_store, reports
from pipeline.store.backup import backup, restore
from pipeline.store.engine import migrations, schema_of
from pipeline.store.migrate import upgrade
from pipeline.store.schema import report
from pipeline.submit import take_in
from tests.postgres import database, restart, server

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
ROWS = 1200


def rows() -> Iterator[Row]:
    for n in range(1, ROWS + 1):
        text = f"Patrol {n} met {n * 7} people on the road and heard of {n * 3} stolen sacks of grain near post {n}."
        yield Row("f", n, {"text": text}, candidate=Candidate(text))


def check_whole(store: Store) -> None:
    receipt = take_in(store, rows(), name="b", now=lambda: NOW)
    assert receipt.received == ROWS
    with store.read() as connection:
        assert audit.verify(connection).broken_at is None
        assert connection.execute(text("SELECT count(*) FROM report")).scalar_one() == receipt.accepted
        assert len(batches.recent(connection)) == 1


def test_a_full_disk_keeps_what_is_recorded_and_the_rest_follows(store: Store) -> None:
    limit = 300  # pages: more than the empty tables, less than the batch

    def capped(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit}")

    event.listen(store.engine, "connect", capped)
    store.dispose()
    with pytest.raises(StoreError, match="disk of the store is full: make room"):
        take_in(store, rows(), name="b", now=lambda: NOW)
    with store.read() as connection:
        recorded = connection.execute(text("SELECT count(*) FROM report")).scalar_one()
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    assert 0 < recorded < ROWS
    limit = 1_000_000
    store.dispose()
    check_whole(store)


def test_a_locked_store_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 20)
    store = open_store("sqlite:///test.db", base=tmp_path)
    upgrade(store)
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another program holds the store's lock"):
        take_in(store, rows(), name="b", now=lambda: NOW)
    other.execute("ROLLBACK")
    other.close()
    check_whole(store)
    store.dispose()


def test_a_store_that_is_damaged_under_way_is_named(store: Store) -> None:
    take_in(store, rows(), name="b", now=lambda: NOW)
    store.dispose()
    path = Path(str(store.engine.url.database))
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(StoreError, match="may be damaged: bring a backup back"), store.read() as connection:
        connection.execute(text("SELECT count(*), max(text) FROM report")).one()


def test_a_store_whose_folder_is_gone_is_named(tmp_path: Path) -> None:
    store = open_store("sqlite:///nowhere/test.db", base=tmp_path)
    with pytest.raises(StoreError, match="cannot be opened: see that its folder is there"), store.write():
        pass


def test_a_number_beyond_what_a_database_holds_is_refused_in_words(any_store: Store) -> None:
    with pytest.raises(MonitorError, match="a number here is none that can be kept"), any_store.read() as connection:
        connection.execute(select(report.c.id).where(report.c.line == 10**20)).all()


def test_a_store_that_may_only_be_read_is_named(store: Store) -> None:
    def read_only(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    event.listen(store.engine, "connect", read_only)
    store.dispose()
    with pytest.raises(StoreError, match="may only be read"):
        take_in(store, rows(), name="b", now=lambda: NOW)
    event.remove(store.engine, "connect", read_only)
    store.dispose()
    check_whole(store)


def test_a_lost_connection_is_named_and_the_rest_follows(postgres: str) -> None:
    with database(postgres) as url:
        store = open_store(url)
        upgrade(store)

        killer = open_store(url)

        def write_while_cut_off() -> None:
            with store.write() as connection:
                pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
                with killer.write() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
                connection.execute(text("SELECT 1"))

        with pytest.raises(StoreError, match="cannot be reached"):
            write_while_cut_off()
        killer.dispose()
        check_whole(store)
        store.dispose()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("40001", "make it again"),
        ("40P01", "make it again"),
        ("55P03", "lock"),
        ("57014", "too long"),
        ("53100", "full"),
    ],
)
def test_what_the_database_gave_up_is_not_told_as_out_of_reach(postgres: str, code: str, words: str) -> None:
    with database(postgres) as url:
        store = open_store(url)
        with pytest.raises(StoreError, match=words), store.write() as connection:
            connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"))
        store.dispose()


def test_a_disk_that_fills_in_an_upgrade_leaves_the_old_tables_as_they_were(tmp_path: Path) -> None:
    old, new = migrations()[3], migrations()[-1]
    upgrade(store := open_store("sqlite:///test.db", base=tmp_path), revision=old)
    with store.read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    limit = pages + 5

    def capped(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit}")

    event.listen(store.engine, "connect", capped)
    store.dispose()
    with pytest.raises(StoreError, match="disk of the store is full"):
        upgrade(store)
    assert schema_of(store) == old
    with store.read() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    limit = 1_000_000
    store.dispose()
    upgrade(store)
    assert schema_of(store) == new
    check_whole(store)
    store.dispose()


def test_a_database_that_is_restarted_in_mid_run_loses_nothing() -> None:
    with TemporaryDirectory(prefix="sitrep-") as folder, server(Path(folder)) as socket, database(socket) as url:
        store = open_store(url)
        upgrade(store)

        def interrupted() -> Iterator[Row]:
            for number, row in enumerate(rows()):
                if number == 700:  # between two transactions: the next one finds its way by itself
                    restart(Path(folder))
                yield row

        assert take_in(store, interrupted(), name="b", now=lambda: NOW).received == ROWS

        def write_while_it_restarts() -> None:
            with store.write() as connection:
                connection.execute(text("DELETE FROM pending"))
                restart(Path(folder))
                connection.execute(text("SELECT 1"))

        with pytest.raises(StoreError, match="cannot be reached"):
            write_while_it_restarts()
        with store.read() as connection:
            assert reports.pending_count(connection) == ROWS
            assert audit.verify(connection).broken_at is None
        store.dispose()


def test_a_database_that_has_no_connection_left_says_so(postgres: str) -> None:
    with database(postgres) as url:
        admin = open_store(url)
        upgrade(admin)
        with admin.write() as connection:
            connection.execute(text("DROP ROLE IF EXISTS few"))
            connection.execute(text("CREATE ROLE few LOGIN CONNECTION LIMIT 1"))
            connection.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO few"))
        first, second = (open_store(make_url(url).set(username="few").render_as_string()) for _ in range(2))
        with first.read(), pytest.raises(StoreError, match="no connection left"), second.read():
            pass
        first.dispose()
        check_whole(second)
        second.dispose()
        with admin.write() as connection:
            connection.execute(text("DROP OWNED BY few"))
            connection.execute(text("DROP ROLE few"))
        admin.dispose()


def test_a_restore_that_breaks_off_leaves_an_empty_database_to_restore_into(postgres: str, tmp_path: Path) -> None:
    with database(postgres) as url, database(postgres) as empty:
        store = open_store(url)
        upgrade(store)
        take_in(store, islice(rows(), 50), name="b", now=lambda: NOW)
        backup(store, tmp_path / "good", now=NOW)
        shutil.copytree(tmp_path / "good", cut := tmp_path / "cut")
        dump, described = cut / "sitrep.dump", cut / "backup.json"
        dump.write_bytes(dump.read_bytes()[: dump.stat().st_size * 2 // 3])
        said = json.loads(described.read_text())
        described.write_text(json.dumps({**said, "sha256": hashlib.sha256(dump.read_bytes()).hexdigest()}))
        target = open_store(empty)
        with pytest.raises(StoreError, match="pg_restore failed"):
            restore(cut, target)
        assert restore(tmp_path / "good", target).counts["reports"] == 50
        for opened in (store, target):
            opened.dispose()
