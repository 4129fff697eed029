"""Report prose with marked mentions, or with weak labels from its headings."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

from corpora.registry import DOUBTFUL, card, violations
from corpora.schema import Example, Kind, Span, Split
from pipeline.taxonomy import load_taxonomy

RE3D_KINDS: dict[str, Kind] = {"Organisation": "A", "Location": "P", "Temporal": "D"}
LIST = re.compile(r", | (?:and|&) ")
PRONOUNS = frozenset(["i", "we", "us", "our", "he", "she", "it", "its", "they", "them", "their", "who", "you"])
VIOLENCE_OR_FLIGHT = ("security", "military", "missing_people", "refugees", "death")
NO_REPORT = re.compile(
    r"\bno (?:credible )?(?:reports?|reported)\b|\b(?:laws?|constitution|code|act)\b[^.]{0,60}\b(?:prohibit|provide|require|criminalize)",
    re.IGNORECASE,
)
"""Words of paragraphs that say what the law is, or that nothing was reported."""
NAME = re.compile(r"(?:[Tt]he )?[A-Z]\S*(?: (?:(?:of|al|el|and|de) )?[A-Z]\S*)*")


def humset(root: Path) -> Iterator[Example]:
    """Humanitarian documents with their place names marked, literal ones only.

    Undecided are lists (`Hilmand, Kandahar and Uruzgan provinces`), whose names our guide marks one by one.
    """
    with gzip.open(root / "humset_geolocation" / "toponym_annotations.json.gz", "rt", encoding="utf-8") as stream:
        documents = json.load(stream)
    for number, row in enumerate(documents):
        text = row["text"]
        marks = {(a["start"], a["end"]) for a in row["annotations"] if a["label"] == "LOC"}
        spans = tuple(Span(start, end, "P") for start, end in sorted(marks) if 0 <= start < end <= len(text))
        yield Example(
            id=f"humset-{row['lead_id']}-{number}", text=text, source="humset_geolocation",
            group=f"humset-{row['lead_id']}", spans=spans, annotated_kinds=frozenset({"P"}),
            undecided=tuple(span for span in spans if LIST.search(text, span.start, span.end)),
        )  # fmt: skip


def re3d(root: Path) -> Iterator[Example]:
    """Conflict prose with organisations, places in a broad sense, and times marked.

    Undecided are persons, of whom our guide takes some as actors; organisations that are a pronoun, or bear the name of a
    place somewhere in the corpus (`France and the UK agreed`): places by our guide; and places that are not a name alone.
    """
    folders = sorted(p for p in (root / "re3d").iterdir() if (p / "documents.json").exists())
    marked = [json.loads(line) for f in folders for line in (f / "entities.json").read_text("utf-8").splitlines()]
    places = {row["value"].casefold() for row in marked if row["type"] == "Location"}
    spans: dict[str, list[Span]] = {}
    undecided: dict[str, list[Span]] = {}
    for row in marked:
        if kind := RE3D_KINDS.get(row["type"]):
            spans.setdefault(row["documentId"], []).append(Span(row["begin"], row["end"], kind))
        words = row["value"].casefold()
        if row["type"] == "Person" or (row["type"] == "Organisation" and (words in PRONOUNS or words in places)):
            undecided.setdefault(row["documentId"], []).append(Span(row["begin"], row["end"], "A"))
        if words in places and (row["type"] != "Location" or not NAME.fullmatch(row["value"])):
            undecided.setdefault(row["documentId"], []).append(Span(row["begin"], row["end"], "P"))
    for line in (line for f in folders for line in (f / "documents.json").read_text("utf-8").splitlines()):
        row = json.loads(line)
        yield Example(
            id=f"re3d-{row['_id']}", text=row["text"], source="re3d", group=f"re3d-{row['_id']}",
            spans=tuple(sorted(spans.get(row["_id"], ()), key=lambda s: s.start)),
            annotated_kinds=frozenset(RE3D_KINDS.values()), undecided=tuple(undecided.get(row["_id"], ())),
        )  # fmt: skip


def statedept(root: Path) -> Iterator[Example]:
    """Paragraphs of country reports. A heading makes its violation likely; words of law or of 'no reports', unlikely."""
    this = card("statedept_hr_2022")
    path = root / "statedept_hr_2022" / "paragraphs_derived.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, row in enumerate(rows):
            # Numbers before the titles shift from country to country: the title alone is the key.
            title = re.sub(r"^[a-zA-Z]\. ", "", row["subsection"] or "").casefold().rstrip(".")
            codes = {_heading(heading) for heading in (title, (row["run_in_head"] or "").casefold()) if heading}
            values = violations(this, codes)
            if NO_REPORT.search(row["text"]):
                values = dict.fromkeys(values, DOUBTFUL[False])
            yield Example(
                id=f"statedept-{number:05}", text=row["text"], source="statedept_hr_2022",
                group=f"statedept-{row['country']}", violations=values, codes=frozenset(codes),
            )  # fmt: skip


def _heading(title: str) -> str:
    """The heading as the card writes it: titles vary after their first words."""
    for start in card("statedept_hr_2022").doubtful:
        if title.startswith(start):
            return start
    return title


def disaster_response(root: Path) -> Iterator[Example]:
    """Messages after disasters. Direct ones that touch neither violence nor flight report no violation."""
    this = card("disaster_response")
    parts: tuple[tuple[str, Split], ...] = (("validation", "train"), ("test", "test"))
    for part, published in parts:
        path = root / "disaster_response_messages" / f"disaster_response_{part}.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            for number, row in enumerate(csv.DictReader(stream)):
                codes = {name for name, value in row.items() if value == "1"} - {"id"}
                if row["genre"] == "direct" and not codes.intersection(VIOLENCE_OR_FLIGHT):
                    codes.add("no_violence")
                silent = dict.fromkeys(load_taxonomy().violation_ids, 0.0) if "no_violence" in codes else {}
                yield Example(
                    id=f"disaster-{part}-{number:04}", text=row["message"], source="disaster_response",
                    group=f"disaster-{part}-{number:04}", violations=silent | violations(this, codes),
                    published=published, codes=frozenset(codes),
                )  # fmt: skip
