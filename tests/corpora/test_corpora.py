"""Our corpus, its markup and the frozen splits."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

import corpora
from corpora.markup import parse
from corpora.splits import freeze, held_out_groups
from pipeline.errors import ConfigurationError
from pipeline.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
HEAD = "### a-1 | date: 2025-02-14 | style: sms | country: ML | violations: unlawful_killing | urgency: high\n"


def marked(body: str, head: str = HEAD) -> corpora.Example:
    (example,) = parse(head + body, name="a.txt", taxonomy=TAXONOMY)
    return example


def test_offsets_index_the_text() -> None:
    for example in corpora.load("authored"):
        assert example.spans == tuple(sorted(example.spans, key=lambda s: s.start))
        assert all(0 <= s.start < s.end <= len(example.text) for s in example.spans)
        assert "[[" not in example.text


def test_places_and_actors_are_marked_wherever_they_stand() -> None:
    example = marked("In [[P:ML|Gao]] and near Gao, [[A:police:source|police]] said. The police left Gao.")
    assert [example.text[s.start : s.end] for s in example.spans] == ["Gao", "Gao", "police", "police", "Gao"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD.replace("unlawful_killing", "murder") + "They came at dawn, all of them.", "'murder' is none"),
        (HEAD.replace("high", "urgent") + "They came at dawn, all of them.", "'urgent' is none"),
        (HEAD.replace("2025-02-14", "yesterday") + "They came at dawn, all of them.", "Invalid isoformat"),
        (HEAD + "They came to [[P:Mali|Gao]] at dawn, all.", "no country code"),
        (HEAD + "[[A:army:perpetrator|They]] came at dawn, all of them.", "'army' is none"),
        (HEAD + "[[D:14 Feb|Friday]] they came, all of them.", "no ISO 8601"),
        (HEAD + "They came to [[P:ML|Gao at dawn, all of them.", "malformed"),
        (HEAD + "Short.", "too short"),
        (HEAD + "They came at dawn, all of them.\n\n" + HEAD + "They came at dusk, all of them.", "stands twice"),
    ],
)
def test_malformed_reports_are_refused_with_their_line(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        list(parse(text, name="a.txt", taxonomy=TAXONOMY))
    assert str(caught.value).startswith("a.txt:")


def test_contrast_pairs_stay_in_one_split() -> None:
    splits: dict[str, set[str]] = {}
    for example in corpora.load("authored"):
        splits.setdefault(example.group, set()).add(corpora.split(example))
    assert all(len(names) == 1 for names in splits.values())


def test_every_type_is_in_train_and_test() -> None:
    for name in ("train", "test"):
        counts = Counter(v for e in corpora.load("authored") if corpora.split(e) == name for v in e.positive)
        assert set(counts) == set(TAXONOMY.violation_ids), name


def test_annotations_hold_no_text() -> None:
    for path in files("corpora").joinpath("annotations").iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if path.name == "spans.jsonl":
                assert set(row) == {"sha256", "spans"}
                assert all(0 <= start < end and kind in "PAD" for start, end, kind, *_ in row["spans"])
                continue
            assert set(row) <= {"sha256", "violations", "urgency", "claim", "unsure", "source", "report_date"}
            assert set(row["violations"]) <= set(TAXONOMY.violation_ids)
            assert row["urgency"] in TAXONOMY.urgency_ids


def test_documents_are_never_split() -> None:
    groups = {f"h{i}": f"document-{i % 7}" for i in range(100)}
    frozen = freeze(groups, frozenset(groups))
    by_group: dict[str, set[str]] = {}
    for entry in frozen.values():
        by_group.setdefault(entry["group"], set()).add(entry["split"])
    assert all(len(names) == 1 for names in by_group.values())


def test_an_outside_corpus_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="registry/annotated"):
        corpora.load("annotated", root=tmp_path)
    with pytest.raises(ConfigurationError, match="say where your copy is"):
        corpora.load("annotated")


def test_the_dataset_has_a_row_per_example() -> None:
    examples = corpora.load("authored")[:20]
    dataset = corpora.to_dataset(examples)
    assert dataset.num_rows == 20
    assert dataset[0]["text"] == examples[0].text


def test_a_country_of_test_passages_is_test_in_the_outside_corpus_too() -> None:
    group = min(g for g in held_out_groups() if g.startswith("statedept-"))
    paragraph = corpora.Example(id="p", text="Another paragraph on it.", source="statedept_hr_2022", group=group)
    assert corpora.split(paragraph) == "test"


def test_incident_notes_are_for_training() -> None:
    note = corpora.Example(id="incident-0123456789", text="Two guards were hurt.", source="awsd", group="incident-0")
    assert corpora.split(note) == "train"
