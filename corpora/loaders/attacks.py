"""Databases and news of attacks. Their labels are partial: each card says what they assert, the rest is unknown."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from corpora.passages import plain
from corpora.registry import card, violations
from corpora.schema import Example, Span, Split

PARTS: tuple[tuple[str, Split], ...] = (("train", "train"), ("dev", "validation"), ("test", "test"))
INDIA_COLUMNS = ("kill", "arrest", "any_action", "fail", "force")
SATP_COLUMNS = ("armed_assault", "bombing", "kidnapping", "other")
FEWEST_WORDS = 12


def awsd(root: Path) -> Iterator[Example]:
    """Incidents against aid workers; train to 2019, validation 2020 and 2021, test after."""
    this = card("awsd")
    with gzip.open(root / "awsd" / "security_incidents.csv.gz", "rt", encoding="utf-8", errors="replace") as stream:
        for number, row in enumerate(csv.DictReader(stream)):
            text = (row.get("Details") or "").strip()
            if len(text.split()) < FEWEST_WORDS:
                continue
            codes = {(row.get("Means of attack") or "").strip().casefold()}
            codes |= {label for label in ("killed", "wounded", "kidnapped") if _count(row, f"Total {label}") > 0}
            year = int(row["Year"])
            yield Example(
                id=f"awsd-{number:04}",
                text=text,
                source="awsd",
                group=f"awsd-{year}",
                report_date=_date(row["Year"], row.get("Month"), row.get("Day")),
                country=(row.get("Country Code") or "").strip() or None,
                violations=violations(this, codes),
                published="train" if year <= 2019 else "validation" if year <= 2021 else "test",
                codes=frozenset(codes),
            )


def hrdsattack(root: Path) -> Iterator[Example]:
    """News of attacks on defenders and journalists. 'unknown' counts only where it stands alone, as the authors have it."""
    this = card("hrdsattack")
    for part, published in PARTS[:2]:  # the test part is not among the corpora
        with gzip.open(root / "hrdsattack" / f"{part}.json.gz", "rt", encoding="utf-8") as stream:
            articles = json.load(stream)
        for number, article in enumerate(articles):
            sample = article.get("sample", article)
            codes = {code.casefold() for code in _violation_types(article)}
            codes = codes - {"unknown"} or codes
            yield Example(
                id=f"hrdsattack-{part}-{number:03}",
                text=plain(sample["Input.title"] + ". " + sample["Input.article_interface"]),
                source="hrdsattack",
                group=f"hrdsattack-{part}-{number}",
                violations=violations(this, codes),
                published=published,
                codes=frozenset(codes),
            )


def _violation_types(article: dict[str, Any]) -> list[str]:
    found = article.get("annotations") or article.get("sample", {}).get("annotations") or []
    return list(found[0]["annotation"]["violation_types"]) if found else []


def satp(root: Path) -> Iterator[Example]:
    """Incident paragraphs from South Asia under four event types."""
    return _table(root / "conflibert_multilabel" / "satp_relevant", "satp", SATP_COLUMNS)


def indiapoliceevents(root: Path) -> Iterator[Example]:
    """News articles on police in Gujarat, March 2002, under five kinds of police action."""
    return _table(root / "indiapoliceevents" / "conflibert_split_docs", "indiapoliceevents", INDIA_COLUMNS)


def _table(folder: Path, name: str, columns: tuple[str, ...]) -> Iterator[Example]:
    """Tab-separated rows: the text, then 0 or 1 for each column."""
    this = card(name)
    for part, published in PARTS:
        with gzip.open(folder / f"{part}.tsv.gz", "rt", encoding="utf-8", newline="") as stream:
            for number, (text, *cells) in enumerate(csv.reader(stream, delimiter="\t")):
                codes = {column for column, cell in zip(columns, cells, strict=True) if cell == "1"}
                ident = f"{name}-{part}-{number:04}"
                yield Example(
                    id=ident, text=text, source=name, group=ident, violations=violations(this, codes),
                    published=published, codes=frozenset(codes),
                )  # fmt: skip


def muc4(root: Path) -> Iterator[Example]:
    """Newswire with the perpetrators and victims of its incidents marked; other actors are not, so none is complete."""
    roles = {"PerpInd": "perpetrator", "PerpOrg": "perpetrator", "Victim": "victim"}
    for part, published in PARTS:
        with gzip.open(root / "muc4" / f"grit_{part}.json.gz", "rt", encoding="utf-8") as stream:
            for row in map(json.loads, stream):
                spans = {
                    Span(start, start + len(wording), "A", role=roles[slot])
                    for slot, entities in row["extracts"].items()
                    if slot in roles
                    for entity in entities
                    for wording, start in entity
                    if row["doctext"][start : start + len(wording)] == wording
                }
                yield Example(
                    id=f"muc4-{row['docid']}", text=row["doctext"], source="muc4", group=f"muc4-{row['docid']}",
                    spans=tuple(sorted(spans, key=lambda s: (s.start, s.end))), published=published,
                    codes=frozenset(slot for slot, entities in row["extracts"].items() if entities),
                )  # fmt: skip


def bellingcat(root: Path) -> Iterator[Example]:
    """One-line incidents of harm to civilians in Ukraine, by the kind of place hit."""
    this = card("bellingcat")
    path = root / "bellingcat_civharm" / "ukr-civharm-2024-06-02.nosources.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for number, row in enumerate(json.load(stream)):
            codes = {f["value"].casefold() for f in row["filters"] if f["key"] == "Type of area affected"}
            month, day, year = row["date"].split("/")
            yield Example(
                id=f"bellingcat-{number:04}", text=row["description"], source="bellingcat",
                group=f"bellingcat-{year}-{month}", report_date=_date(year, month, day), country="UA",
                violations=violations(this, codes), codes=frozenset(codes),
            )  # fmt: skip


def _date(year: str, month: str | None, day: str | None) -> date | None:
    """A date where all of it is known."""
    try:
        return date(int(year), int(month or ""), int(day or ""))
    except ValueError:
        return None


def _count(row: dict[str, str], column: str) -> int:
    value = (row.get(column) or "").strip()
    return int(value) if value.isdigit() else 0
