"""Several processes at one store, on both databases: no claim twice, no report lost, no report triaged twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import text

from pipeline.access import Access
from pipeline.intake import Candidate, Row
from pipeline.review.api.callers import once
from pipeline.store import Store, audit, batches, people, reports
from pipeline.submit import take_in
from pipeline.triage import Rooms, triage_chunk
from tests.store.test_work import filled

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
WORKERS = 8
CLAIMER = """
import sys
from datetime import UTC, datetime
from pipeline.store import open_store, work
now = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
store = open_store(sys.argv[1])
with store.read():
    pass
print("ready", flush=True)
sys.stdin.readline()
while True:
    with store.write() as connection:
        item = work.claim_next(connection, ["investigations"], person=sys.argv[2], now=now)
    if item is None:
        break
    print(item)
"""


def test_eight_processes_never_claim_the_same_item(any_store: Store) -> None:
    filled(any_store, 160)
    url = any_store.engine.url.render_as_string(hide_password=False)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, url, f"p{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for n in range(WORKERS)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:  # all begin at once
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        claimed = [int(line) for worker in workers for line in worker.communicate()[0].split()]
        assert [worker.returncode for worker in workers] == [0] * WORKERS
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert sorted(claimed) == list(range(1, 161))


def _rows(who: int, count: int) -> list[Row]:
    texts = [f"Patrol {n} of team {who} passed the bridge and saw nothing unusual there." for n in range(count)]
    return [Row("f", n, {"text": t}, candidate=Candidate(t)) for n, t in enumerate(texts, start=1)]


def test_batches_submitted_at_once_are_all_taken_in(any_store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        receipts = list(
            pool.map(lambda who: take_in(any_store, _rows(who, 12), name=f"b{who}", now=lambda: NOW), range(4))
        )
    assert [receipt.received for receipt in receipts] == [12] * 4
    with any_store.read() as connection:
        assert reports.pending_count(connection) == sum(receipt.accepted for receipt in receipts)
        assert audit.verify(connection).broken_at is None


def test_a_batch_that_another_finishes_meanwhile_holds_each_row_once(any_store: Store) -> None:
    def while_another_takes_them_in() -> Iterator[Row]:
        take_in(any_store, iter(rows), name="same", now=lambda: NOW)
        yield from rows

    rows = _rows(1, 12)
    receipt = take_in(any_store, while_another_takes_them_in(), name="same", now=lambda: NOW)
    assert (receipt.received, receipt.duplicates) == (12, 0)
    with any_store.read() as connection:
        assert [event.action for event in audit.events(connection, subject=receipt.batch)] == ["submit"]


def test_the_same_files_submitted_at_once_are_taken_in_once(any_store: Store) -> None:
    """Whoever comes later goes on with the batch, or finds each of its rows to be a duplicate in another."""
    rows = _rows(1, 12)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: take_in(any_store, iter(rows), name="same", now=lambda: NOW), range(2)))
    with any_store.read() as connection:
        doubled = connection.execute(
            text("SELECT count(*) FROM (SELECT sha256 FROM report GROUP BY sha256 HAVING count(*) > 1) AS twice")
        ).scalar_one()
        assert audit.verify(connection).broken_at is None
        assert {batches.receipt(connection, ident).received for ident in batches.recent(connection)} == {12}
    assert doubled == 0


def test_wrong_passwords_tried_at_once_are_all_counted(any_store: Store) -> None:
    with any_store.write() as connection:
        token = people.add(connection, "ada", name="Ada", role="reviewer", granted=[], by="test", now=NOW)
        people.accept(connection, token, "four horses on a hill", now=NOW)

    def sign_in(password: str) -> object:
        with any_store.write() as connection:
            return people.sign_in(connection, "ada", password, now=NOW)

    with ThreadPoolExecutor(people.MOST_FAILURES) as pool:
        assert not any(pool.map(sign_in, ["a guess"] * people.MOST_FAILURES))
    assert sign_in("four horses on a hill") is None


def test_a_request_repeated_while_the_first_is_under_way_is_made_once(any_store: Store) -> None:
    who, begun = Access("ada", "reviewer", frozenset()), Event()

    def again() -> dict[str, object]:
        with any_store.write() as connection:
            return once(connection, who, "key", "claim", lambda: begun.set() or {"claimed": 2}, now=NOW)  # type: ignore[func-returns-value]

    with ThreadPoolExecutor(1) as pool:
        with any_store.write() as connection:
            answer = once(connection, who, "key", "claim", lambda: {"claimed": 1}, now=NOW)
            repeated = pool.submit(again)
            begun.wait(0.3)
        assert repeated.result() == answer == {"claimed": 1}
    assert not begun.is_set()


def test_workers_that_triage_the_same_reports_triage_them_once(any_store: Store, rooms: Rooms) -> None:
    take_in(any_store, iter(_rows(1, 10)), name="b", now=lambda: NOW)
    with any_store.read() as connection:
        waiting = reports.pending_count(connection)
        last = reports.pending_chunks(connection, size=100)[0][1]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: triage_chunk(any_store, 1, last, rooms, now=lambda: NOW), range(3)))
    assert sum(result.triaged for result in done) == waiting
    assert sum(result.failed for result in done) == 0
    with any_store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM assessment")).scalar_one() == waiting
        assert reports.pending_count(connection) == 0
