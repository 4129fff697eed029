"""Deliveries on both databases: failing destinations are left alone, dead letters are kept until a person decides."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from pipeline.deliver import FIRST_RETRY, LONGEST_RETRY, Delivered, backoff, deliver
from pipeline.errors import NotFound
from pipeline.route.destinations import DeliveryFailed, Folder, Message
from pipeline.store import Store, audit, circuits, deliveries, outbox, work
from pipeline.store.circuits import LONGEST_REST, THRESHOLD, rest
from pipeline.store.schema import assessment, correction, corroboration, queue_event, queue_item
from pipeline.store.schema import outbox as table
from pipeline.store.work import Conflict
from tests.conftest import SHIPPED
from tests.store.test_work import NOTHING_FOUND, NOW, filled

Failure = Callable[[Sequence[str], Sequence[str]], DeliveryFailed]


class Peer:
    """A destination that de-duplicates; `answers` says for each try, in turn, how it fails."""

    def __init__(self, *answers: Failure | None, always: Failure | None = None) -> None:
        self.answers, self.always = list(answers), always
        self.tries: Counter[str] = Counter()
        self.effects: set[str] = set()

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        sent: list[str] = []
        for message in messages:
            self.tries[message.key] += 1
            failure = self.answers.pop(0) if self.answers else self.always
            if failure is not None:
                raise failure(sent, [message.key])
            self.effects.add(message.key)
            sent.append(message.key)
        return {}


class Picky(Peer):
    """Refuses one message for what it is."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        for number, message in enumerate(messages):
            self.tries[message.key] += 1
            if message.key == self.key:
                sent = [taken.key for taken in messages[:number]]
                raise DeliveryFailed("HTTP 422", sent=sent, tried=[message.key], refused=True)
            self.effects.add(message.key)
        return {}


def owed(store: Store, count: int, *, destination: str = "cases") -> None:
    filled(store, count)
    with store.write() as connection:
        connection.execute(insert(table), [
            {"item": n, "destination": destination, "idempotency_key": f"k{n}", "available_at": NOW}
            for n in range(1, count + 1)
        ])  # fmt: skip


def run(store: Store, peer: Peer, *, at: datetime = NOW) -> Delivered:
    return deliver(store, {"cases": peer}, **SHIPPED, now=lambda: at, rng=random.Random(1))


def test_what_goes_out_for_a_queue_tells_nothing_of_restricted_ones(store: Store) -> None:
    """A report that only may be about misconduct stays in the other queues, whose readers may not learn that."""
    filled(store, 3, queue="humanitarian-access")
    doubt = "peacekeeper_misconduct"
    found = {
        **NOTHING_FOUND, "abstained": [doubt, "urgency"], "claim_status": {doubt: "alleged"},
        "violations": [{"id": v, "probability": 0.4, "decided": False, "evidence": []} for v in (doubt, "torture_ill_treatment")],
    }  # fmt: skip
    same = {"model": "a later one", "policy": "1", "taxonomy": "1", "created_at": NOW, "sha256": "0"}
    with store.write() as connection:
        connection.execute(insert(assessment).values(report=1, body=found, **same))
        connection.execute(insert(corroboration), [{"report": 1, "other": n, "similarity": 0.9} for n in (2, 3)])
        connection.execute(update(queue_item).where(queue_item.c.report == 3).values(queue="conduct-and-discipline"))
        connection.execute(
            insert(queue_item).values(
                report=1, queue="conduct-and-discipline", assessment=1, urgency="high", rank=1, reason=doubt, due=NOW,
                created_at=NOW,
            )
        )  # fmt: skip
        said = {"violations": [doubt], "urgency": "high", "queue": "conduct-and-discipline"}
        connection.execute(insert(correction).values(report=1, reviewer="zoubida", at=NOW, body=said))
        connection.execute(insert(table), [
            {"item": item, "destination": "cases", "idempotency_key": f"k{item}", "available_at": NOW} for item in (1, 4)
        ])  # fmt: skip
    told: dict[str, Message] = {}

    class Listener:
        def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
            told.update({message.queue: message for message in messages})
            return {}

    deliver(store, {"cases": Listener()}, **SHIPPED, now=lambda: NOW, rng=random.Random(1))
    openly, restricted = told["humanitarian-access"].payload, told["conduct-and-discipline"].payload
    for trace in (doubt, "conduct-and-discipline", "r3", "zoubida"):
        assert trace not in json.dumps(openly)
    assert [v["id"] for v in openly["violations"]] == ["torture_ill_treatment"]
    assert (openly["abstained"], openly["corroborates"]) == (["urgency"], ["r2"])
    assert restricted["abstained"] == [doubt, "urgency"]
    assert restricted["corroborates"] == ["r2", "r3"]
    assert [item["queue"] for item in restricted["queues"]] == ["conduct-and-discipline"]


