"""Words at rest: no byte of them in an encrypted store, every step as in one that is not, whatever the key and its age."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from pipeline.custody import holds, resealing
from pipeline.custody.check import check_proof
from pipeline.custody.erasure import erase
from pipeline.custody.keyring import Keyring, add_key, make_keyring
from pipeline.deliver import deliver
from pipeline.errors import StoreError
from pipeline.results import batch_results
from pipeline.route.destinations import Folder
from pipeline.store import Store, audit, batches, corrections, open_store, queues, reports, sealing
from pipeline.store.backup import _postgres, _url, backup, restore
from pipeline.store.guards import lifted
from pipeline.store.schema import band, queue_event, queue_facet, queue_item, report
from pipeline.store.sealed import CLEAR, MARK, use_keys
from pipeline.store.search import Filter
from pipeline.triage import Rooms
from tests.conftest import NOW, SHIPPED
from tests.custody.test_erasure import CANARIES, OTHER, STORY, Clock, hand_in, live
from tests.custody.test_heads import TRUSTED
from tests.custody.test_proof import proof_of, ticking
from tests.postgres import database

# Read in the text by triage, beside what only a person would read there. Of seven letters or more: in what is encrypted,
# written in letters and put in lower case here, shorter words turn up by chance.
PLANTED = (*CANARIES, "bankass", "farmers", "protest", "journalists")
TODAY = date(2025, 2, 14)


@pytest.fixture
def now() -> Clock:
    return ticking()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "store.keys"
    make_keyring(path, today=TODAY)
    return path


@pytest.fixture
def keyed(any_store: Store, key_file: Path) -> Store:
    """An empty store that has its keys at hand, and is not encrypted."""
    use_keys(any_store.engine.dialect, Keyring(key_file))
    return any_store


def bring_under(store: Store, key_file: Path, now: Clock) -> int:
    """As `sitrep encryption on` and `rotate` do it."""
    resealing.begin(store, Keyring(key_file).newest, now=now(), actor="op")
    done = resealing.finish(store, now=now, actor="op")
    store.compact()
    return done


def at_rest(store: Store, folder: Path) -> str:
    """All that somebody has who takes the database: every byte of SQLite's files, a dump of PostgreSQL. In lower case."""
    if store.is_sqlite:
        path = Path(str(store.engine.url.database))
        files = list(path.parent.glob(path.name + "*"))
    else:
        files = [folder / "dump.sql"]
        _postgres(store, "pg_dump", "--format=plain", f"--file={files[0]}", _url(store))
    return "\n".join(file.read_bytes().decode("latin-1") for file in files).lower()


def found_in(store: Store, folder: Path) -> list[str]:
    kept = at_rest(store, folder)
    return [canary for canary in PLANTED if canary in kept]


def told(store: Store) -> list[Any]:
    """What people and programs get to read of a store."""
    with store.read() as connection:
        lines = [line for batch in batches.recent(connection) for line in batch_results(connection, batch)]
        loaded = [str(r) for r in reports.load(connection, range(1, 9)).values()]
        said = [(v.by, v.violations, v.note, v.spans) for v in corrections.verdicts(connection)]
        notes = list(connection.scalars(select(queue_event.c.note).order_by(queue_event.c.seq)))
        shown = queues.page(connection, "investigations", limit=9)
        set_aside = [
            row.content for batch in batches.recent(connection) for row in batches.quarantined(connection, batch)
        ]
    return [lines, loaded, said, notes, [(r.external_id, r.source, r.beginning[:160]) for r in shown], set_aside]


def test_a_life_in_an_encrypted_store_leaves_no_word_there(
    keyed: Store, key_file: Path, rooms: Rooms, tmp_path: Path, now: Clock
) -> None:
    bring_under(keyed, key_file, now)
    live(keyed, rooms, tmp_path, now)
    with keyed.write() as connection:
        holds.place(connection, "A2", person="op", reason="asked by the drosselmark family", now=now())
    assert found_in(keyed, tmp_path) == []
    with keyed.read() as connection:
        assert resealing.what_is_left(connection).rows == {}
        assert audit.verify(connection).broken_at is None
        assert reports.find(connection, "umbrelith")[1].text == STORY
        assert [hold.reason for hold in holds.in_force(connection)] == ["asked by the drosselmark family"]
    made, unproved = proof_of(keyed, "umbrelith", contents=True)
    assert unproved == []
    check_proof(made, TRUSTED, text=STORY.encode())


