"""A crash at every numbered step of submit, triage and deliver, on both databases: nothing lost, nothing doubled.

A step is a statement or a commit that is about to reach the database: between two of them nothing that lasts is
changed, apart from the files of the folder destination. SITREP_FAULT_ROUNDS says how many times in a row a run is
struck at the same step before one goes through (the longer command sets 20).
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from pipeline import submit as submitting
from pipeline.classify import ReportModel
from pipeline.deliver import deliver
from pipeline.intake import Candidate, Problem, Reason, Row
from pipeline.report import Reading
from pipeline.route.destinations import Folder
from pipeline.store import Store, audit, batches, open_store, reports
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import SHIPPED
from tests.postgres import database

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
STRUCK = int(os.environ.get("SITREP_FAULT_ROUNDS", "1"))
TEXTS = [
    "Soldiers shelled the market of Mindat at noon and killed nine traders and two children.",
    "Armed men abducted two teachers near Goma on Friday and demand a ransom from their families.",
    "The committee met and adopted its agenda; the next session is in March.",
    "Soldiers shelled the market of Mindat at noon and killed nine traders and two children.",
    "Police arrested six journalists outside the court and broke their cameras.",
    "A convoy with food for the camp was turned back at the checkpoint for the third time.",
]
ROWS = [Row("f", n, {"text": t}, candidate=Candidate(t, external_id=f"x{n}")) for n, t in enumerate(TEXTS, start=1)]
ROWS.append(Row("f", 7, {"text": ""}, problem=Problem(Reason.EMPTY_TEXT, "the text is empty: fill it in")))

Fresh = Callable[[], AbstractContextManager[Store]]


class Remembering:
    """The shipped model, which reads a text once: what is struck hundreds of times are the store and the delivery."""

    def __init__(self, model: ReportModel) -> None:
        self._model, self._known = model, dict[str, Reading]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        if new := [words for words in texts if words not in self._known]:
            self._known |= zip(new, self._model.read(new), strict=True)
        return [self._known[words] for words in texts]


class Crash(BaseException):
    """The end of a process, so far as the code under test can tell."""


@contextmanager
def struck_at(store: Store, step: int | None) -> Iterator[list[int]]:
    """Crash before step number `step` (from 1) reaches the database; the list holds the number of the last step."""
    last = [0]

    def next_step(*_: object) -> None:
        last[0] += 1
        if last[0] == step:
            raise Crash

    event.listen(store.engine, "before_cursor_execute", next_step)
    event.listen(store.engine, "commit", next_step)
    try:
        yield last
    finally:
        event.remove(store.engine, "before_cursor_execute", next_step)
        event.remove(store.engine, "commit", next_step)


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Iterator[Fresh]:
    """Makes empty stores, each a copy of one that was migrated once."""
    if request.param == "sqlite":
        numbers = count()

        @contextmanager
        def sqlite() -> Iterator[Store]:
            name = f"{next(numbers)}.db"
            shutil.copy(migrated, tmp_path / name)
            store = open_store(f"sqlite:///{name}", base=tmp_path)
            yield store
            store.dispose()
            (tmp_path / name).unlink()

        yield sqlite
        return
    socket, template = request.getfixturevalue("postgres"), request.getfixturevalue("migrated_database")

    @contextmanager
    def postgresql() -> Iterator[Store]:
        with database(socket, template=template) as url:
            store = open_store(url)
            yield store
            store.dispose()

    yield postgresql


def work_through(store: Store, rooms: Rooms, folder: Path, *, now: datetime) -> None:
    """What a night does, from the rows to the destination."""
    submitting.take_in(store, iter(ROWS), name="night", now=lambda: now)
    with store.read() as connection:
        chunks = reports.pending_chunks(connection, size=2)
    for first, last in chunks:
        triage_chunk(store, first, last, rooms, now=lambda: now)
    deliver(store, {"folder": Folder(folder)}, **SHIPPED, now=lambda: now, rng=random.Random(0))


def scalar(store: Store, query: str) -> int:
    with store.read() as connection:
        return int(connection.execute(text(query)).scalar_one())


def check(store: Store, folder: Path, *, items: int) -> None:
    with store.read() as connection:
        oldest = batches.recent(connection)[-1]
        receipt = batches.receipt(connection, oldest)
        assert audit.verify(connection).broken_at is None
    assert (receipt.accepted, receipt.duplicates, receipt.quarantined, receipt.pending) == (5, 1, 1, 0)
    assert scalar(store, "SELECT count(*) FROM assessment") == 5
    assert scalar(store, "SELECT count(*) FROM queue_item") == items
    assert scalar(store, "SELECT count(*) FROM queue_event") == items
    assert scalar(store, "SELECT count(*) FROM outbox WHERE state = 'delivered'") == items
    lines = [line for file in sorted(folder.rglob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    keys = [json.loads(line)["key"] for line in lines]
    assert len(keys) == len(set(keys)) == items


def test_a_crash_at_any_step_loses_and_doubles_nothing(
    fresh: Fresh, rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "ROWS_PER_TRANSACTION", 3)
    rooms = replace(rooms, model=Remembering(rooms.model))
    with fresh() as store, struck_at(store, None) as last:
        work_through(store, rooms, tmp_path / "whole", now=NOW)
        steps, items = last[0], scalar(store, "SELECT count(*) FROM queue_item")
        check(store, tmp_path / "whole", items=items)
    assert steps > 50
    for step in range(1, steps + 1):
        folder, now, crashes = tmp_path / f"out-{step}", NOW, 0
        with fresh() as store:
            for _ in range(STRUCK):
                now += timedelta(hours=1)  # whatever lease the victim held runs out
                try:
                    with struck_at(store, step):
                        work_through(store, rooms, folder, now=now)
                except Crash:
                    crashes += 1
                    store.dispose()
            work_through(store, rooms, folder, now=now + timedelta(hours=1))
            check(store, folder, items=items)
        assert crashes, f"step {step} was never reached"
        shutil.rmtree(folder)


def test_a_clock_that_jumps_back_delays_but_loses_nothing(fresh: Fresh, rooms: Rooms, tmp_path: Path) -> None:
    with fresh() as store:
        submitting.take_in(store, iter(ROWS), name="night", now=lambda: NOW)
        earlier = NOW - timedelta(days=1)
        triage_chunk(store, 1, 2, rooms, now=lambda: NOW)
        triage_chunk(store, 3, 5, rooms, now=lambda: earlier)
        done = deliver(store, {"folder": Folder(tmp_path)}, **SHIPPED, now=lambda: earlier, rng=random.Random(0))
        assert done.owed > 0  # what was owed at noon waits for noon
        done = deliver(store, {"folder": Folder(tmp_path)}, **SHIPPED, now=lambda: NOW, rng=random.Random(0))
        assert done.owed == 0
        submitting.take_in(store, iter(ROWS), name="night", now=lambda: NOW)
        with store.read() as connection:
            assert audit.verify(connection).broken_at is None
        check_keys = [json.loads(line)["key"] for f in tmp_path.rglob("*.jsonl") for line in f.read_text().splitlines()]
        assert len(check_keys) == len(set(check_keys)) == scalar(store, "SELECT count(*) FROM queue_item")
