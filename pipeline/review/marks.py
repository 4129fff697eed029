"""A report's text cut into pieces, each with the marks that lie on it: places, actors, dates and evidence may overlap.

>>> [(p.text, sorted(p.marks)) for p in pieces("In Gao today", [Mark(3, 6, "place", "Gao, ML"), Mark(0, 6, "evidence", "")])]
[('In ', ['evidence']), ('Gao', ['evidence', 'place']), (' today', [])]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pipeline.review.standing import Standing


@dataclass(frozen=True)
class Mark:
    """A span of the original text, half open, in code points."""

    start: int
    end: int
    kind: str
    title: str


@dataclass(frozen=True)
class Piece:
    text: str
    marks: frozenset[str]
    title: str


def pieces(text: str, marks: Sequence[Mark]) -> list[Piece]:
    """The whole text in order; joined, the pieces are the text."""
    edges = sorted({0, len(text), *(edge for m in marks for edge in (m.start, m.end) if 0 <= edge <= len(text))})
    made: list[Piece] = []
    coming, here = sorted(marks, key=lambda mark: -mark.start), list[Mark]()
    for start, end in pairwise(edges):  # one walk through the text: a long report has thousands of marks
        while coming and coming[-1].start <= start:
            here.append(coming.pop())
        here = [mark for mark in here if mark.end > start]
        title = "; ".join(dict.fromkeys(m.title for m in here if m.title))
        made.append(Piece(text[start:end], frozenset(m.kind for m in here), title))
    return made


def mentions_of(stands: Standing) -> list[dict[str, Any]]:
    """The mentions in force in the order of the text, each with its `kind` and a `title` that says what is known of it."""
    named = [
        *(p | {"kind": "place", "title": _place(p)} for p in stands.places),
        *(a | {"kind": "actor", "title": f"{_plain(a['type'])}, {_plain(a['role'])}"} for a in stands.actors),
        *(d | {"kind": "date", "title": d["iso"] or "date not resolved"} for d in stands.dates),
    ]
    return sorted(named, key=lambda mention: (mention["start"], mention["end"]))


def marks_of(result: dict[str, Any], mentions: Sequence[dict[str, Any]], *, focus: str | None) -> list[Mark]:
    """The marks of a result: the mentions, and the evidence of the violation in focus (or of the urgency)."""
    found = [Mark(m["start"], m["end"], m["kind"], m["title"]) for m in mentions]
    evidence = result["urgency"]["evidence"] if focus == "urgency" and result["urgency"] else []
    for violation in result["violations"]:
        if violation["id"] == focus:
            evidence = violation["evidence"]
    return found + [Mark(e["start"], e["end"], "evidence", "") for e in evidence]


def _place(place: dict[str, Any]) -> str:
    where = ", ".join(part for part in (place.get("name"), place.get("iso2")) if part)
    return where or "place not resolved"


def _plain(name: str | None) -> str:
    return (name or "?").replace("_", " ")
