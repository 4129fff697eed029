"""The routing policy: validated with line numbers, and every report in at least one queue."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.report import Assessment, Count, Entities, Report, UrgencyDecision, ViolationDecision
from pipeline.route import load_policy, route
from pipeline.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
POLICY = load_policy()
RECEIVED = datetime(2025, 2, 14, 6, 0, tzinfo=UTC)


def report(text: str = "Soldiers came.", country: str | None = None) -> Report:
    return Report("r1", "b1", text, "0" * 64, country=country, received_at=RECEIVED)


def assessment(
    *decided: str, urgency: str | None = "medium", abstained: tuple[str, ...] = (), flags: tuple[str, ...] = ()
) -> Assessment:
    violations = tuple(ViolationDecision(v, 0.9 if v in decided else 0.1, v in decided) for v in TAXONOMY.violation_ids)
    level = UrgencyDecision(urgency, dict.fromkeys(TAXONOMY.urgency_ids, 0.25)) if urgency else None
    return Assessment("r1", violations, level, Entities(), "m@1", "1", flags, abstained)


def queues(*decided: str, text: str = "Soldiers came.", **about: object) -> list[str]:
    found = route(report(text), assessment(*decided, **about), POLICY, taxonomy=TAXONOMY)  # type: ignore[arg-type]
    return [item.queue for item in found]


@given(
    st.sets(st.sampled_from(TAXONOMY.violation_ids)),
    st.sampled_from([*TAXONOMY.urgency_ids, None]),
    st.sets(st.sampled_from([*TAXONOMY.violation_ids, "urgency", "language"])),
)
def test_every_report_ends_in_a_queue(decided: set[str], urgency: str | None, abstained: set[str]) -> None:
    found = queues(*decided, urgency=urgency, abstained=tuple(abstained))
    assert found
    assert len(found) == len(set(found))


@given(st.sets(st.sampled_from(TAXONOMY.violation_ids)), st.sampled_from(TAXONOMY.urgency_ids))
def test_misconduct_is_in_restricted_queues_only(decided: set[str], urgency: str) -> None:
    found = queues(*decided, "peacekeeper_misconduct", urgency=urgency)
    assert "conduct-and-discipline" in found
    assert all(POLICY.queue(queue).restricted for queue in found)


def test_a_doubt_about_misconduct_takes_the_report_from_nobody() -> None:
    found = queues("ceasefire_violation", abstained=("peacekeeper_misconduct",))
    assert {"conduct-and-discipline", "ceasefire-monitoring", "manual-review"} == set(found)


def test_critical_danger_reaches_protection_response() -> None:
    assert "protection-response" in queues("enforced_disappearance", urgency="critical")


def test_a_training_is_archived() -> None:
    assert queues(urgency="low") == ["archive"]


def test_an_unknown_language_goes_to_people_within_two_days() -> None:
    (item,) = route(report(), assessment(urgency=None, abstained=("language",)), POLICY, taxonomy=TAXONOMY)
    assert item.queue == "manual-review"
    assert (item.due - RECEIVED).total_seconds() == 48 * 3600


@pytest.mark.parametrize(
    ("text", "counts", "hours"),
    [
        ("See attached, kind regards from the office.", (), 30 * 24),
        ("Checkpoint burnt, men taken away, nobody home since.", (), 48),
        ("VBIED at checkpoint, 5 KIA", (Count("killed", 5, 5, "people", 21, 22),), 48),
        ("Up to 30 killed", (Count("killed", 0, 30, "people", 6, 8),), 48),
        ("0 killed", (Count("killed", 0, 0, "people", 0, 1),), 30 * 24),
        ("4 arrested", (Count("detained", 4, 4, "people", 0, 1),), 30 * 24),
    ],
)
def test_a_doubtful_language_waits_two_days_where_more_than_a_note_is_there(
    text: str, counts: tuple[Count, ...], hours: int
) -> None:
    found = replace(assessment(urgency="low", abstained=("language",)), entities=Entities(counts=counts))
    (item,) = route(report(text), found, POLICY, taxonomy=TAXONOMY)
    assert (item.queue, (item.due - RECEIVED).total_seconds()) == ("manual-review", hours * 3600)
    assert item.urgency == ("low" if hours > 48 else "high")


def test_a_rule_lifts_a_level_and_never_lowers_it() -> None:
    text = "Soldiers came to the village and burnt it down today."
    found = route(report(text), assessment(urgency="critical", abstained=("language",)), POLICY, taxonomy=TAXONOMY)
    assert {item.urgency for item in found} == {"critical"}


def test_killed_children_reach_child_protection() -> None:
    assert "child-protection" in queues("unlawful_killing", text="Two boys aged 9 were shot.")
    assert "child-protection" not in queues("unlawful_killing", text="Two men aged 39 were shot.")


def test_items_are_due_after_receipt_not_after_triage() -> None:
    (item,) = route(report(), assessment("ceasefire_violation", urgency="critical"), POLICY, taxonomy=TAXONOMY)[-1:]
    assert item.due == datetime(2025, 2, 14, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('queue = "rule-of-law"', 'queue = "rule-of-lew"', "rule-of-law", "no queue 'rule-of-lew'"),
        ('urgency = ["critical"]', 'urgency = ["urgent"]', "urgent", "'urgent' is none of critical"),
        ('violations = ["ceasefire_violation"]', 'violation = ["x"]', "violation =", "Extra inputs"),
        ('fallback = "archive"', 'fallback = "attic"', "fallback", "no queue 'attic'"),
        ("restricted = true", 'restricted = "maybe"', "restricted", "boolean"),
        ("restricted = true", "restricted = false", "restricted", "exclusive"),
        ('urgency_at_least = "high"', 'urgency_at_least = "soon"', "soon", "'soon' is none of critical"),
        ('urgency = ["critical"]', 'countries = ["ml"]', "countries", "should match pattern"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: str, words: str) -> None:
    text = files("pipeline.route").joinpath("policy.toml").read_text(encoding="utf-8").replace(old, new, 1)
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_policy(path)
    number = int(str(caught.value).split(":")[1])
    assert new in text.splitlines()[number - 1]
