"""Erasure: the words are gone from every row and every page of the file; the chain and the proofs hold."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from pipeline.custody import erasure, holds
from pipeline.custody.check import check_proof
from pipeline.custody.erasure import erase, expire
from pipeline.custody.holds import Held
from pipeline.deliver import deliver
from pipeline.errors import NotFound
from pipeline.intake import Limits
from pipeline.interchange import documents
from pipeline.results import batch_results, quarantine_lines
from pipeline.route.destinations import Folder
from pipeline.store import Store, audit, batches, corrections, outbox, reports, work
from pipeline.store.guards import lifted
from pipeline.store.schema import duplicate, metadata, queue_item, report
from pipeline.store.work import Conflict
from pipeline.submit import submit
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import NOW, SHIPPED
from tests.custody.test_heads import TRUSTED
from tests.custody.test_proof import actions, proof_of, ticking

# Words that are in one report alone, each where another part of the store keeps it.
TEXT, COLUMN, IDENT, SOURCE, REPEAT, NOTE, WORD, SPENT = CANARIES = (
    "zorvathquell", "kestrelquill", "umbrelith", "nimbraxoff", "quillonbar", "drosselmark", "yarrowfinch", "ondravelt",
)  # fmt: skip
STORY = f"Armed men abducted seven farmers and {TEXT} near Bankass on 13 February. They are still held and were beaten."
OTHER = "On 12 February police in Mopti arrested two journalists for reporting on the protest and beat them badly."
Clock = Callable[[], Any]


def hand_in(store: Store, folder: Path, name: str, rows: list[dict[str, Any]], now: Clock) -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return submit(store, [path], now=now, limits=Limits()).batch


@pytest.fixture
def now() -> Clock:
    return ticking()


@pytest.fixture
def lived(any_store: Store, rooms: Rooms, tmp_path: Path, now: Clock) -> Store:
    live(any_store, rooms, tmp_path, now)
    return any_store


def live(store: Store, rooms: Rooms, tmp_path: Path, now: Clock) -> None:
    """A report comes in, comes again, is triaged, reviewed, closed and delivered once; and another report."""
    rows = [
        {"id": IDENT, "text": STORY, "source": SOURCE, "witness": COLUMN},
        {"id": "A2", "text": OTHER},
        {"id": "A3", "text": "", "witness": SPENT},
    ]
    hand_in(store, tmp_path, "first.jsonl", rows, now)
    hand_in(store, tmp_path, "second.jsonl", [{"text": STORY, "source": SOURCE, "witness": REPEAT}], now)
    with store.read() as connection:
        chunks = reports.pending_chunks(connection, size=100)
    for first, last in chunks:
        triage_chunk(store, first, last, rooms, now=now)
    deliver(store, {"folder": Folder(tmp_path / "outbox")}, **SHIPPED, now=now, rng=random.Random(0))
    with store.write() as connection:
        seq, found = reports.find(connection, IDENT)
        items = connection.execute(select(queue_item).where(queue_item.c.report == seq)).all()
        said = {"violations": ["torture_ill_treatment"], "urgency": "high", "now": now()}
        corrections.add(connection, seq, reviewer="ada", note=NOTE, assessment=items[0].assessment, **said)
        corrections.adjudicate(connection, seq, adjudicator="cy", note=NOTE, **said)
        item = work.get(connection, found.id, items[0].queue)
        work.close(
            connection, item.seq, person="ada", outcome="confirmed", version=item.version, now=now(), note=WORD
        )  # fmt: skip


def everything(store: Store) -> str:
    """All rows of all tables and every word that is indexed; of SQLite the bytes of its files as well. In lower case."""
    with store.read() as connection:
        rows = [str(connection.execute(select(table)).all()) for table in metadata.sorted_tables]
        if store.is_sqlite:
            connection.execute(text("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, report_words, instance)"))
            rows += connection.scalars(text("SELECT term FROM terms"))
            connection.execute(text("DROP TABLE temp.terms"))
        else:
            rows += connection.scalars(text("SELECT words::text FROM report_words"))
    if store.is_sqlite:
        path = Path(str(store.engine.url.database))
        rows += [file.read_bytes().decode("latin-1") for file in path.parent.glob(path.name + "*")]
    return "\n".join(rows).lower()


def gone(store: Store, subject: str, now: Clock) -> erasure.Erased:
    """As the command does it."""
    with store.write() as connection, lifted(connection):
        done = erase(connection, subject, person="op", why="request 7", now=now())
    store.compact()
    return done


def test_every_word_is_gone_and_nothing_else(lived: Store, now: Clock) -> None:
    before = everything(lived)
    assert [canary for canary in CANARIES if canary not in before] == []
    done = gone(lived, IDENT, now)
    after = everything(lived)
    assert [canary for canary in CANARIES if canary in after] == [SPENT]
    assert OTHER.lower() in after
    assert {copy["what"].split()[-1] for copy in done.copies} == {"folder"}


def test_the_chain_and_the_proof_hold_afterwards(lived: Store, now: Clock) -> None:
    ours = gone(lived, IDENT, now).subject
    with lived.read() as connection:
        assert audit.verify(connection).broken_at is None
    made, unproved = proof_of(lived, ours, contents=True)
    assert unproved == []
    assert actions(made)[-1] == "erased"
    said = check_proof(made, TRUSTED, text=STORY.encode())
    assert said[-1].endswith("erased by op")
    assert made["contents"]["decision"] == []
    check_proof(proof_of(lived, "A2")[0], TRUSTED, text=OTHER.encode())


def test_exports_leave_it_out(lived: Store, now: Clock) -> None:
    ours = gone(lived, IDENT, now).subject
    with lived.read() as connection:
        (batch,) = [b for b in batches.recent(connection) if batches.receipt(connection, b).quarantined]
        lines = list(batch_results(connection, batch))
        assert lines[0] == {"id": ours, "report": ours, "erased": True}
        assert [d["id"] for d in documents(connection, [batch])] == ["A2"]


def test_words_do_not_come_back_by_being_sent_again(lived: Store, tmp_path: Path, now: Clock) -> None:
    gone(lived, IDENT, now)
    hand_in(lived, tmp_path, "third.jsonl", [{"id": IDENT, "text": STORY, "witness": COLUMN}], now)
    assert [canary for canary in CANARIES if canary in everything(lived)] == [SPENT]
    with lived.read() as connection:
        assert connection.scalar(select(func.count()).select_from(duplicate)) == 2


def test_a_report_that_waits_is_erased_and_never_triaged(
    any_store: Store, rooms: Rooms, tmp_path: Path, now: Clock
) -> None:
    batch = hand_in(any_store, tmp_path, "r.jsonl", [{"text": STORY}], now)
    gone(any_store, f"{batch}:1", now)
    with any_store.read() as connection:
        assert reports.pending_count(connection) == 0
        assert [line.get("erased") for line in batch_results(connection, batch)] == [True]
    assert triage_chunk(any_store, 1, 1, rooms, now=now).triaged == 0


def test_what_is_owed_is_not_delivered(any_store: Store, rooms: Rooms, tmp_path: Path, now: Clock) -> None:
    hand_in(any_store, tmp_path, "r.jsonl", [{"id": "A1", "text": STORY}], now)
    triage_chunk(any_store, 1, 1, rooms, now=now)
    with any_store.write() as connection:
        claimed = outbox.claim(connection, now=now())
    with pytest.raises(Conflict, match="under way"):
        gone(any_store, "A1", now)
    with any_store.write() as connection:
        seqs = [row.seq for row in claimed.rows]
        outbox.fail(connection, token=claimed.token, seqs=seqs, error="refused", available_at=now())
    gone(any_store, "A1", now)
    done = deliver(any_store, {"folder": Folder(tmp_path / "outbox")}, **SHIPPED, now=now, rng=random.Random(0))
    assert (done.sent, done.owed) == (0, 0)
    with any_store.read() as connection:
        assert set(connection.scalars(select(queue_item.c.outcome))) == {"erased"}


def test_rows_that_became_no_report_are_erased_by_their_line(lived: Store, now: Clock) -> None:
    with lived.read() as connection:
        recent = {batches.receipt(connection, b).duplicates: b for b in batches.recent(connection)}
    gone(lived, f"{recent[0]}:3", now)
    gone(lived, f"{recent[1]}:1", now)
    assert [canary for canary in CANARIES if canary not in everything(lived)] == [REPEAT, SPENT]
    with lived.read() as connection:
        assert list(quarantine_lines(connection, recent[0])) == []
        assert batches.receipt(connection, recent[0]).quarantined == 1
    with pytest.raises(NotFound):
        gone(lived, f"{recent[0]}:9", now)


def test_again_it_does_nothing(lived: Store, now: Clock) -> None:
    first = gone(lived, IDENT, now)
    with lived.read() as connection:
        size = audit.size(connection)
    assert gone(lived, first.subject, now) == first
    with lived.read() as connection:
        assert audit.size(connection) == size


@pytest.mark.parametrize("held", ["report", "batch", "batch of a repetition"])
def test_a_hold_keeps_the_words(lived: Store, now: Clock, held: str) -> None:
    with lived.write() as connection:
        found = reports.find(connection, IDENT)[1]
        repeat = connection.scalar(select(duplicate.c.batch))
        subject = {"report": IDENT, "batch": found.batch}.get(held, repeat)
        number = holds.place(connection, subject, person="op", reason="court", now=now())
    before = everything(lived)
    with pytest.raises(Held, match=f"hold {number}"):
        gone(lived, IDENT, now)
    assert everything(lived) == before
    with lived.write() as connection:
        assert [h.seq for h in holds.in_force(connection)] == [number]
        holds.release(connection, number, person="op", now=now())
        with pytest.raises(NotFound):
            holds.release(connection, number, person="op", now=now())
    gone(lived, IDENT, now)
    assert TEXT not in everything(lived)


def test_retention_erases_what_is_too_old_and_nothing_that_is_held(lived: Store, tmp_path: Path, now: Clock) -> None:
    later = NOW + timedelta(days=40)
    hand_in(lived, tmp_path, "new.jsonl", [{"id": "B1", "text": "Soldiers burnt ten houses in Rann."}], lambda: later)
    with lived.write() as connection:
        holds.place(connection, "A2", person="op", reason="court", now=now())
    done = expire(lived, before=NOW + timedelta(days=30), now=later)
    assert done == erasure.Expired(erased=3, kept=1)
    lived.compact()
    after = everything(lived)
    assert [canary for canary in CANARIES if canary in after] == []
    assert OTHER.lower() in after
    assert "rann" in after
    assert expire(lived, before=NOW + timedelta(days=30), now=later) == erasure.Expired(erased=0, kept=1)


def test_the_guards_stand_again(lived: Store, now: Clock) -> None:
    gone(lived, IDENT, now)
    for statement in ("UPDATE report SET text = 'x'", "DELETE FROM report", "UPDATE erasure SET person = 'x'"):
        with lived.engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
    with lived.read() as connection:
        assert connection.scalar(select(func.count()).select_from(report).where(report.c.text == "")) == 1
