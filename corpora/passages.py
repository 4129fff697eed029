"""Passages of outside corpora, cut as they were when they were labelled, so that their hashes match.

Whole incident notes (awsd, satp), and runs of paragraphs of news (hrdsattack): from any paragraph on,
paragraphs of six words and more until there are fifty words.
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


def runs(html: str) -> Iterator[str]:
    """Runs of paragraphs of an article, one from each of its first paragraphs."""
    found = re.findall(r"<p[^>]*>(.*?)</p>", html, re.DOTALL)
    paragraphs = [plain(p) for p in found] or [html]
    for start in range(min(FIRST_PARAGRAPHS, len(paragraphs))):
        text = ""
        for paragraph in paragraphs[start:]:
            if len(paragraph.split()) < 6:
                continue
            text = f"{text} {paragraph}".strip()
            if len(text.split()) >= ENOUGH_WORDS:
                break
        yield text


def plain(html: str) -> str:
    """The text of a piece of HTML, on one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()