def test_what_was_there_is_encrypted_rotated_and_written_back_without_a_difference(
    keyed: Store, key_file: Path, rooms: Rooms, tmp_path: Path, now: Clock
) -> None:
    live(keyed, rooms, tmp_path, now)
    before = told(keyed)
    assert {*PLANTED} - {*found_in(keyed, tmp_path)} == set()
    assert bring_under(keyed, key_file, now) > 5
    assert (found_in(keyed, tmp_path), told(keyed)) == ([], before)
    old = Keyring(key_file).newest.ident
    add_key(key_file, today=TODAY)
    assert bring_under(keyed, key_file, now) > 5
    assert bring_under(keyed, key_file, now) == 0
    # Nothing needs the old key any more but what the chain tells of it.
    key_file.write_text(key_file.read_text().splitlines(keepends=True)[1])
    use_keys(keyed.engine.dialect, Keyring(key_file))
    assert (found_in(keyed, tmp_path), told(keyed)) == ([], before)
    assert MARK + old not in at_rest(keyed, tmp_path)
    assert proof_of(keyed, "umbrelith", contents=True)[1] == []
    resealing.begin(keyed, None, now=now(), actor="op")
    resealing.finish(keyed, now=now, actor="op")
    keyed.compact()
    assert told(keyed) == before
    assert {*PLANTED} - {*found_in(keyed, tmp_path)} == set()
    assert MARK not in at_rest(keyed, tmp_path)
    with keyed.read() as connection:
        assert sealing.in_force(connection) == sealing.Sealing(None)


@pytest.mark.parametrize("idents", [("", "B7"), ("B7", "")])
def test_a_report_is_found_by_its_senders_id_beside_reports_that_have_none(
    keyed: Store, key_file: Path, tmp_path: Path, now: Clock, idents: tuple[str, str]
) -> None:
    bring_under(keyed, key_file, now)
    rows = [{"id": ident, "text": f"Soldiers shot {n} farmers."} for n, ident in enumerate(idents)]
    hand_in(keyed, tmp_path, "reports.jsonl", rows, now)
    with keyed.read() as connection:
        assert reports.find(connection, "B7")[1].text == f"Soldiers shot {idents.index('B7')} farmers."


def test_repetitions_are_told_whatever_the_key(keyed: Store, key_file: Path, tmp_path: Path, now: Clock) -> None:
    long = " ".join(f"word{n}" for n in range(40))
    rows = [{"text": STORY}, {"text": long}, {"text": STORY.upper()}, {"text": long + " more"}]

    def kinds(name: str) -> list[str]:
        batch = hand_in(keyed, tmp_path, name, rows, now)
        with keyed.read() as connection:
            return [line.outcome for line in batches.lines(connection, batch)]

    first = kinds("a.jsonl")
    assert first == ["accepted", "accepted", "duplicate", "duplicate"]
    with keyed.read() as connection:
        bands = set(connection.scalars(select(band.c.hash)))
    resealing.begin(keyed, Keyring(key_file).newest, now=now(), actor="op")
    assert kinds("b.jsonl") == ["duplicate"] * 4  # some rows are clear still
    resealing.finish(keyed, now=now, actor="op")
    add_key(key_file, today=TODAY)
    resealing.begin(keyed, Keyring(key_file).newest, now=now(), actor="op")
    assert kinds("c.jsonl") == ["duplicate"] * 4  # or under the key before
    resealing.finish(keyed, now=now, actor="op")
    assert kinds("d.jsonl") == ["duplicate"] * 4
    with keyed.read() as connection:
        assert bands.isdisjoint(connection.scalars(select(band.c.hash)))
        assert connection.scalar(select(func.count()).select_from(band)) == len(bands)


class Crash(BaseException):
    """As if the process were killed here."""


