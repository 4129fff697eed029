"""The digest's figures: counted right, a rise only where it is one, nothing of restricted queues."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from pipeline.digest import as_html, as_markdown, gather
from pipeline.digest.drift import Period
from pipeline.digest.figures import MOST_LISTED, Digest, rises, tail
from pipeline.route import load_policy
from pipeline.store import Store
from pipeline.store.schema import duplicate, queue_item, report
from tests.conftest import NOW
from tests.digest.test_drift import fill
from tests.review.conftest import desk, filled_desk

__all__ = ["desk", "filled_desk"]
OPEN = [queue.id for queue in load_policy().queues if not queue.restricted]


def test_the_night_is_counted_and_a_restricted_report_is_not_in_it(desk: Store) -> None:
    with desk.read() as connection:
        plain = gather(connection, since=NOW - timedelta(days=1), until=NOW + timedelta(days=1), queues=OPEN)
        everything = gather(
            connection, since=NOW - timedelta(days=1), until=NOW + timedelta(days=1),
            queues=[queue.id for queue in load_policy().queues],
        )  # fmt: skip
    assert (plain.received, plain.accepted, plain.triaged) == (5, 5, 5)  # no difference tells of the sixth
    assert (everything.received, everything.accepted, everything.triaged) == (6, 6, 6)
    assert plain.by_violation["peacekeeper_misconduct"] == 0
    assert everything.by_violation["peacekeeper_misconduct"] == 1
    page = as_html(plain)
    assert "A6" not in page
    assert "farmers" not in page
    assert "5 received = 5 accepted" in as_markdown(plain)
    assert "counted nowhere here" in page


def test_a_repetition_of_a_restricted_report_and_a_type_that_tells_of_one_are_not_counted(store: Store) -> None:
    fill(store, Period(NOW - timedelta(days=1), NOW), [("peacekeeper_misconduct", "high", "ML", 50)] * 2)
    with store.write() as connection:
        first = connection.execute(
            update(queue_item).where(queue_item.c.report == 1).values(queue="conduct-and-discipline")
        )
        assert first.rowcount == 1
        of = connection.execute(select(report.c.batch).where(report.c.seq == 1)).scalar_one()
        repeats = [
            {"batch": of, "line": 90 + n, "report": n, "kind": "exact", "similarity": 1.0, "content": {}}
            for n in (1, 2)
        ]
        connection.execute(insert(duplicate), repeats)
    with store.read() as connection:
        found = gather(
            connection, since=NOW - timedelta(days=2), until=NOW + timedelta(days=1), queues=OPEN,
            hidden={"peacekeeper_misconduct"},
        )  # fmt: skip
    assert (found.accepted, found.duplicates, found.triaged) == (1, 1, 1)
    assert not found.by_violation


def test_an_ordinary_day_is_no_rise_and_a_surge_is() -> None:
    before = Counter({"unlawful_killing": 56, "torture_ill_treatment": 28})
    assert rises(Counter({"unlawful_killing": 4}), before, past_days=28, days=1) == []
    (surge,) = rises(Counter({"unlawful_killing": 3, "torture_ill_treatment": 9}), before, past_days=28, days=1)
    assert (surge.violation, surge.today, surge.expected) == ("torture_ill_treatment", 9, 1.0)


def test_what_was_never_seen_before_rises_only_in_numbers() -> None:
    assert rises(Counter({"child_recruitment": 1}), Counter(), past_days=28, days=1) == []
    assert rises(Counter({"child_recruitment": 4}), Counter(), past_days=28, days=1)
    assert rises(Counter({"child_recruitment": 40}), Counter(), past_days=0, days=1) == []  # of the first night


def test_a_new_desk_knows_no_usual_and_an_older_one_does(store: Store) -> None:
    def risen() -> list[str]:
        with store.read() as connection:
            found = gather(connection, since=NOW - timedelta(days=2), until=NOW, queues=OPEN)
        return [rise.violation for rise in found.rises]

    fill(store, Period(NOW - timedelta(days=2), NOW), [("unlawful_killing", "high", "ML", 50)] * 6)
    assert risen() == []
    fill(store, Period(NOW - timedelta(days=20), NOW), [("torture_ill_treatment", "high", "ML", 50)])
    assert risen() == ["unlawful_killing"]


def test_a_list_that_is_cut_says_of_how_many(store: Store) -> None:
    period = Period(NOW - timedelta(days=2), NOW)
    fill(store, period, [("unlawful_killing", "critical", "ML", 50)] * (MOST_LISTED + 3))
    with store.read() as connection:
        found = gather(connection, since=period.since, until=period.until, queues=OPEN)
    assert len(found.critical) == MOST_LISTED
    assert found.critical_items == MOST_LISTED + 3
    assert f"the {MOST_LISTED} due first of {MOST_LISTED + 3} items" in as_html(found)
    assert f"{MOST_LISTED + 3} critical items open" in as_markdown(found)


def test_types_countries_and_languages_have_their_names() -> None:
    found = Digest(NOW - timedelta(days=1), NOW, triaged=1)
    found.by_violation.update({"torture_ill_treatment": 1})
    found.by_country.update({"ML": 1, "unknown": 1})
    found.by_language.update({"fr": 1})
    page = as_html(found)
    assert all(f">{name}<" in page for name in ("Torture and ill-treatment", "Mali", "unknown", "French"))
    assert "1 report triaged" in page


def test_the_places_are_on_the_map_with_their_names() -> None:
    found = Digest(NOW - timedelta(days=1), NOW)
    found.by_place.update({("Bankass", 14.08, -3.52): 3, ("Bandiagara", 14.35, -3.61): 2, ("Kaduna", 10.5, 7.4): 1})
    page = as_html(found)
    assert all(f">{name}</text>" in page for name in ("Bankass", "Bandiagara", "Kaduna"))
    assert "Bandiagara: 2" in page
    assert 'class="land"' in page
    assert 'reports tell of them: Bankass: 3, Bandiagara: 2, Kaduna: 1"' in page
    assert "borders as they are held" in page
    found.by_place.update({(f"P{n}", 10.0 + n / 10, 7.0): 1 for n in range(12)})
    assert re.search(r'aria-label="[^"]*Kaduna: 1[^"]*; and 3 more"', as_html(found))
    assert "<svg" not in as_html(Digest(NOW - timedelta(days=1), NOW))


def test_a_point_without_a_name_is_on_the_map(store: Store) -> None:
    period = Period(NOW - timedelta(days=2), NOW)
    point = {"name": None, "lat": 14.0, "lon": -3.5, "iso2": "ML", "precision": "exact"}
    fill(store, period, [("unlawful_killing", "high", "ML", 50)], places=[point])
    with store.read() as connection:
        page = as_html(gather(connection, since=period.since, until=period.until, queues=OPEN))
    assert "a point: 1" in page
    assert "None</text>" not in page


@given(st.integers(1, 30), st.floats(1, 200), st.floats(0.01, 1))
def test_the_tail_is_that_of_the_mixture_of_poissons(count: int, shape: float, exposure: float) -> None:
    """Against the integral itself, by the midpoint rule over the gamma distribution of the rate."""
    top = shape + 12 * math.sqrt(shape) + 12
    steps = 4000
    below = 0.0
    for step in range(steps):
        rate = (step + 0.5) * top / steps
        density = math.exp((shape - 1) * math.log(rate) - rate - math.lgamma(shape)) * top / steps
        mean = rate * exposure
        below += density * sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count))
    assert tail(count, shape=shape, exposure=exposure) == pytest.approx(max(0.0, 1 - below), abs=0.02)


def test_an_empty_night_has_a_page_too(store: Store, tmp_path: Path) -> None:
    with store.read() as connection:
        found = gather(connection, since=NOW - timedelta(days=1), until=NOW, queues=OPEN)
    assert "None." in as_html(found)
