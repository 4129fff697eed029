"""What people do with queue items, on both databases: nothing is held twice, nothing overwritten, nothing forgotten."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import func, insert, select, text

from pipeline.errors import MonitorError, NotFound
from pipeline.store import Store, audit, open_store, work
from pipeline.store.migrate import upgrade
from pipeline.store.schema import assessment, batch, queue_event, queue_item, report
from tests.postgres import database

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
RANKS = ("critical", "high", "medium", "low")
NOTHING_FOUND: dict[str, object] = {
    "violations": [], "urgency": None, "places": [], "actors": [], "dates": [], "counts": [], "claim_status": {},
    "flags": [], "abstained": [],
}  # fmt: skip


def filled(store: Store, count: int, *, queue: str = "investigations", urgency: str = "high") -> None:
    """A batch of reports, each with an item in the queue; due one minute after the other."""
    with store.write() as connection:
        connection.execute(insert(batch).values(id="b", fingerprint="f", submitted_at=NOW))
        for n in range(1, count + 1):
            connection.execute(
                insert(report).values(
                    seq=n, id=f"r{n}", batch="b", line=n, sha256="0", text="…", metadata={}, flags=[], received_at=NOW,
                    normalised_sha256=str(n),
                )
            )  # fmt: skip
            connection.execute(
                insert(assessment).values(
                    seq=n, report=n, model="m", policy="1", taxonomy="1", body=NOTHING_FOUND, sha256="0", created_at=NOW,
                )
            )  # fmt: skip
            connection.execute(
                insert(queue_item).values(
                    seq=n, report=n, queue=queue, assessment=n, urgency=urgency, rank=RANKS.index(urgency), reason="",
                    due=NOW + timedelta(minutes=n), created_at=NOW,
                )
            )  # fmt: skip


def state(store: Store, item: int = 1) -> tuple[str, str | None, int]:
    with store.read() as connection:
        row = connection.execute(select(queue_item).where(queue_item.c.seq == item)).one()
    return row.state, row.assignee, row.version


def test_a_claimed_item_is_held_against_others(any_store: Store) -> None:
    filled(any_store, 1)
    with any_store.write() as connection:
        work.claim(connection, 1, person="ada", version=1, now=NOW)
    with pytest.raises(work.Conflict, match="ada holds the item until 12:30"), any_store.write() as connection:
        work.claim(connection, 1, person="bo", version=2, now=NOW)
    with any_store.write() as connection:  # the lease ran out
        work.claim(connection, 1, person="bo", version=2, now=NOW + timedelta(hours=1))
    assert state(any_store) == ("claimed", "bo", 3)


def test_a_stale_version_overwrites_nothing_and_names_who_was_faster(any_store: Store) -> None:
    filled(any_store, 1)
    with any_store.write() as connection:
        work.claim(connection, 1, person="ada", version=1, now=NOW)
    with (
        pytest.raises(work.Conflict, match=r"ada changed the item meanwhile \(claimed\)"),
        any_store.write() as connection,
    ):
        work.close(connection, 1, person="bo", outcome="confirmed", version=1, now=NOW)
    assert state(any_store)[0] == "claimed"


def test_a_critical_item_is_closed_as_no_violation_by_two_people(any_store: Store) -> None:
    filled(any_store, 1, urgency="critical")
    with any_store.write() as connection:
        assert not work.close(connection, 1, person="ada", outcome="no_violation", version=1, now=NOW)
    assert state(any_store)[0] == "decided"
    with pytest.raises(MonitorError, match="second person"), any_store.write() as connection:
        work.close(connection, 1, person="ada", outcome="no_violation", version=2, now=NOW)
    with any_store.write() as connection:
        assert work.close(connection, 1, person="bo", outcome="no_violation", version=2, now=NOW)
    assert state(any_store)[0] == "closed"


def test_closing_reopening_and_escalating_leave_a_trace(any_store: Store) -> None:
    filled(any_store, 1)
    with any_store.write() as connection:
        work.close(connection, 1, person="ada", outcome="confirmed", version=1, now=NOW, note="two sources")
        work.reopen(connection, 1, person="bo", note="a third source", version=2, now=NOW)
        work.escalate(
            connection, 1, person="bo", note="still held", version=3, urgency="critical", rank=0, due=NOW, now=NOW
        )
        work.reassign(connection, 1, person="bo", to="cy", version=4, now=NOW)
    with any_store.read() as connection:
        actions = [e.action for e in connection.execute(select(queue_event).order_by(queue_event.c.seq))]
        chain = [e.action for e in audit.events(connection, subject="r1")]
        assert audit.verify(connection).broken_at is None
    assert actions == ["closed", "reopened", "escalated", "reassigned"]
    assert chain == ["item closed", "item reopened", "item escalated", "item reassigned"]
    assert state(any_store) == ("claimed", "cy", 5)


def test_what_is_reopened_is_held_by_nobody(any_store: Store) -> None:
    filled(any_store, 1, urgency="critical")
    with any_store.write() as connection:
        work.close(connection, 1, person="ada", outcome="no_violation", version=1, now=NOW)
        work.claim(connection, 1, person="bo", version=2, now=NOW)  # to confirm it
        work.reopen(connection, 1, person="ada", note="a witness called", version=3, now=NOW)
    assert state(any_store) == ("open", None, 4)
    with any_store.write() as connection:
        assert work.claim_next(connection, ["investigations"], person="cy", now=NOW) == 1
    assert state(any_store) == ("claimed", "cy", 5)


def test_a_paused_queue_hands_nothing_out(any_store: Store) -> None:
    filled(any_store, 2)
    with any_store.write() as connection:
        work.pause(connection, "investigations", person="ada", note="training day", now=NOW)
        assert work.claim_next(connection, ["investigations"], person="bo", now=NOW) is None
        work.resume(connection, "investigations", person="ada", now=NOW)
        assert work.claim_next(connection, ["investigations"], person="bo", now=NOW) == 1


def test_an_item_that_is_not_there_is_not_found(any_store: Store) -> None:
    filled(any_store, 1)
    with any_store.read() as connection, pytest.raises(NotFound):
        work.get(connection, "r1", "archive")


def test_many_at_once_never_hold_the_same_item(any_store: Store) -> None:
    filled(any_store, 40)

    def clear(person: str) -> list[int]:
        taken = []
        while True:
            with any_store.write() as connection:
                item = work.claim_next(connection, ["investigations"], person=person, now=NOW)
            if item is None:
                return taken
            taken.append(item)

    with ThreadPoolExecutor(8) as pool:
        shares = list(pool.map(clear, [f"p{n}" for n in range(8)]))
    assert sorted(item for share in shares for item in share) == list(range(1, 41))


def test_an_item_that_somebody_is_changing_is_left_to_the_next_night(postgres: str, migrated_database: str) -> None:
    with database(postgres, template=migrated_database) as url:
        store = open_store(url)
        filled(store, 2)
        with store.write() as connection:
            for item in (1, 2):
                work.claim(connection, item, person="ada", version=1, now=NOW)
        later = NOW + work.LEASE
        with store.write() as reviewer, store.write() as night:
            work.claim(reviewer, 1, person="ada", version=2, now=later)
            night.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert work.expire(night, now=later) == 1
        store.dispose()


class QueueModel(RuleBasedStateMachine):
    """People act at random on three items; a plain model says what each act must lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.store = open_store("sqlite://")
        upgrade(self.store)
        filled(self.store, 3, urgency="critical")
        self.now = NOW
        self.held: dict[int, tuple[str, datetime]] = {}
        self.closed: set[int] = set()
        self.first: dict[int, str] = {}
        self.acts = 0

    items, people = st.integers(1, 3), st.sampled_from(["ada", "bo", "cy"])

    def version(self, item: int) -> int:
        return state(self.store, item)[2]

    def blocked(self, item: int, person: str) -> bool:
        holder = self.held.get(item)
        return item in self.closed or (holder is not None and holder[0] != person and holder[1] > self.now)

    def act(self, refused: bool, action: Callable[..., object]) -> None:
        try:
            with self.store.write() as connection:
                action(connection)
        except (work.Conflict, MonitorError):
            assert refused
        else:
            assert not refused
            self.acts += 1

    @rule(item=items, person=people)
    def claim(self, item: int, person: str) -> None:
        refused, version = self.blocked(item, person), self.version(item)
        self.act(refused, lambda c: work.claim(c, item, person=person, version=version, now=self.now))
        if not refused:
            self.held[item] = (person, self.now + work.LEASE)

    @rule(item=items, person=people)
    def release(self, item: int, person: str) -> None:
        refused, version = self.blocked(item, person), self.version(item)
        self.act(refused, lambda c: work.release(c, item, person=person, version=version, now=self.now))
        if not refused:
            self.held.pop(item, None)

    @rule(item=items, person=people, outcome=st.sampled_from(work.OUTCOMES))
    def close(self, item: int, person: str, outcome: work.Outcome) -> None:
        alone = outcome == "no_violation" and self.first.get(item) == person
        refused, version = self.blocked(item, person) or alone, self.version(item)
        self.act(refused, lambda c: work.close(c, item, person=person, outcome=outcome, version=version, now=self.now))
        if not refused:
            self.held.pop(item, None)
            if outcome == "no_violation" and item not in self.first:
                self.first[item] = person
            else:
                self.closed.add(item)
                self.first.pop(item, None)

    @precondition(lambda self: self.closed)
    @rule(person=people)
    def reopen(self, person: str) -> None:
        item = min(self.closed)
        version = self.version(item)
        self.act(
            False, lambda c: work.reopen(c, item, person=person, note="more is known", version=version, now=self.now)
        )
        self.closed.remove(item)

    @rule(minutes=st.integers(1, 40))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(item=items, person=people)
    def an_old_page(self, item: int, person: str) -> None:
        version = self.version(item) - 1
        self.act(True, lambda c: work.claim(c, item, person=person, version=version, now=self.now))

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        for item in (1, 2, 3):
            found, holder, _ = state(self.store, item)
            expected = "closed" if item in self.closed else "decided" if item in self.first else None
            assert found == (expected or ("claimed" if item in self.held else "open"))
            assert holder == (self.held[item][0] if item in self.held else None)

    @invariant()
    def the_chain_holds(self) -> None:
        with self.store.read() as connection:
            assert audit.verify(connection).broken_at is None
            assert connection.execute(select(func.count()).select_from(queue_item)).scalar_one() == 3

    def teardown(self) -> None:
        self.store.dispose()


TestQueue = QueueModel.TestCase
TestQueue.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def test_a_clock_that_jumps_back_a_day_between_claim_and_close_changes_nothing(any_store: Store) -> None:
    filled(any_store, 1)
    earlier = NOW - timedelta(days=1)
    with any_store.write() as connection:
        assert work.claim_next(connection, ["investigations"], person="ada", now=NOW) == 1
    with any_store.write() as connection:
        assert work.expire(connection, now=earlier) == 0
        assert work.claim_next(connection, ["investigations"], person="ben", now=earlier) is None
        version = state(any_store)[2]
        assert work.close(connection, 1, person="ada", outcome="confirmed", version=version, now=earlier)
    with any_store.read() as connection:
        assert audit.verify(connection).broken_at is None
    assert state(any_store)[0] == "closed"
