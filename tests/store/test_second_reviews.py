"""Pairs of reviews on both databases: handed out once, never to somebody who said something, complete once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from pipeline.custody.keyring import Keyring
from pipeline.store import Store, corrections, second_reviews
from pipeline.store.schema import erasure
from pipeline.store.sealed import use_keys
from pipeline.store.work import Conflict
from tests.custody.test_encryption import bring_under, key_file, now
from tests.custody.test_erasure import Clock
from tests.store.test_work import NOW, filled

__all__ = ["key_file", "now"]
QUEUE = "investigations"


def said(store: Store, seq: int, by: str, *, blind: bool = False, urgency: str = "high") -> int:
    with store.write() as connection:
        return corrections.add(
            connection, seq, reviewer=by, violations=["unlawful_killing"], urgency=urgency, note=None, assessment=None,
            now=NOW, queue=QUEUE, blind=blind,
        )  # fmt: skip


def test_a_second_review_is_handed_out_once_and_to_nobody_who_said_something(any_store: Store) -> None:
    filled(any_store, 4)
    for seq, by in ((1, "ada"), (2, "ada"), (3, "bo"), (4, "ada")):
        first = said(any_store, seq, by)
        with any_store.write() as connection:
            second_reviews.begin(connection, seq, queue=QUEUE, first=first, closed=seq != 4)
    with any_store.write() as connection:
        connection.execute(insert(erasure).values(subject="r1", at=NOW, person="su", ground="request"))
    with any_store.read() as connection:
        waiting = [second_reviews.count_due(connection, [QUEUE], person=p, now=NOW) for p in ("ada", "bo", "cy")]
        assert waiting == [{QUEUE: 1}, {QUEUE: 1}, {QUEUE: 2}]
        assert second_reviews.count_due(connection, ["archive"], person="cy", now=NOW) == {}
    with any_store.write() as connection:
        assert second_reviews.take_next(connection, QUEUE, person="cy", now=NOW) == "r2"
        assert second_reviews.take_next(connection, QUEUE, person="cy", now=NOW) == "r2"  # held already
        assert second_reviews.take_next(connection, QUEUE, person="bo", now=NOW) is None
        assert not second_reviews.is_due_to(connection, 2, QUEUE, person="bo", now=NOW)
        later = NOW + timedelta(minutes=31)
        assert second_reviews.take_next(connection, QUEUE, person="bo", now=later) == "r2"


def test_a_pair_is_complete_once_and_settled_once(any_store: Store) -> None:
    filled(any_store, 1)
    first = said(any_store, 1, "ada")
    with any_store.write() as connection:
        second_reviews.begin(connection, 1, queue=QUEUE, first=first, closed=False)
        assert second_reviews.unfinished(connection, 1) == [QUEUE]
        begun = second_reviews.of_circle(connection, 1, {QUEUE})
        assert begun is not None
        second_reviews.go_on(connection, begun, queue=QUEUE, first=first, closed=True)
        due = second_reviews.of_circle(connection, 1, {QUEUE, "archive"})
        assert due is not None
        assert due.state == "due"
    second = said(any_store, 1, "bo", blind=True, urgency="low")
    with any_store.write() as connection:
        assert second_reviews.complete(connection, due, second=second, agreed=False) == "differs"
        with pytest.raises(Conflict):
            second_reviews.complete(connection, due, second=second, agreed=True)
        assert second_reviews.unfinished(connection, 1) == []
    with any_store.read() as connection:
        (pair,) = second_reviews.pairs(connection, [QUEUE])
        assert (pair.first.by, pair.second.by, pair.second.urgency, pair.state) == ("ada", "bo", "low", "differs")
        assert second_reviews.pairs(connection, ["archive"]) == []
        assert second_reviews.counts(connection)[QUEUE]["differs"] == 1
        assert corrections.in_force(connection, [1])[1]["by"] == "ada"


def test_pairs_are_compared_in_an_encrypted_store(any_store: Store, key_file: Path, now: Clock) -> None:
    filled(any_store, 1)
    use_keys(any_store.engine.dialect, Keyring(key_file))
    bring_under(any_store, key_file, now)
    first, second = said(any_store, 1, "ada"), said(any_store, 1, "bo", blind=True, urgency="low")
    with any_store.write() as connection:
        second_reviews.begin(connection, 1, queue=QUEUE, first=first, closed=True)
        due = second_reviews.of_circle(connection, 1, {QUEUE})
        assert due is not None
        second_reviews.complete(connection, due, second=second, agreed=False)
        (pair,) = second_reviews.pairs(connection, [QUEUE])
        assert (pair.first.violations, pair.second.urgency) == (("unlawful_killing",), "low")
        kept = connection.exec_driver_sql("SELECT body FROM correction").scalars().all()
    assert not [body for body in kept if "unlawful" in str(body)]