def down(sent: Sequence[str], tried: Sequence[str]) -> DeliveryFailed:
    return DeliveryFailed("webhook cases.example: ConnectionRefusedError", sent=sent, tried=tried)


def busy(sent: Sequence[str], tried: Sequence[str]) -> DeliveryFailed:
    return DeliveryFailed("webhook cases.example: HTTP 429", sent=sent, tried=tried, retry_after=1800)


def test_a_destination_that_is_down_is_left_alone_by_everybody(any_store: Store) -> None:
    owed(any_store, 12)
    peer = Peer(always=down)
    done = run(any_store, peer)
    assert sum(peer.tries.values()) == THRESHOLD == done.failed
    assert (done.owed, done.dead, done.resting) == (12, 0, ("cases",))
    assert run(any_store, Peer()).sent == 0  # another process learns of it from the store
    with any_store.read() as connection:
        tried = [row.attempts for row in deliveries.listed(connection, states=["owed"], limit=20)]
        assert audit.verify(connection).broken_at is None
    assert sum(tried) == THRESHOLD  # what was not tried has lost no try


def test_a_destination_that_asks_for_a_rest_without_end_gets_our_longest(any_store: Store) -> None:
    def never(sent: Sequence[str], tried: Sequence[str]) -> DeliveryFailed:
        return DeliveryFailed("webhook cases.example: HTTP 503", sent=sent, tried=tried, retry_after=float("9" * 400))

    owed(any_store, 2)
    assert run(any_store, Peer(always=never)).resting == ("cases",)
    assert run(any_store, Peer(), at=NOW + LONGEST_RETRY).sent == 2


def test_after_its_rest_one_delivery_is_tried_and_opens_the_way(any_store: Store) -> None:
    owed(any_store, 12)
    run(any_store, Peer(always=down))
    later, peer = NOW + rest(THRESHOLD), Peer(down)
    assert run(any_store, peer, at=later).failed == 1
    assert sum(peer.tries.values()) == 1
    assert run(any_store, peer, at=later + rest(THRESHOLD)).failed == 0  # it rests twice as long now
    done = run(any_store, peer, at=later + rest(THRESHOLD + 1))
    assert (done.sent, done.owed, done.resting) == (12, 0, ())


def test_a_file_in_the_folder_that_is_none_of_ours_fails_its_own_deliveries(store: Store, tmp_path: Path) -> None:
    owed(store, 2, destination="folder")
    path = tmp_path / "outbox" / "investigations" / "b.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("Ada Secret wrote this here\n")
    done = deliver(store, {"folder": Folder(tmp_path / "outbox")}, **SHIPPED, now=lambda: NOW, rng=random.Random(1))
    assert (done.sent, done.owed) == (0, 2)
    with store.read() as connection:
        words = {row.last_error for row in deliveries.listed(connection, states=["owed"], limit=2)}
    assert words == {"folder: investigations/b.jsonl holds a line that is no delivery: move the file away"}


def test_one_process_alone_tries_a_rested_destination(any_store: Store) -> None:
    owed(any_store, 12)
    run(any_store, Peer(always=down))
    later = NOW + LONGEST_REST
    with any_store.write() as connection:
        assert outbox.claim(connection, now=later).rows
    with any_store.write() as connection:
        assert not outbox.claim(connection, now=later, limit=1).rows
    with any_store.write() as connection:  # the first died: its lease ran out
        assert outbox.claim(connection, now=later + outbox.LEASE * 1.1).rows


def test_a_rested_destination_is_tried_however_much_others_are_owed(any_store: Store) -> None:
    owed(any_store, 6)
    run(any_store, Peer(always=down))
    with any_store.write() as connection:
        connection.execute(table.update().where(table.c.seq < 6).values(destination="folder", attempts=0))
        (row,) = outbox.claim(connection, now=NOW + LONGEST_REST, limit=1).rows
    assert row.destination == "cases"


def test_an_outage_of_a_day_loses_nothing_and_is_not_hammered(any_store: Store) -> None:
    owed(any_store, 12)
    peer = Peer(always=down)
    for minutes in range(0, 24 * 60, 10):
        run(any_store, peer, at=NOW + timedelta(minutes=minutes))
    assert sum(peer.tries.values()) < 40
    assert _states(any_store) == {"owed": 12}
    peer.always = None
    run(any_store, peer, at=NOW + timedelta(days=1))
    run(any_store, peer, at=NOW + timedelta(days=1) + LONGEST_RETRY)
    assert _states(any_store) == {"delivered": 12}
    assert peer.effects == {f"k{n}" for n in range(1, 13)}


