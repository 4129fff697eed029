"""The scores of places, actors and dates: the arithmetic, and the command on tiny corpora in the public formats."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import flows.entities
from corpora import Example, Span
from corpora.toponyms import Geotagged, Toponym, as_example, load_toponyms
from flows.cli import app
from models.entity_scores import Point, resolution, share, span_scores, without_article, without_number
from pipeline.errors import ConfigurationError
from pipeline.report import Actor, Entities


def test_spans_are_counted_once() -> None:
    scores = span_scores([([(0, 4), (10, 14)], [(0, 4), (9, 14), (11, 12)])])
    assert scores["exact F1"].value == pytest.approx(2 * 1 / 5)
    assert scores["overlap F1"].value == pytest.approx(2 * 2 / 5)
    assert scores["overlap precision"].value == pytest.approx(2 / 3, abs=1e-4)
    assert (scores["overlap recall"].value, scores["overlap recall"].n) == (1.0, 2)


def test_nothing_marked_is_no_figure() -> None:
    assert span_scores([([], [])])["exact F1"].n == 0
    assert share([]).n == 0


bounds = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)).map(lambda p: (p[0], p[0] + p[1])), max_size=6)


@given(st.lists(st.tuples(bounds, bounds), min_size=1, max_size=5))
def test_figures_are_shares_within_their_intervals(
    documents: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    scores = span_scores(documents)
    for figure in scores.values():
        assert 0 <= figure.low <= figure.high <= 1
        assert 0 <= figure.value <= 1
    assert scores["exact F1"].value <= scores["overlap F1"].value + 1e-9


@given(bounds)
def test_gold_against_itself_is_perfect(spans: list[tuple[int, int]]) -> None:
    figure = span_scores([(spans, spans)])["exact F1"]
    assert figure.value == (1.0 if spans else 0.0)


def test_a_name_that_is_not_resolved_counts_as_wrong() -> None:
    gold = Point(1, "ML", 14.0, -3.0)
    scores = resolution([[(gold, Point(1, "ML", 14.5, -3.0)), (gold, Point(2, "ML", 16.0, -3.0)), (gold, None)]])
    assert {name: (f.value, f.n) for name, f in scores.items()} == {
        "GeoNames id": (0.3333, 3), "country": (0.6667, 3), "within 161 km": (0.3333, 3),
    }  # fmt: skip


def test_a_leading_article_is_no_difference() -> None:
    assert without_article("the Army", 0, 8) == (4, 8)
    assert without_article("Theodore", 0, 8) == (0, 8)


@pytest.mark.parametrize(
    ("words", "left"),
    [("six women", "women"), ("at least 1,200 people", "people"), ("the two reporters", "reporters"), ("women", "women"),
     ("some sixty families", "families"), ("a woman", "woman"), ("twelve", "twelve")],
)  # fmt: skip
def test_a_leading_number_is_no_difference(words: str, left: str) -> None:
    start, end = without_number(words, 0, len(words))
    assert words[start:end] == left


def test_what_a_corpus_leaves_undecided_is_neither_right_nor_wrong() -> None:
    text = "We told Ann that France and the army agreed."
    marked = (Span(0, 2, "A"), Span(17, 23, "A"), Span(28, 36, "A"))
    example = Example("1", text, "re3d", "1", spans=marked, undecided=(*marked[:2], Span(8, 11, "A")))
    found = Entities(actors=tuple(Actor(s, e, text[s:e], "other", "other") for s, e in ((8, 11), (32, 36), (37, 43))))
    assert flows.entities._decided(example, found, "A") == ([(32, 36)], [(32, 36), (37, 43)])


@pytest.mark.parametrize(
    ("text", "names", "undecided"),
    [
        ("Police of Goma, Congo, came.", ["Goma", "Congo"], []),
        ("The Goma City Council met in Goma.", ["Goma"], ["The Goma City Council"]),
        ("Malian soldiers left Mali, then Kidal.", ["Malian", "Mali", "Kidal"], ["Malian"]),
        (
            "They took him from Wood County to the Central Regional Jail today.",
            ["Wood County"],
            ["Central Regional Jail"],
        ),
    ],
)
def test_places_of_geotagged_news_by_our_guide(text: str, names: list[str], undecided: list[str]) -> None:
    toponyms = tuple(
        Toponym(m.start(), m.end(), None) for m in re.finditer("|".join(map(r"\b{}\b".format, names)), text)
    )
    example = as_example(Geotagged("1", text, "1", toponyms), source="lgl")
    assert [text[s.start : s.end] for s in example.undecided] == undecided
    assert len(example.spans) == len(toponyms)


ARTICLES = """<articles><article docid="7"><text>Fighting reached Goma on Monday. Rutshuru was calm.</text><toponyms>
<toponym><start>17</start><end>21</end><phrase>Goma</phrase><gaztag geonameid="216281"><name>Goma</name><lat>-1.67</lat>
<lon>29.22</lon><country geonameid="203312">Congo</country></gaztag></toponym>
<toponym><start>30</start><end>38</end><phrase>Rutshuru</phrase></toponym>
<toponym><start>3</start><end>9</end><phrase>Nowhere</phrase></toponym></toponyms></article></articles>"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Corpora of a document each, invented, in the formats of the public ones."""
    (tmp_path / "geoparsing_corpora").mkdir()
    (tmp_path / "geoparsing_corpora" / "lgl.xml.gz").write_bytes(gzip.compress(ARTICLES.encode()))
    humset = tmp_path / "humset_geolocation"
    humset.mkdir()
    text = "Access to Goma is cut. Goma airport is closed."
    document = [{"lead_id": 5, "text": text, "annotations": [{"start": 10, "end": 14, "label": "LOC"}]}]
    (humset / "toponym_annotations.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))
    (humset / "geocoding_annotations.csv").write_text(
        "lead_id,toponym,geomatch,geonameid\n5,goma,goma,216281\n5,masisi,,\n5,congolese,congolese,-1\n",
        encoding="utf-8",
    )
    return tmp_path


def test_toponyms_are_read_with_their_offsets_mended(root: Path) -> None:
    (article,) = load_toponyms("lgl", root=root)
    assert article.toponyms == (
        Toponym(17, 21, 216281, 203312, -1.67, 29.22),
        Toponym(33, 41, None),
    )
    (document,) = load_toponyms("humset_geocoding", root=root)
    assert document.toponyms == (Toponym(10, 14, 216281),)
    with pytest.raises(ConfigurationError, match="TR-News"):
        load_toponyms("tr_news", root=root)


def test_the_command_scores_what_is_there(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "On 3 February 2025 armed men came to Goma."
    ours = Example(
        "ours-1", text, "authored", "ours-1", country="CD", annotated_kinds=frozenset({"P", "A", "D"}), synthetic=True,
        spans=(Span(3, 18, "D", iso="2025-02-03"), Span(19, 28, "A", type="non_state_armed_group", role="perpetrator"),
               Span(37, 41, "P", iso2="CD")),
    )  # fmt: skip
    monkeypatch.setattr(flows.entities, "_marked", lambda root: {"our synthetic reports": [ours]})
    monkeypatch.setattr(flows.entities, "split_of_group", lambda group: "test")
    arguments = ["evaluate", "--entities", "--corpora", str(root), "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    found = {(s["corpus"], s["what"], s["metric"]): s for s in json.loads(done.stdout)["scores"]}
    assert found["our synthetic reports", "places", "country of those found"]["value"] == 1.0
    assert found["our synthetic reports", "dates", "value of those found"]["value"] == 1.0
    assert found["lgl", "places given", "GeoNames id"]["value"] == 1.0
    assert found["lgl", "places given", "country"]["value"] == 1.0
    assert found["lgl", "places found", "within 161 km"]["published"].startswith("0.827")
    assert found["humset_geocoding", "places given", "GeoNames id"]["value"] == 1.0
    assert ("tr_news", "places given", "country") not in found
    page = (tmp_path / "out" / "entities.md").read_text(encoding="utf-8")
    assert "| lgl | places given | GeoNames id | 1.000 [1.000, 1.000] | 1 |" in page
    assert json.loads((tmp_path / "out" / "entities.json").read_text(encoding="utf-8"))["gazetteer"]
