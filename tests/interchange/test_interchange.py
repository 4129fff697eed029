"""What goes to other tools comes back the same: labels, and mentions by code point."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputRefused
from pipeline.interchange import argilla, followthemoney, geojson, label_studio, primero, spreadsheets
from pipeline.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
TEXTS = st.text(st.sampled_from("ab \r\n🚒👨🏻هاجمé́"), min_size=1, max_size=40)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A result with its text, and mentions anywhere in it."""
    text = draw(TEXTS)
    spans: dict[str, list[dict[str, Any]]] = {"places": [], "actors": [], "dates": []}
    for kind in draw(st.lists(st.sampled_from(sorted(spans)), max_size=4)):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        span: dict[str, Any] = {"start": start, "end": end, "text": text[start:end]}
        if kind == "actors":
            span |= {"type": "police", "role": "source", "canonical": None}
        spans[kind].append(span)
    types = draw(st.lists(st.sampled_from(TAXONOMY.violation_ids), unique=True, max_size=3))
    return {
        "id": "A1", "report": "r1", "sha256": "0", "report_date": "2025-02-14", "text": text, "model": "m@1", **spans,
        "violations": [{"id": v, "decided": v in types} for v in TAXONOMY.violation_ids],
        "urgency": {"id": draw(st.sampled_from(TAXONOMY.urgency_ids))},
    }  # fmt: skip


def said_the_same(review: Any, document: dict[str, Any]) -> None:
    assert review.report == "r1"
    assert set(review.violations) == {v["id"] for v in document["violations"] if v["decided"]}
    assert review.urgency == document["urgency"]["id"]
    words = sorted((s["kind"], s["start"], document["text"][s["start"] : s["end"]]) for s in review.spans)
    kinds = {"places": "place", "actors": "actor", "dates": "date"}
    assert words == sorted((k, s["start"], s["text"]) for plural, k in kinds.items() for s in document[plural])


@given(document=documents())
def test_label_studio_gives_back_what_it_was_given(document: dict[str, Any]) -> None:
    task = json.loads(json.dumps(label_studio.task(document)))
    task["annotations"] = [{"completed_by": {"email": "ada"}, "result": task["predictions"][0]["result"]}]
    (review,) = label_studio.reviews([task])
    assert review.by == "ada"
    said_the_same(review, document)


@given(document=documents())
def test_spans_that_an_old_label_studio_counted_in_utf16_are_mended(document: dict[str, Any]) -> None:
    text = document["text"]
    for plural in ("places", "actors", "dates"):
        for span in document[plural]:
            units = [len(text[: span[edge]].encode("utf-16-le")) // 2 for edge in ("start", "end")]
            start, end = label_studio.code_points(text, *units, span["text"])
            assert text[start:end] == span["text"]


def test_a_span_that_does_not_hold_its_quotation_is_refused_without_quoting_it() -> None:
    with pytest.raises(InputRefused) as refused:
        label_studio.code_points("Soldiers burnt houses.", 0, 8, "Teachers")
    assert "Teachers" not in str(refused.value)


@given(document=documents())
def test_argilla_gives_back_what_it_was_given(document: dict[str, Any]) -> None:
    record = json.loads(json.dumps(argilla.record(document)))
    record["responses"] = {
        name: [{"user_id": "u1", "value": s["value"], "status": "submitted"}]
        for name, s in record["suggestions"].items()
    }
    (review,) = argilla.reviews([record])
    said_the_same(review, document)


@pytest.mark.parametrize("wrong", [[{}], [{"annotations": [{}]}], [3]])
def test_other_files_are_refused(wrong: list[Any]) -> None:
    for read in (label_studio.reviews, argilla.reviews):
        if wrong == [{}] and read is label_studio.reviews:
            assert read(wrong) == []  # a task that nobody annotated
            continue
        with pytest.raises(InputRefused):
            read(wrong)


DOCUMENT: dict[str, Any] = {
    "id": "=1+1", "report": "r1", "sha256": "0", "report_date": "2025-02-14", "text": "Police beat two in Gao, or near it.",
    "model": "m@1", "urgency": {"id": "high"}, "violations": [{"id": "torture_ill_treatment", "decided": True}],
    "places": [
        {"start": 19, "end": 22, "text": "Gao", "name": "Gao", "geonames_id": 2457161, "iso2": "ML", "lat": 16.27, "lon": -0.04,
         "precision": "exact"},
        {"start": 31, "end": 33, "text": "it", "name": None, "geonames_id": None, "iso2": None, "lat": None, "lon": None,
         "precision": None},
    ],
    "actors": [{"start": 0, "end": 6, "text": "Police", "type": "police", "role": "perpetrator", "canonical": "Police of Mali"}],
    "dates": [{"start": 0, "end": 1, "text": "P", "iso": "2025-02-13"}],
}  # fmt: skip


def test_geojson_has_longitude_first_and_keeps_places_without_a_point() -> None:
    first, second = geojson.feature_collection([DOCUMENT])["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [-0.04, 16.27]}
    assert (first["properties"]["precision"], second["geometry"]) == ("exact", None)


# Properties by schema of followthemoney 4.11; the library needs ICU to be installed, so that it is not asked for here.
FOLLOW_THE_MONEY = {
    "Event": {"name", "summary", "keywords", "recordId", "addressEntity", "involved", "country", "date"},
    "Address": {"full", "country", "latitude", "longitude"},
    "PublicBody": {"name"},
    "Organization": {"name"},
}


def test_followthemoney_entities_have_known_properties_and_refer_to_each_other() -> None:
    found = {e["id"]: e for e in followthemoney.entities(DOCUMENT)}
    event = next(e for e in found.values() if e["schema"] == "Event")
    for entity in found.values():
        assert set(entity["properties"]) <= FOLLOW_THE_MONEY[entity["schema"]]
        assert all(isinstance(value, str) for values in entity["properties"].values() for value in values)
    assert {found[i]["schema"] for i in event["properties"]["addressEntity"]} == {"Address"}
    assert {found[i]["schema"] for i in event["properties"]["involved"]} == {"PublicBody"}


def test_tables_have_their_tags_and_no_formula() -> None:
    stream = io.StringIO()
    assert spreadsheets.write_hxl([DOCUMENT], stream) == 1
    names, tags, row = csv.reader(io.StringIO(stream.getvalue()))
    assert len(names) == len(tags) == len(row)
    assert all(tag.startswith("#") for tag in tags)
    assert row[0] == "'=1+1"
    stream = io.StringIO()
    assert spreadsheets.write_uwazi([DOCUMENT], stream) == 1
    (row_of,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert row_of["geolocation_geolocation"] == "16.27|-0.04"


def test_a_primero_incident_holds_what_is_in_force() -> None:
    reviewed = {**DOCUMENT, "reviewed": {"violations": ["unlawful_killing"], "urgency": "critical"}}
    data = primero.incident(reviewed)["data"]
    assert (data["violation_category"], data["urgency"], data["incident_date"]) == (
        ["unlawful_killing"], "critical", "2025-02-13",
    )  # fmt: skip