def test_who_says_how_long_to_wait_is_left_alone_at_once(any_store: Store) -> None:
    owed(any_store, 3)
    assert run(any_store, Peer(always=busy)).failed == 1
    assert run(any_store, Peer(), at=NOW + timedelta(minutes=29)).sent == 0
    assert run(any_store, Peer(), at=NOW + timedelta(minutes=31)).sent == 3


def test_a_refused_message_does_not_hold_up_the_others_and_ends_as_a_dead_letter(any_store: Store) -> None:
    owed(any_store, 12)
    peer, at = Picky("k5"), NOW
    done = run(any_store, peer)
    assert (done.sent, done.failed, done.resting) == (11, 1, ())
    for _ in range(outbox.MAX_ATTEMPTS):
        at += LONGEST_RETRY
        done = run(any_store, peer, at=at)
    assert (peer.tries["k5"], done.dead) == (outbox.MAX_ATTEMPTS, 1)
    with any_store.read() as connection:
        (row,) = deliveries.listed(connection, states=["dead"], limit=9)
    assert (row.report_id, row.last_error) == ("r5", "HTTP 422")


def test_success_closes_the_circuit_and_failures_must_be_in_a_row(any_store: Store) -> None:
    owed(any_store, 4)
    assert run(any_store, Peer(down, down)).sent == 2
    with any_store.read() as connection:
        assert circuits.troubled(connection) == []


def test_a_destination_that_the_settings_do_not_name_is_said(any_store: Store) -> None:
    owed(any_store, 2, destination="gone")
    done = run(any_store, Peer())
    assert (done.failed, done.resting) == (2, ())
    with any_store.read() as connection:
        assert "no destination 'gone'" in deliveries.get(connection, 1).last_error


def test_dead_letters_are_replayed_and_dropped_with_a_reason(any_store: Store) -> None:
    owed(any_store, 3)
    with any_store.write() as connection:
        connection.execute(table.update().values(state="dead", attempts=8))
        deliveries.drop(connection, [2], person="ada", reason="told by telephone", now=NOW)
        assert deliveries.dead(connection, destination="cases") == [1, 3]
        assert deliveries.dead(connection, destination="other") == []
        deliveries.replay(connection, [1, 3], person="ada", reason="mended", now=NOW)
    peer = Peer()
    assert run(any_store, peer).sent == 2
    assert peer.effects == {"k1", "k3"}
    assert _states(any_store) == {"delivered": 2, "dropped": 1}
    with any_store.read() as connection:
        notes = {(e.item, e.action, e.note) for e in connection.execute(select(queue_event))}
        chain = [(e.subject, e.action) for n in (1, 2, 3) for e in audit.events(connection, subject=f"r{n}")]
        assert audit.verify(connection).broken_at is None
    assert notes == {
        (2, "delivery dropped", "cases: told by telephone"),
        (1, "delivery replayed", "cases: mended"),
        (3, "delivery replayed", "cases: mended"),
    }
    assert chain == [("r1", "delivery replayed"), ("r2", "delivery dropped"), ("r3", "delivery replayed")]


def test_a_replay_closes_the_circuit(any_store: Store) -> None:
    owed(any_store, 4)
    run(any_store, Peer(always=down))
    with any_store.write() as connection:
        connection.execute(table.update().where(table.c.seq == 1).values(state="dead"))
        deliveries.replay(connection, [1], person="ada", reason="mended", now=NOW)
    assert run(any_store, Peer()).sent >= 2


def test_what_cannot_be_replayed_or_dropped_is_left_as_it_is(any_store: Store) -> None:
    owed(any_store, 2)
    with any_store.write() as connection, pytest.raises(Conflict, match="delivery 1 is owed"):
        deliveries.replay(connection, [1], person="ada", reason="", now=NOW)
    with any_store.write() as connection:
        outbox.claim(connection, now=NOW, limit=1)
    with any_store.write() as connection, pytest.raises(Conflict, match="being sent: look again after 12:10"):
        deliveries.drop(connection, [1], person="ada", reason="", now=NOW)
    run(any_store, Peer())
    with any_store.write() as connection, pytest.raises(Conflict, match="delivery 2 is delivered already"):
        deliveries.drop(connection, [2], person="ada", reason="", now=NOW)
    with any_store.write() as connection, pytest.raises(NotFound, match="no delivery 9"):
        deliveries.replay(connection, [1, 9], person="ada", reason="", now=NOW)


@given(st.integers(1, 30), st.integers(0, 2**32))
def test_the_back_off_is_within_its_step(attempts: int, seed: int) -> None:
    step = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    assert timedelta(0) <= backoff(attempts, rng=random.Random(seed)) <= step