@contextmanager
def struck_at(store: Store, step: int | None) -> Iterator[list[int]]:
    """Crash before statement or commit number `step`; the numbers that were reached."""
    reached = [0]

    def next_step(*_: object) -> None:
        reached[0] += 1
        if reached[0] == step:
            raise Crash

    for name in ("before_cursor_execute", "commit"):
        event.listen(store.engine, name, next_step)
    try:
        yield reached
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(store.engine, name, next_step)


def test_a_rotation_that_is_killed_goes_on(
    keyed: Store, key_file: Path, rooms: Rooms, tmp_path: Path, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "CHUNK", 2)
    live(keyed, rooms, tmp_path, now)
    before, draw = told(keyed), random.Random(7)
    with struck_at(keyed, None) as reached:
        bring_under(keyed, key_file, now)
    steps = reached[0]
    assert steps > 60
    for step in sorted(draw.sample(range(1, steps), 6)):
        add_key(key_file, today=TODAY)
        with pytest.raises(Crash), struck_at(keyed, step):
            bring_under(keyed, key_file, now)
        assert told(keyed) == before, f"step {step}"
        bring_under(keyed, key_file, now)
        with keyed.read() as connection:
            assert sealing.in_force(connection) == sealing.Sealing(Keyring(key_file).newest), f"step {step}"
            assert resealing.what_is_left(connection).count == 0
            assert audit.verify(connection).broken_at is None
    assert (found_in(keyed, tmp_path), told(keyed)) == ([], before)
    with pytest.raises(DBAPIError, match="append-only"), keyed.write() as connection:
        connection.execute(text("UPDATE report SET sealed_by = NULL"))


@pytest.mark.parametrize("moved", ["text", "metadata", "signature"])
def test_what_was_moved_from_another_row_or_altered_does_not_open(
    keyed: Store, key_file: Path, tmp_path: Path, now: Clock, moved: str
) -> None:
    bring_under(keyed, key_file, now)
    hand_in(keyed, tmp_path, "r.jsonl", [{"text": STORY, "a": 1}, {"text": OTHER, "a": 2}], now)
    swap = f"UPDATE report SET {moved} = (SELECT {moved} FROM report WHERE seq = 2) WHERE seq = 1"
    with keyed.write() as connection, lifted(connection):
        connection.execute(text(swap))
    with keyed.read() as connection, pytest.raises(StoreError, match=rf"report\.{moved} of r\w+ cannot be opened"):
        connection.execute(select(report.c[moved]).where(report.c.seq == 1)).all()
    with keyed.read() as connection:
        assert reports.load(connection, [2])[2].text == OTHER
    # A rotation leaves it as it is, names it, and does the rest.
    add_key(key_file, today=TODAY)
    with pytest.raises(StoreError, match=r"1 rows cannot be brought under the key.*cannot be opened"):
        bring_under(keyed, key_file, now)
    with keyed.read() as connection:
        assert resealing.what_is_left(connection).rows == {"report": 1}
        assert reports.load(connection, [2])[2].text == OTHER


@pytest.mark.parametrize("forged", ["'They left in peace.'", f"'{MARK}{CLEAR}:VGhleSBsZWZ0Lg=='"])
def test_words_in_clear_do_not_open_in_a_row_that_is_sealed(
    keyed: Store, key_file: Path, tmp_path: Path, now: Clock, forged: str
) -> None:
    bring_under(keyed, key_file, now)
    hand_in(keyed, tmp_path, "r.jsonl", [{"text": STORY}], now)
    with keyed.write() as connection, lifted(connection):
        connection.execute(text(f"UPDATE report SET text = {forged}"))
    with keyed.read() as connection, pytest.raises(StoreError, match=r"report\.text of r\w+ cannot be opened"):
        reports.load(connection, [1])
    with keyed.write() as connection, lifted(connection):
        connection.execute(text("UPDATE report SET sealed_by = NULL"))
    with keyed.read() as connection:
        assert resealing.what_is_left(connection).rows == {"report": 1}


