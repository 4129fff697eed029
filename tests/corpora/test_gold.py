"""Gold files, shared words, texts to label next, and the command that prints them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpora
from corpora.__main__ import main
from corpora.gold import gold_row
from corpora.markup import parse
from corpora.overlap import shared
from corpora.unlabelled import texts
from pipeline.taxonomy import load_taxonomy

WORDS = st.lists(st.sampled_from(["they", "came", "at", "dawn", "and", "burnt", "market"]), max_size=25)


def test_gold_spans_are_the_words_of_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gold", "--split", "validation"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == sum(corpora.split(e) == "validation" for e in corpora.load("authored"))
    for row in rows:
        for span in (*row["places"], *row["actors"], *row["dates"]):
            assert row["text"][span["start"] : span["end"]] == span["text"]


def test_input_shows_no_label(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["input", "--split", "validation"]) == 0
    assert {key for line in capsys.readouterr().out.splitlines() for key in json.loads(line)} == {
        "id",
        "text",
        "report_date",
    }


def test_partly_labelled_texts_are_no_gold() -> None:
    with pytest.raises(ValueError, match="not every label"):
        gold_row(corpora.Example(id="a", text="Two were taken.", source="satp", group="a", urgency="low"))


def test_a_corpus_elsewhere_is_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITREP_CORPORA", raising=False)
    assert main(["gold", "--corpus", "annotated"]) == 1
    assert "say where your copy is" in capsys.readouterr().err


def test_the_tables_count_our_own_reports(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITREP_CORPORA", raising=False)
    assert main([]) == 0
    out = capsys.readouterr().out
    for violation in load_taxonomy().violation_ids:
        assert f"| {violation} |" in out


@given(WORDS, WORDS)
def test_texts_share_words_both_ways(one: list[str], other: list[str]) -> None:
    a, b = " ".join(one), " ".join(other).upper()
    assert bool(shared({"a": a}, [b])) == bool(shared({"b": b}, [a]))


@given(WORDS)
def test_a_text_shares_its_words_with_itself_once_it_is_long_enough(words: list[str]) -> None:
    text = ", ".join(words)
    assert bool(shared({"a": text}, [text])) == (len(words) >= 7)


def test_no_two_reports_of_ours_are_alike() -> None:
    reports = corpora.load("authored")
    found = [e.text for e in reports if e.group == e.id]  # pairs differ in one circumstance, on purpose
    assert len(set(found)) == len(found)


def test_roles_and_values_of_a_marked_report_reach_the_gold_file() -> None:
    head = "### a-1 | date: 2025-02-14 | style: sms | country: ML | violations: unlawful_killing | urgency: high\n"
    body = "[[D:2025-02-13|Yesterday]] [[A:non_state_armed_group:perpetrator|gunmen]] shot a man in [[P:ML|Gao]]."
    (example,) = parse(head + body, name="a.txt", taxonomy=load_taxonomy())
    row = gold_row(example)
    assert row["dates"] == [{"start": 0, "end": 9, "text": "Yesterday", "iso": "2025-02-13"}]
    assert row["actors"][0]["role"] == "perpetrator"
    assert row["places"][0]["iso2"] == "ML"


def test_texts_to_read_next_are_of_the_training_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def example(ident: str, text: str, published: corpora.splits.Split) -> corpora.Example:
        return corpora.Example(id=ident, text=text, source="notes", group=ident, published=published)

    held_out = "The convoy was stopped at the bridge and its drivers were taken away."
    corpora_ = {
        "annotated": [example("t", held_out, "test")],
        "notes": [
            example("a", "The clinic in the hills had been closed since the fighting began.", "train"),
            example("b", "The clinic by the sea had been closed since the fighting began.", "test"),
            example("c", "Drivers say the convoy was stopped at the bridge and its goods sold.", "train"),
            example("d", "Too short.", "train"),
            example("e", "The clinic in the hills had been closed since the fighting began.", "train"),
        ],
    }
    monkeypatch.setattr("corpora.unlabelled.load", lambda name, root: corpora_[name])
    assert [e.id for e in texts(tmp_path, sources=("notes",))] == ["a"]