def test_the_jitter_is_full() -> None:
    """Spread evenly over the whole step, so that those who failed together do not come back together."""
    rng = random.Random(7)
    shares = sorted(backoff(4, rng=rng) / (FIRST_RETRY * 8) for _ in range(2000))
    assert max(abs(share - n / 2000) for n, share in enumerate(shares)) < 1.63 / 2000**0.5  # Kolmogorov, 1%
    assert abs(fmean(shares) - 0.5) < 0.02


@given(st.integers(0, 500))
def test_a_rest_doubles_up_to_its_longest(failures: int) -> None:
    assert rest(failures) <= rest(failures + 1) <= LONGEST_REST
    assert (rest(failures) > timedelta(0)) == (failures >= THRESHOLD)


class Together(Peer):
    """Takes messages in one piece, and remembers the pieces."""

    def __init__(self, *answers: Failure | None) -> None:
        super().__init__(*answers)
        self.pieces: list[set[str]] = []

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        keys = [message.key for message in messages]
        self.pieces.append(set(keys))
        failure = self.answers.pop(0) if self.answers else None
        if failure is not None:
            raise failure([], keys)
        return {}


def test_what_went_together_and_failed_goes_together_again(any_store: Store) -> None:
    owed(any_store, 5)
    peer = Together(down)
    with any_store.write() as connection:
        connection.execute(table.update().where(table.c.seq > 3).values(available_at=NOW + timedelta(hours=1)))
    run(any_store, peer)
    run(any_store, peer, at=NOW + timedelta(hours=2))
    assert peer.pieces[0] == {"k1", "k2", "k3"}
    assert sorted(peer.pieces[1:], key=len) == [{"k4", "k5"}, {"k1", "k2", "k3"}]


def test_what_a_dead_worker_held_goes_together_again(any_store: Store) -> None:
    owed(any_store, 5)
    with any_store.write() as connection:
        outbox.claim(connection, now=NOW, limit=3)
    peer = Together()
    run(any_store, peer, at=NOW + outbox.LEASE * 2)
    assert sorted(peer.pieces, key=len) == [{"k4", "k5"}, {"k1", "k2", "k3"}]


class Sleepy(Peer):
    """Takes the first and asks for the others to come later."""

    def __init__(self, later: datetime) -> None:
        super().__init__()
        self.later = later

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        super().send(messages[:1])
        return {message.key: self.later for message in messages[1:]}


def test_what_a_destination_leaves_for_later_is_asked_again_then_and_was_no_try(any_store: Store) -> None:
    owed(any_store, 3)
    later = NOW + timedelta(hours=7)
    assert run(any_store, Sleepy(later)).sent == 1
    with any_store.read() as connection:
        left = deliveries.listed(connection, states=["owed"], limit=9)
    assert [(row.available_at, row.attempts) for row in left] == [(later, 0), (later, 0)]
    assert run(any_store, Peer(), at=later).sent == 2


def test_nothing_is_sent_late_in_a_lease(any_store: Store) -> None:
    """Each message takes four minutes of the ten that a lease lasts."""
    owed(any_store, 5)
    clock = [NOW]
    left: list[timedelta] = []

    class Slow(Peer):
        def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
            with any_store.read() as connection:
                until = connection.scalars(
                    select(table.c.lease_until).where(table.c.idempotency_key == messages[0].key)
                )
                left.append(until.one() - clock[0])
            clock[0] += timedelta(minutes=4)
            raise DeliveryFailed("HTTP 422", tried=[messages[0].key], refused=True)

    deliver(any_store, {"cases": Slow()}, **SHIPPED, now=lambda: clock[0], rng=random.Random(1))
    assert len(left) >= 5
    assert min(left) >= outbox.LEASE / 2


def _states(store: Store) -> dict[str, int]:
    with store.read() as connection:
        return outbox.counts(connection)


def test_more_dead_letters_than_a_statement_takes_are_owed_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "AT_A_TIME", 3)
    owed(store, 8)
    with store.write() as connection:
        connection.execute(update(table).values(state="dead"))
        deliveries.replay(connection, deliveries.dead(connection), person="op", reason="mended", now=NOW)
        assert outbox.counts(connection) == {"owed": 8}


class Pausing(Peer):
    """Somebody pauses the queue while its first deliveries are sent."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        with self.store.write() as connection:
            work.pause(connection, messages[0].queue, person="ada", note="too much", now=NOW)
        return super().send(messages)


def test_a_queue_that_is_paused_while_it_is_delivered_stops_after_what_was_taken(any_store: Store) -> None:
    owed(any_store, 130)
    first, second = Pausing(any_store), Peer()
    done = run(any_store, first)
    assert (done.sent, done.owed) == (100, 30)
    with any_store.write() as connection:
        work.resume(connection, "investigations", person="ada", now=NOW)
    assert run(any_store, second).owed == 0
    assert (len(first.effects | second.effects), (first.tries + second.tries).total()) == (130, 130)
