"""Drift: known values of the index, no alarm by chance, and nothing of restricted queues in it."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import init_workspace, open_workspace
from pipeline.digest import Period, as_html, as_markdown, gather, measure
from pipeline.digest.drift import FEWEST, MOST_BINS, Drift, chance, compare
from pipeline.route import load_policy
from pipeline.store import Store
from pipeline.store.schema import assessment, batch, queue_item, report
from tests.conftest import NOW

OPEN = [queue.id for queue in load_policy().queues if not queue.restricted]
WEEK = timedelta(days=7)
RECENT = Period(NOW - WEEK, NOW)
BEFORE = Period(NOW - 5 * WEEK, NOW - WEEK)
MANY = 1_000_000
counts = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 5000), min_size=1).map(Counter)


@pytest.mark.parametrize(
    ("before", "now", "psi"),
    [
        # (0.4 - 0.5) ln(0.4 / 0.5) + (0.6 - 0.5) ln(0.6 / 0.5)
        ({"a": 0.5, "b": 0.5}, {"a": 0.4, "b": 0.6}, 0.0405),
        # (0.9 - 0.5) ln 1.8 + (0.1 - 0.5) ln 0.2
        ({"a": 0.5, "b": 0.5}, {"a": 0.9, "b": 0.1}, 0.8789),
        # 0.1 ln 1.5 - 0.1 ln (2 / 3)
        ({"a": 0.2, "b": 0.3, "c": 0.5}, {"a": 0.3, "b": 0.2, "c": 0.5}, 0.0811),
        ({"a": 0.25, "b": 0.75}, {"a": 0.25, "b": 0.75}, 0.0),
    ],
)
def test_known_values(before: dict[str, float], now: dict[str, float], psi: float) -> None:
    histograms = [Counter({name: round(share * MANY) for name, share in shares.items()}) for shares in (before, now)]
    found = compare("urgency", histograms[0], histograms[1], reports=(MANY, MANY))
    assert found.psi == pytest.approx(psi, abs=1e-4)


@given(counts, counts)
def test_the_index_is_the_same_both_ways_never_negative_and_zero_for_the_same(a: Counter[str], b: Counter[str]) -> None:
    there, back = (compare("types", x, y, reports=(x.total(), y.total())).psi for x, y in ((a, b), (b, a)))
    assert there == pytest.approx(back, abs=1e-3)
    assert there >= 0
    assert compare("types", a, a, reports=(a.total(), a.total())).psi == 0


@given(counts, counts)
def test_few_reports_say_nothing(a: Counter[str], b: Counter[str]) -> None:
    assert compare("types", a, b, reports=(FEWEST - 1, 10_000)).verdict == "too few"


def test_two_samples_of_one_source_exceed_the_chance_about_once_in_a_hundred() -> None:
    rng, names = random.Random(7), "abcdefghij"
    weights = [1 / (n + 1) for n in range(10)]
    draws = [compare("types", *(Counter(rng.choices(names, weights, k=k)) for k in (900, 150)), reports=(900, 150)) for _ in range(2000)]  # fmt: skip
    exceeded = sum(found.psi > found.by_chance for found in draws) / len(draws)
    assert 0.003 < exceeded < 0.03
    assert chance(10, 900, 150) == pytest.approx(21.67 * (1 / 900 + 1 / 150), rel=0.01)  # chi-squared, 9 degrees, 0.99


def test_rare_bins_are_put_together() -> None:
    before = Counter({f"C{n}": 1000 - n for n in range(60)})
    found = compare("countries", before, Counter({"C1": 500, "C59": 500}), reports=(50_000, 1000))
    assert found.by_chance == pytest.approx(chance(MOST_BINS + 1, before.total(), 1000), abs=1e-4)


def fill(
    store: Store, period: Period, rows: list[tuple[str, str, str, int]], *, queue: str = "archive",
    places: Sequence[Mapping[str, object]] = (),
) -> None:  # fmt: skip
    """Triaged reports of a period: *(type, level, country, characters)*, each with these places."""
    with store.write() as connection:
        at = period.since + WEEK / 7
        name = f"{queue}-{period.since:%m%d}"
        connection.execute(insert(batch).values(id=name, fingerprint=name, submitted_at=at))
        first = (connection.execute(report.select().with_only_columns(report.c.seq).order_by(report.c.seq.desc()).limit(1)).scalar() or 0) + 1  # fmt: skip
        numbered = list(enumerate(rows, start=first))
        connection.execute(
            insert(report),
            [{"seq": n, "id": f"r{n}", "batch": name, "line": n, "sha256": str(n), "text": "x" * size, "language": "en",
              "country": country, "metadata": {}, "flags": [], "received_at": at, "normalised_sha256": str(n)}
             for n, (_, _, country, size) in numbered],
        )  # fmt: skip
        connection.execute(
            insert(assessment),
            [{"seq": n, "report": n, "model": "m", "policy": "p", "taxonomy": "1", "sha256": str(n), "created_at": at,
              "body": {"violations": [{"id": kind, "decided": True}], "urgency": {"id": level}, "places": list(places), "actors": [],
                       "abstained": ["urgency"] if level == "low" else []}}
             for n, (kind, level, _, _) in numbered],
        )  # fmt: skip
        connection.execute(
            insert(queue_item),
            [{"report": n, "queue": queue, "assessment": n, "urgency": level, "rank": 0, "reason": "r", "due": at,
              "created_at": at} for n, (_, level, _, _) in numbered],
        )  # fmt: skip


def found(store: Store) -> dict[str, Drift]:
    with store.read() as connection:
        drift = measure(connection, reference=BEFORE, recent=RECENT, queues=OPEN, hidden={"peacekeeper_misconduct"})
    return {one.feature: one for one in drift}


def ordinary(count: int) -> list[tuple[str, str, str, int]]:
    kinds, countries = ("torture_ill_treatment", "unlawful_killing"), ("ML", "SD", "CD")
    return [(kinds[n % 2], ("high", "medium")[n % 4 // 2], countries[n % 3], 100 + 40 * (n % 7)) for n in range(count)]


def test_what_changes_is_told_in_a_sentence_and_what_does_not_is_not(any_store: Store) -> None:
    fill(any_store, BEFORE, ordinary(420))
    fill(
        any_store,
        RECENT,
        [
            (kind, level, "SS" if n % 3 else country, size)
            for n, (kind, level, country, size) in enumerate(ordinary(84))
        ],
    )
    drift = found(any_store)
    assert {name: one.verdict for name, one in drift.items()} == {
        "types": "steady", "urgency": "steady", "countries": "changed", "length": "steady", "abstained": "steady"
    }  # fmt: skip
    assert (drift["countries"].before, drift["countries"].now) == (420, 84)
    assert "SS 0% before, 67% now" in drift["countries"].sentence
    assert "gazetteer" in drift["countries"].sentence
    with any_store.read() as connection:
        digest = gather(connection, since=NOW - WEEK, until=NOW, queues=OPEN)
    page, short = as_html(digest, drift=list(drift.values())), as_markdown(digest, drift=list(drift.values()))
    assert drift["countries"].sentence in page
    assert drift["countries"].sentence in short
    assert "Against the reference period" not in as_html(digest)


def test_longer_texts_and_more_left_undecided_are_told(store: Store) -> None:
    fill(store, BEFORE, ordinary(300))
    fill(store, RECENT, [(kind, "low", country, 9 * size) for kind, _, country, size in ordinary(80)])
    drift = found(store)
    assert (drift["length"].verdict, drift["abstained"].verdict, drift["countries"].verdict) == (
        "changed", "changed", "steady"
    )  # fmt: skip
    assert "urgency 0% before, 100% now" in drift["abstained"].sentence
    assert "label" in drift["abstained"].sentence


def test_erased_reports_count_with_what_was_decided_only(store: Store) -> None:
    fill(store, BEFORE, ordinary(300))
    fill(store, RECENT, ordinary(80))
    plain = found(store)
    fill(store, BEFORE, [(kind, level, "", 0) for kind, level, _, _ in ordinary(300)], queue="rule-of-law")
    drift = found(store)
    assert (drift["types"].before, drift["types"].verdict) == (600, "steady")
    assert [drift[name].psi for name in ("length", "countries")] == [
        plain[name].psi for name in ("length", "countries")
    ]


def test_a_restricted_queue_changes_no_figure(store: Store) -> None:
    fill(store, BEFORE, ordinary(300))
    fill(store, RECENT, ordinary(80))
    plain = found(store)
    fill(store, RECENT, [("peacekeeper_misconduct", "critical", "SS", 4000)] * 200, queue="conduct-and-discipline")
    assert found(store) == plain


def test_a_type_that_tells_of_a_restricted_queue_is_not_named(store: Store) -> None:
    fill(store, BEFORE, ordinary(300))
    fill(store, RECENT, [("peacekeeper_misconduct", "high", "ML", 200)] * 100)
    shown = found(store)["types"]
    assert shown.verdict == "changed"
    assert "misconduct" not in shown.sentence
    assert {shift.name for shift in shown.shifts} <= {"none", "torture_ill_treatment", "unlawful_killing"}


def test_the_command(tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    init_workspace(desk)
    empty = CliRunner().invoke(app, ["drift", "-w", str(desk)])
    assert empty.exit_code == 0
    assert "too few" in empty.output
    assert open_workspace(desk).settings.drift.days == 7
    told = json.loads(
        CliRunner().invoke(app, ["drift", "--json", "--reference-until", "2025-01-01", "-w", str(desk)]).output
    )
    assert told["reference"]["until"].startswith("2025-01-01")
    assert [one["feature"] for one in told["drift"]] == ["types", "urgency", "countries", "length", "abstained"]


def test_periods_that_overlap_are_refused(tmp_path: Path) -> None:
    init_workspace(tmp_path / "desk")
    refused = CliRunner().invoke(app, ["drift", "--reference-until", "2999-01-01", "-w", str(tmp_path / "desk")])
    assert "earlier date" in str(refused.exception)
