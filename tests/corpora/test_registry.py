"""Cards of the corpora, what their labels mean to us, and the loaders that read them."""

from __future__ import annotations

import csv
import gzip
import json
from importlib.resources import files
from pathlib import Path

import pytest

import corpora
from corpora.registry import Card, card, cards, check_count, read_card, violations
from corpora.tables import readme
from pipeline.errors import ConfigurationError

CARD = """
title = "Notes"
publisher = "A desk"
licence = "CC BY"
tier = "A"
use = "Testing."
cautions = "Few."
minimum = 1
maximum = 3
complete = ["enforced_disappearance"]
[labels]
kidnapping = ["enforced_disappearance"]
"""


def test_every_corpus_has_a_card() -> None:
    assert set(corpora.names()) <= set(cards())


def test_the_table_of_the_documents_is_the_registry_s() -> None:
    text = files("corpora").joinpath("README.md").read_text(encoding="utf-8")
    assert readme(text) == text, "write it anew: python -m corpora readme"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[labels]", "colour = 1\n[labels]"), "unknown key 'colour'"),
        (('"CC BY"', '""'), "licence is missing"),
        (('tier = "A"', 'tier = "C"'), "tier 'C' is none"),
        (("minimum = 1", "minimum = 5"), "minimum 5 is over maximum 3"),
        (('kidnapping = ["enforced_disappearance"]', 'kidnapping = ["abduction"]'), "'abduction' is no violation"),
        (("[labels]", 'never = ["enforced_disappearance"]\n[labels]'), "stands under never"),
        (("[labels]", "[labels"), "registry/notes.toml"),
    ],
)
def test_a_malformed_card_is_refused_with_its_key(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words.replace("[", r"\[")):
        read_card("notes", CARD.replace(*change))


def test_silence_is_unknown_unless_the_card_says_that_it_is_complete() -> None:
    this = read_card("notes", CARD)
    assert violations(this, {"kidnapping"}) == {"enforced_disappearance": 1.0}
    assert violations(this, {"shooting"}) == {"enforced_disappearance": 0.0}
    assert "unlawful_killing" not in violations(this, {"shooting"})


@pytest.mark.parametrize(
    ("name", "code"), [("indiapoliceevents", "arrest"), ("awsd", "detention"), ("awsd", "custody")]
)
def test_an_arrest_is_not_an_arbitrary_detention(name: str, code: str) -> None:
    assert "arbitrary_detention" not in violations(card(name), {code})


def test_a_clash_is_not_an_unlawful_killing() -> None:
    assert "unlawful_killing" not in violations(card("satp"), {"armed_assault"})


def test_other_says_nothing() -> None:
    assert set(violations(card("hrdsattack"), {"other"}).values()) == {0.0}
    assert "sexual_violence" not in violations(card("hrdsattack"), {"other"})


def test_a_file_with_too_few_rows_is_not_the_one_of_the_card() -> None:
    this: Card = read_card("notes", CARD)
    check_count(this, 3)
    with pytest.raises(ConfigurationError, match="0 examples, and its card says 1 to 3"):
        check_count(this, 0)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of outside corpora in small, with texts of ours; counts are not compared."""
    monkeypatch.setattr("corpora.loaders.check_count", lambda this, count: None)
    folder = tmp_path / "conflibert_multilabel" / "satp_relevant"
    folder.mkdir(parents=True)
    for part in ("train", "dev", "test"):
        rows = [
            [f"Armed men took two traders from the {part} market.", "0", "0", "1", "0"],
            ["A bomb", "0", "1", "0", "0"],
        ]
        with gzip.open(folder / f"{part}.tsv.gz", "wt", encoding="utf-8", newline="") as stream:
            csv.writer(stream, delimiter="\t").writerows(rows)
    (tmp_path / "statedept_hr_2022").mkdir()
    with gzip.open(tmp_path / "statedept_hr_2022" / "paragraphs_derived.tsv.gz", "wt", encoding="utf-8") as stream:
        stream.write("country\tsection\tsubsection\th4\trun_in_head\ttext\n")
        stream.write(
            "arcadia\t1\tb. Disappearance\t\t\tMen in a white car took a student leader, and nobody has seen her.\n"
        )
        stream.write("arcadia\t1\tc. Disappearance\t\t\tThere were no reports of disappearances by the authorities.\n")
        stream.write('arcadia\t3\tElections and Political Participation\t\t\tThe commission called the vote "calm".\n')
    (tmp_path / "muc4").mkdir()
    row = {
        "docid": "A-1",
        "doctext": "gunmen shot the mayor.",
        "extracts": {"PerpInd": [[["gunmen", 0]]], "Victim": [[["the mayor", 12]]], "Weapon": []},
    }
    for part in ("train", "dev", "test"):
        with gzip.open(tmp_path / "muc4" / f"grit_{part}.json.gz", "wt", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
    return tmp_path


def test_rows_keep_their_codes_and_their_published_split(small: Path) -> None:
    found = corpora.load("satp", root=small)
    assert [corpora.split(e) for e in found] == ["train", "train", "validation", "validation", "test", "test"]
    assert found[0].violations == {"enforced_disappearance": 1.0}
    assert found[1].violations == {"enforced_disappearance": 0.0, "attack_on_civilians": 0.8}
    assert found[1].codes == {"bombing"}


def test_a_heading_is_a_weak_label_and_no_reports_speak_against_it(small: Path) -> None:
    taken, none, vote = corpora.load("statedept_hr_2022", root=small)
    assert taken.violations == {"enforced_disappearance": 0.8}
    assert none.violations == {"enforced_disappearance": 0.2}
    assert vote.violations == {}
    assert {e.group for e in (taken, none, vote)} == {"statedept-arcadia"}


def test_marked_perpetrators_and_victims_have_their_roles(small: Path) -> None:
    example = corpora.load("muc4", root=small)[0]
    assert [(example.text[s.start : s.end], s.role) for s in example.spans] == [
        ("gunmen", "perpetrator"),
        ("the mayor", "victim"),
    ]
    assert example.annotated_kinds == frozenset()
