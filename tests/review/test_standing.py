"""What stands on a report once a person went through its mentions, and how a page tells it from what the model found."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.review.standing import standing
from pipeline.review.words import why
from pipeline.store import Store
from tests.review.conftest import REPORTS, Browser, Visit, item
from tests.review.test_beside import linked
from tests.review.test_items import mention_rows

__all__ = ["linked"]
TEXT = "Gao, then Mopti, then Gao: police shot Awa in Gao."
edges = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, len(TEXT))).filter(lambda edge: edge[0] < edge[1])


def found(places: list[tuple[int, int]], actors: list[tuple[int, int]]) -> dict[str, Any]:
    """A body with these places and actors."""
    known = {
        "name": "Somewhere",
        "geonames_id": 1,
        "iso2": "ML",
        "lat": 1.0,
        "lon": 2.0,
        "precision": "exact",
        "reason": None,
    }
    who = {"type": "police", "role": "perpetrator", "canonical": None}
    return {
        "places": [{"start": s, "end": e, **known} for s, e in places],
        "actors": [{"start": s, "end": e, **who} for s, e in actors],
        "dates": [],
    }


spans = st.one_of(
    st.builds(lambda e: {"start": e[0], "end": e[1], "kind": "place"}, edges),
    st.builds(lambda e, t: {"start": e[0], "end": e[1], "kind": "actor", "type": t}, edges, st.sampled_from(["police", "civilians"])),
)  # fmt: skip


@given(
    st.lists(edges, unique=True),
    st.lists(edges, unique=True),
    st.lists(spans, unique_by=lambda s: (s["start"], s["end"], s["kind"])),
)
def test_what_a_person_marked_stands_and_nothing_that_the_model_found_gets_lost(
    places: list[tuple[int, int]], actors: list[tuple[int, int]], said: list[dict[str, Any]]
) -> None:
    body = found(places, actors)
    stands = standing(body, {"by": "ada", "spans": said}, TEXT)
    assert [(m["start"], m["end"]) for m in stands.places] == [
        (s["start"], s["end"]) for s in said if s["kind"] == "place"
    ]
    assert [(m["start"], m["type"], m["role"]) for m in stands.actors] == [
        (s["start"], s["type"], None) for s in said if s["kind"] == "actor"
    ]
    by_model = {(m["start"], m["end"]) for m in (*stands.places, *stands.removed) if m["said_by"] is None}
    assert by_model == set(places)
    assert {m["said_by"] for m in stands.actors} <= {"ada"}  # the role of each was taken away


@given(st.lists(edges, unique=True), st.lists(edges, unique=True))
def test_mentions_that_nobody_changed_are_the_models(
    places: list[tuple[int, int]], actors: list[tuple[int, int]]
) -> None:
    body = found(places, actors)
    as_found = standing(body, None, TEXT)
    said = [
        *({"start": s, "end": e, "kind": "place"} for s, e in places),
        *({"start": s, "end": e, "kind": "actor", "type": "police", "role": "perpetrator"} for s, e in actors),
    ]
    assert standing(body, {"by": "ada", "spans": said}, TEXT) == as_found == standing(body, {"by": "ada"}, TEXT)
    assert not as_found.removed


def test_a_place_marked_again_lies_where_the_model_put_its_name_and_another_one_nowhere() -> None:
    said = [{"start": s, "end": s + 3, "kind": "place"} for s in (0, 22)] + [{"start": 10, "end": 15, "kind": "place"}]
    stands = standing(found([(0, 3)], []), {"by": "ada", "spans": said}, TEXT)
    assert [(p["text"], p["lat"], p["said_by"]) for p in stands.places] == [
        ("Gao", 1.0, None), ("Gao", 1.0, "ada"), ("Mopti", None, "ada")
    ]  # fmt: skip


def test_why_a_report_is_in_a_queue_is_said_by_the_names_of_types_and_queues() -> None:
    names = {"torture_ill_treatment": "Torture and ill-treatment", "rule-of-law": "Rule of law"}
    said = why("torture_ill_treatment 0.98, actor armed_group (perpetrator); referred from rule-of-law", names)
    assert said == "Torture and ill-treatment 98%, actor armed group (perpetrator); referred from Rule of law"


def save(browser: Browser, path: str, **said: object) -> None:
    """Say something of the item and keep it."""
    values = browser.form_values(path, f"{path}/decide") | {"action": ["save"]}
    assert browser.post(f"{path}/decide", data={**values, **said}).status_code == 200


def test_the_page_shows_places_types_and_urgency_as_corrected_and_who_did_it(visit: Visit, desk: Store) -> None:
    path, browser = item(desk, "A2"), visit("ada")
    assert re.search(r"Why here: [^_]*Arbitrary arrest and detention \d\d%", browser.get(path).text)
    rows = mention_rows(browser.get(path).text)
    place = REPORTS["A2"].index("Mopti")
    kinds = [
        "" if at == f"{place}-{place + 5}" else what for at, what in zip(rows["span_at"], rows["span_is"], strict=True)
    ]
    rows["span_is"] = kinds
    save(
        browser,
        path,
        **rows,
        mark_words="the protest",
        mark_is="place",
        violations=["forced_displacement"],
        urgency="low",
    )
    page = browser.get(path).text
    assert "<svg" not in page
    assert re.search(r"the protest</bdi> <span[^>]*>no point is known</span> <span[^>]*>marked by ada<", page)
    assert re.search(r"<del><bdi>Mopti</bdi>.*</del> <span[^>]*>taken away by ada<", page)
    assert re.search(r"Forced displacement <span[^>]*>added by ada<", page)
    assert re.search(r"Arbitrary arrest and detention <span[^>]*>taken away by ada<", page)
    assert re.search(r"ada says low, the model (high|medium)\.", page)
    assert "ada: Forced displacement; low" in page


def test_the_map_of_a_corrected_report_says_so_and_holds_what_stands(visit: Visit, desk: Store) -> None:
    path, browser = item(desk, "A2"), visit("ada")
    save(browser, path, **mention_rows(browser.get(path).text), spans_checked="true")
    assert 'aria-label="Map: Mopti in Mali"' in browser.get(path).text  # gone through, and nothing changed
    save(browser, path, **mention_rows(browser.get(path).text), mark_words="protest", mark_is="place")
    assert 'aria-label="Map as corrected by ada: Mopti in Mali"' in browser.get(path).text


def test_two_reports_are_compared_as_they_were_corrected(visit: Visit, desk: Store, linked: dict[str, str]) -> None:
    path, browser = item(desk, "A1"), visit("ada")
    rows = mention_rows(browser.get(path).text)
    save(browser, path, **rows, mark_words="beaten", mark_is="place", violations=["forced_displacement"], urgency="low")
    page = browser.get(item(desk, "A2")).text
    assert f'<bdi>A1</bdi></a> (<a href="{item(desk, "A2")}/beside/{linked["A1"]}"' in page
    page = browser.get(f"{path}/beside/{linked['A2']}").text
    for words in ("beaten", "Forced displacement", "low"):
        assert re.search(rf"<bdi>{words}</bdi> <span[^>]*>said by ada<", page), words
    assert not re.search(r"Bankass, ML</bdi> <span[^>]*>said by", page)
