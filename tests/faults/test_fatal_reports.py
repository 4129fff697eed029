"""A report that ends its process: it is soon alone, and goes to manual review unread when it has had its last try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, text

from pipeline.errors import ModelError, StoreError
from pipeline.intake import Candidate, Row
from pipeline.store import Store, reports
from pipeline.store.schema import pending
from pipeline.submit import take_in
from pipeline.triage import NOTHING, PARTS, Rooms, triage_chunk

COUNT, FATAL = 230, 137


class ProcessEnd(BaseException):
    """The end of a process, so far as the code under test can tell."""


class Struck:
    """A model that ends with `error` where it is to read the text of a number."""

    def __init__(self, model: Any, number: int, error: type[BaseException]) -> None:
        self._model, self._number, self._error = model, number, error
        self.read_together: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def read(self, texts: Sequence[str]) -> Any:
        if any(words.startswith(f"Report {self._number} ") for words in texts):
            self.read_together.append(len(texts))
            raise self._error("the process ends")
        return self._model.read(texts)


def fill(store: Store, count: int, now: Callable[[], datetime]) -> None:
    texts = [f"Report {n} of patrol {n * 7919 % 1000}: a quiet day at post {n * 31 % 97}." for n in range(1, count + 1)]
    rows = [Row("f", n, {"text": t}, candidate=Candidate(t, external_id=f"x{n}")) for n, t in enumerate(texts, start=1)]
    take_in(store, rows, name="b", now=now)


def test_a_fatal_report_is_found_and_the_others_are_triaged(
    any_store: Store, rooms: Rooms, now: Callable[[], datetime]
) -> None:
    fill(any_store, COUNT, now)
    struck = Struck(rooms.model, FATAL, ProcessEnd)
    total, ends = NOTHING, 0
    while True:
        try:
            total += triage_chunk(any_store, 1, COUNT, replace(rooms, model=struck), now=now)
            break
        except ProcessEnd:
            ends += 1
    assert ends == len(PARTS)
    assert struck.read_together == [COUNT, 100, 10, 1, 1]
    assert total.failed == 1
    with any_store.read() as connection:
        assert reports.pending_count(connection) == 0
        assert connection.execute(text("SELECT count(*) FROM assessment")).scalar_one() == COUNT
        unread = connection.execute(
            text(
                "SELECT external_id, queue FROM queue_item JOIN report ON queue_item.report = report.seq"
                " JOIN assessment ON queue_item.assessment = assessment.seq WHERE assessment.urgency IS NULL"
            )
        ).all()
    assert unread == [(f"x{FATAL}", "manual-review")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ModelError])
def test_what_is_not_the_reports_fault_is_not_held_against_them(
    store: Store, rooms: Rooms, now: Callable[[], datetime], error: type[BaseException]
) -> None:
    fill(store, 12, now)
    for _ in range(len(PARTS) + 2):
        with pytest.raises(error):
            triage_chunk(store, 1, 12, replace(rooms, model=Struck(rooms.model, 5, error)), now=now)
    assert triage_chunk(store, 1, 12, rooms, now=now).failed == 0


def test_a_full_disk_is_not_held_against_the_reports_that_it_keeps_from_being_recorded(
    store: Store, rooms: Rooms, now: Callable[[], datetime]
) -> None:
    def full(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO assessment"):
            raise StoreError("the disk of the store is full: make room and run the same command again")

    fill(store, 12, now)
    event.listen(store.engine, "before_cursor_execute", full)
    for _ in range(len(PARTS) + 2):
        with pytest.raises(StoreError):
            triage_chunk(store, 1, 12, rooms, now=now)
    event.remove(store.engine, "before_cursor_execute", full)
    assert triage_chunk(store, 1, 12, rooms, now=now).failed == 0


@given(waiting=st.sets(st.integers(1, 60)), size=st.integers(1, 9))
def test_chunks_hold_what_waits_each_once_in_order(
    waiting: set[int], size: int, store_of_sixty: Callable[[set[int]], Any]
) -> None:
    with store_of_sixty(waiting) as connection:
        chunks = reports.pending_chunks(connection, size=size)
        held = [reports.still_pending(connection, first, last) for first, last in chunks]
    assert [seq for chunk in held for seq in chunk] == sorted(waiting)
    assert all(len(chunk) == size for chunk in held[:-1])


@pytest.fixture(scope="module")
def store_of_sixty(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Opens a store of sixty reports of which only those named wait; what is done to it is undone."""
    from contextlib import contextmanager
    from datetime import UTC

    from pipeline.store import open_store
    from pipeline.store.migrate import upgrade

    opened = open_store("sqlite:///test.db", base=tmp_path_factory.mktemp("sixty"))
    upgrade(opened)
    fill(opened, 60, lambda: datetime(2025, 2, 14, tzinfo=UTC))

    @contextmanager
    def of(waiting: set[int]) -> Any:
        with opened.engine.connect() as connection:
            connection.execute(pending.delete())
            if waiting:
                connection.execute(insert(pending), [{"report": seq} for seq in waiting])
            yield connection
            connection.rollback()

    yield of
    opened.dispose()
