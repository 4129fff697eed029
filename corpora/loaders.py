"""Loaders: each corpus of the registry as a list of `Example`.

The label mappings are in the cards under `registry/`; `loaders` holds how each corpus is read.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

from corpora.markup import parse
from corpora.passages import passages
from corpora.schema import Example, Span, text_hash
from corpora.splits import groups
from pipeline.errors import ConfigurationError
from pipeline.taxonomy import load_taxonomy

DOUBTFUL = {True: 0.8, False: 0.2}


def load(name: str, *, root: Path | None = None) -> list[Example]:
    """The corpus called `name`; `root` is the folder with the outside corpora.

    Raises ConfigurationError where there is no such corpus or its files are not under `root`.
    """
    if name not in _LOADERS:
        raise ConfigurationError(f"there is no corpus {name!r}; corpora: {', '.join(_LOADERS)}")
    if name == "authored":
        return list(_authored())
    if root is None:
        raise ConfigurationError(f"the corpus {name!r} is not part of Sitrep: say where your copy is (--corpora DIR)")
    try:
        return list(_LOADERS[name](root))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{error.filename}: missing; corpora/registry/{name}.toml says where it comes from"
        ) from error


def names() -> tuple[str, ...]:
    return tuple(_LOADERS)


def _authored(root: Path | None = None) -> Iterator[Example]:
    taxonomy = load_taxonomy()
    folder = files("corpora").joinpath("authored")
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.endswith(".txt"):
            yield from parse(path.read_text(encoding="utf-8"), name=path.name, taxonomy=taxonomy)


def our_labels(name: str) -> dict[str, dict[str, Any]]:
    """Our labels of outside texts, by the SHA-256 of the text."""
    source = files("corpora").joinpath("annotations", f"{name}.jsonl")
    return {row["sha256"]: row for row in map(json.loads, source.read_text(encoding="utf-8").splitlines())}


def _annotated(root: Path) -> Iterator[Example]:
    """Passages of reports and bulletins that were read and labelled by the guide."""
    labels = {**our_labels("to_annotate"), **our_labels("passages")}
    for file in ("passages.jsonl", "to_annotate.jsonl"):
        with (root / "annotated" / file).open(encoding="utf-8") as stream:
            for row in map(json.loads, stream):
                if (label := labels.get(text_hash(row["text"]))) is not None:
                    yield _labelled(row["id"], row["text"], row["source"], _day(row.get("report_date")), label)


def _incidents(root: Path) -> Iterator[Example]:
    """Incident notes and news that were read and labelled by the guide, found again by their hashes."""
    labels = our_labels("incidents")
    seen: set[str] = set()
    for source, text in passages(root):
        sha256 = text_hash(text)
        if (label := labels.get(sha256)) is not None and sha256 not in seen:
            seen.add(sha256)
            yield _labelled(f"incident-{sha256[:10]}", text, source, _day(label.get("report_date")), label)


def _labelled(ident: str, text: str, source: str, day: date | None, label: dict[str, Any]) -> Example:
    taxonomy = load_taxonomy()
    unsure = set(label.get("unsure", ()))
    values = {}
    for violation in taxonomy.violation_ids:
        reported = violation in label["violations"]
        values[violation] = DOUBTFUL[reported] if violation in unsure else float(reported)
    return Example(
        id=ident,
        text=text,
        source=source,
        group=groups().get(text_hash(text), ident),
        report_date=day,
        violations=values,
        urgency=label["urgency"],
        claims=label.get("claim", {}),
    )


def _awsd(root: Path) -> Iterator[Example]:
    """Incidents against aid workers. Only what the codes assert is taken; the rest stays unknown."""
    with gzip.open(root / "awsd" / "security_incidents.csv.gz", "rt", encoding="utf-8", errors="replace") as stream:
        for number, row in enumerate(csv.DictReader(stream)):
            text = (row.get("Details") or "").strip()
            if len(text.split()) < 12:
                continue
            means = (row.get("Means of attack") or "").strip()
            values = {"denial_of_humanitarian_access": 1.0}
            if _count(row, "Total killed") > 0:
                values["unlawful_killing"] = 1.0
            if means.startswith("Kidnap"):
                values["enforced_disappearance"] = 1.0
            if means in ("Aerial bombardment", "Shelling", "Body-borne IED", "Vehicle-born IED", "Roadside IED"):
                values["attack_on_civilians"] = 1.0
            if means == "Rape/sexual assault":
                values["sexual_violence"] = 1.0
            values |= dict.fromkeys(
                ("ceasefire_violation", "electoral_violence", "child_recruitment", "peacekeeper_misconduct"), 0.0
            )
            yield Example(
                id=f"awsd-{number:04}", text=text, source="awsd", group=f"awsd-{row.get('Year')}", violations=values
            )


def _hrdsattack(root: Path) -> Iterator[Example]:
    """News of attacks on defenders and journalists; 'other' and 'unknown' say nothing of our types."""
    mapping = {
        "killing": "unlawful_killing",
        "torture": "torture_ill_treatment",
        "kidnapping": "enforced_disappearance",
        "enforced disappearance": "enforced_disappearance",
        "arbitrary detention": "arbitrary_detention",
    }
    for part in ("train", "dev"):
        with gzip.open(root / "hrdsattack" / f"{part}.json.gz", "rt", encoding="utf-8") as stream:
            articles = json.load(stream)
        for number, article in enumerate(articles):
            sample = article.get("sample", article)
            text = _plain(sample["Input.title"] + ". " + sample["Input.article_interface"])
            found = {v.casefold() for v in _violation_types(article)}
            values = {target: float(any(mapping.get(f) == target for f in found)) for target in set(mapping.values())}
            yield Example(
                id=f"hrdsattack-{part}-{number:03}", text=text, source="hrdsattack", group=f"hrdsattack-{part}-{number}",
                violations=values,
            )  # fmt: skip


def _violation_types(article: dict[str, Any]) -> list[str]:
    annotations_ = article.get("annotations") or article.get("sample", {}).get("annotations") or []
    return list(annotations_[0]["annotation"]["violation_types"]) if annotations_ else []


def _humset(root: Path) -> Iterator[Example]:
    """Humanitarian documents with their place names marked, literal ones only."""
    with gzip.open(root / "humset_geolocation" / "toponym_annotations.json.gz", "rt", encoding="utf-8") as stream:
        documents = json.load(stream)
    for number, row in enumerate(documents):
        text = row["text"]
        marks = {(a["start"], a["end"]) for a in row["annotations"] if a["label"] == "LOC"}
        spans = tuple(Span(start, end, "P") for start, end in sorted(marks) if 0 <= start < end <= len(text))
        yield Example(
            id=f"humset-{row['lead_id']}-{number}", text=text, source="humset_geolocation",
            group=f"humset-{row['lead_id']}", spans=spans, annotated_kinds=frozenset({"P"}),
        )  # fmt: skip


def _re3d(root: Path) -> Iterator[Example]:
    """Conflict prose with organisations, military units and times marked."""
    kinds = {"Organisation": "A", "MilitaryPlatform": None, "Location": "P", "Temporal": "D"}
    for folder in sorted(p for p in (root / "re3d").iterdir() if (p / "documents.json").exists()):
        entities: dict[str, list[Span]] = {}
        for line in (folder / "entities.json").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if kind := kinds.get(row["type"]):
                entities.setdefault(row["documentId"], []).append(Span(row["begin"], row["end"], kind))  # type: ignore[arg-type]
        for line in (folder / "documents.json").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield Example(
                id=f"re3d-{row['_id']}", text=row["text"], source="re3d", group=f"re3d-{row['_id']}",
                spans=tuple(sorted(entities.get(row["_id"], ()), key=lambda s: s.start)),
                annotated_kinds=frozenset({"D"}),
            )  # fmt: skip


def _plain(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def _count(row: dict[str, str], column: str) -> int:
    value = (row.get(column) or "").strip()
    return int(value) if value.isdigit() else 0


_LOADERS: dict[str, Callable[..., Iterator[Example]]] = {
    "authored": _authored,
    "annotated": _annotated,
    "incidents": _incidents,
    "awsd": _awsd,
    "hrdsattack": _hrdsattack,
    "humset_geolocation": _humset,
    "re3d": _re3d,
}