def test_without_its_key_nothing_is_read_written_or_lost(
    keyed: Store, key_file: Path, tmp_path: Path, now: Clock
) -> None:
    bring_under(keyed, key_file, now)
    hand_in(keyed, tmp_path, "r.jsonl", [{"text": STORY}], now)
    ident, others = Keyring(key_file).newest.ident, tmp_path / "others.keys"
    make_keyring(others, today=TODAY)
    for keys, problem in ((None, "name the file of its keys"), (Keyring(others), "others.keys does not hold")):
        stranger = open_store(str(keyed.engine.url.render_as_string(hide_password=False)), keys=keys)
        with pytest.raises(StoreError, match=problem) as caught, stranger.read() as connection:
            reports.load(connection, [1])
        assert ident in str(caught.value)
        with pytest.raises(StoreError, match=problem):
            hand_in(stranger, tmp_path, "s.jsonl", [{"text": OTHER}], now)
        stranger.dispose()
    with keyed.read() as connection:
        assert reports.load(connection, [1])[1].text == STORY
        assert len(batches.recent(connection)) == 1


def test_a_backup_is_not_brought_back_without_its_key(
    keyed: Store, key_file: Path, tmp_path: Path, now: Clock, request: pytest.FixtureRequest
) -> None:
    bring_under(keyed, key_file, now)
    hand_in(keyed, tmp_path, "r.jsonl", [{"text": STORY}], now)
    made = backup(keyed, tmp_path / "copy", now=NOW)
    assert made.keys == [Keyring(key_file).newest.ident]
    copied = "".join(file.read_bytes().decode("latin-1") for file in (tmp_path / "copy").iterdir())
    assert [canary for canary in PLANTED if canary in copied.lower()] == []

    def back(url: str) -> None:
        with pytest.raises(StoreError, match=r"that key is not at hand.*nothing was changed"):
            restore(tmp_path / "copy", open_store(url))
        fresh = open_store(url, keys=Keyring(key_file))
        restore(tmp_path / "copy", fresh)
        with fresh.read() as connection:
            assert reports.load(connection, [1])[1].text == STORY
        fresh.dispose()

    if keyed.is_sqlite:
        back(f"sqlite:///{tmp_path}/fresh.db")
    else:
        with database(request.getfixturevalue("postgres")) as url:
            back(url)


def test_words_are_searched_and_erased_in_an_encrypted_store(
    keyed: Store, key_file: Path, rooms: Rooms, tmp_path: Path, now: Clock
) -> None:
    live(keyed, rooms, tmp_path, now)
    bring_under(keyed, key_file, now)
    with keyed.read() as connection:
        queue = connection.scalar(select(queue_item.c.queue).join(report).where(report.c.seq == 2))

        def seen(**wanted: str) -> list[str | None]:
            return [row.external_id for row in queues.page(connection, queue, wanted=Filter(**wanted), limit=9)]

        assert seen(words="JOURNAL mopti") == seen(place="mopti") == seen(words="A2") == ["A2"]
        assert seen(words="journali5t") == seen(words="jour mop") == seen(place="bamako") == seen(words="?!") == []
        values = list(connection.scalars(select(queue_facet.c.value)))
        assert values
        assert all(len(value) == 32 for value in values)
    with keyed.write() as connection, lifted(connection):
        erase(connection, "A2", person="op", why="request 7", now=now())
    keyed.compact()
    add_key(key_file, today=TODAY)
    bring_under(keyed, key_file, now)
    batch = hand_in(keyed, tmp_path, "again.jsonl", [{"text": OTHER}], now)
    with keyed.read() as connection:
        assert seen(place="mopti") == []
        assert reports.load(connection, [2])[2].text == ""
        assert batches.receipt(connection, batch).duplicates == 1
    check_proof(proof_of(keyed, reports_id(keyed, 2))[0], TRUSTED, text=OTHER.encode())
    done = deliver(keyed, {"folder": Folder(tmp_path / "outbox")}, **SHIPPED, now=now, rng=random.Random(0))
    assert done.dead == 0


def reports_id(store: Store, seq: int) -> str:
    with store.read() as connection:
        return str(connection.scalar(select(report.c.id).where(report.c.seq == seq)))
