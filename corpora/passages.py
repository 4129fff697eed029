"""Passages of outside corpora, cut as they were when they were labelled, so that their hashes match.

Whole incident notes (awsd, satp) and paragraphs of country reports (statedept); of news (hrdsattack) and
humanitarian documents (humset) runs of paragraphs of six words and more, until there are fifty words.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

FIRST_PARAGRAPHS = 12
ENOUGH_WORDS = 50
FEWEST_WORDS = 6


def passages(root: Path) -> Iterator[tuple[str, str]]:
    """*(source, text)* of every passage that may carry a label."""
    with gzip.open(root / "awsd" / "security_incidents.csv.gz", "rt", encoding="utf-8", errors="replace") as stream:
        for row in csv.DictReader(stream):
            yield "awsd", (row.get("Details") or "").strip()
    satp = root / "conflibert_multilabel" / "satp_relevant" / "train.tsv.gz"
    with gzip.open(satp, "rt", encoding="utf-8") as stream:
        for cells in csv.reader(stream, delimiter="\t"):
            yield "satp", cells[0]
    for part in ("train", "dev"):
        with gzip.open(root / "hrdsattack" / f"{part}.json.gz", "rt", encoding="utf-8") as stream:
            for article in json.load(stream):
                body = article.get("sample", article)["Input.article_interface"] or ""
                yield from (("hrdsattack", text) for text in runs(body))
    reports = root / "statedept_hr_2022" / "paragraphs_derived.tsv.gz"
    with gzip.open(reports, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield "statedept_hr_2022", row["text"]
    with gzip.open(root / "humset_geolocation" / "toponym_annotations.json.gz", "rt", encoding="utf-8") as stream:
        for row in json.load(stream):
            yield from (("humset_geolocation", text) for text in pieces(row["text"]))


def runs(html: str) -> Iterator[str]:
    """Runs of paragraphs of an article, one from each of its first paragraphs."""
    found = re.findall(r"<p[^>]*>(.*?)</p>", html, re.DOTALL)
    paragraphs = [plain(p) for p in found] or [html]
    for start in range(min(FIRST_PARAGRAPHS, len(paragraphs))):
        text = ""
        for paragraph in paragraphs[start:]:
            if len(paragraph.split()) < FEWEST_WORDS:
                continue
            text = f"{text} {paragraph}".strip()
            if len(text.split()) >= ENOUGH_WORDS:
                break
        yield text


def pieces(document: str) -> Iterator[str]:
    """A document of lines in pieces of at least fifty words; headings and other short lines are left out."""
    gathered: list[str] = []
    for line in (line.strip() for line in document.split("\n")):
        if len(line.split()) < FEWEST_WORDS:
            continue
        if sum(len(part.split()) for part in gathered) >= ENOUGH_WORDS:
            yield " ".join(gathered)
            gathered = []
        gathered.append(line)
    if gathered:
        yield " ".join(gathered)


def plain(html: str) -> str:
    """The text of a piece of HTML, on one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()
