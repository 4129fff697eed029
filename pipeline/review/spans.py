"""Mentions as a reviewer goes through them: rows of a form in, spans of the text out, and back.

A row says where a mention is (`3-6`), what it is (`place`, `date` or a type of actor; nothing: no mention after all)
and the role of an actor. Words may be named too, to be marked wherever they stand.

>>> mark_everywhere("Gao, then Gao.", [], "Gao", what="place", role="")
[{'start': 0, 'end': 3, 'kind': 'place'}, {'start': 10, 'end': 13, 'kind': 'place'}]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Form

from pipeline.errors import MonitorError

Span = dict[str, Any]
_AT = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)
Row = Annotated[list[str] | None, Form()]


@dataclass(frozen=True)
class Marked:
    """The mentions as a form has them; `checked` says that somebody went through them."""

    rows: tuple[tuple[str, str, str], ...] = ()
    checked: bool = False
    words: str = ""
    what: str = ""
    role: str = ""


def marked(
    span_at: Row = None, span_is: Row = None, span_role: Row = None, spans_checked: Annotated[bool, Form()] = False,
    mark_words: Annotated[str, Form(max_length=500)] = "", mark_is: Annotated[str, Form()] = "",
    mark_role: Annotated[str, Form()] = "",
) -> Marked:  # fmt: skip
    try:
        rows = tuple(zip(span_at or [], span_is or [], span_role or [], strict=True))
    except ValueError:
        raise MonitorError("the form's mentions are not complete: load it again") from None
    return Marked(rows, spans_checked, mark_words.strip(), mark_is, mark_role)


MarkedForm = Annotated[Marked, Depends(marked)]


def spans_of(form: Marked, text: str, *, before: Sequence[Span]) -> list[Span] | None:
    """The mentions of a form; None where nobody went through them and they are as they were `before`."""
    if not form.rows and not form.words and not form.checked:
        return None
    found: list[Span] = []
    for at, what, role in form.rows:
        if (where := _AT.fullmatch(at)) is None:
            raise MonitorError("the form's mentions are not complete: load it again")
        if what:
            found.append(_span(int(where[1]), int(where[2]), what, role))
    if form.words:
        found = mark_everywhere(text, found, form.words, what=form.what, role=form.role)
    unique = {(s["start"], s["end"], s["kind"]): s for s in found}
    made = [unique[key] for key in sorted(unique)]
    return made if form.checked or made != [_plain(span) for span in before] else None


def mark_everywhere(text: str, found: Sequence[Span], words: str, *, what: str, role: str) -> list[Span]:
    """The mentions with these words marked wherever they stand as words, but not over another mention."""
    made = list(found)
    for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", text):
        if all(match.end() <= s["start"] or s["end"] <= match.start() for s in made):
            made.append(_span(match.start(), match.end(), what, role))
    if len(made) == len(found):
        raise MonitorError("the words to be marked stand nowhere in the text, or are marked already")
    return made


def _span(start: int, end: int, what: str, role: str) -> Span:
    if what in ("place", "date"):
        return {"start": start, "end": end, "kind": what}
    return {"start": start, "end": end, "kind": "actor", "type": what, "role": role or None}


def _plain(span: Span) -> Span:
    return _span(
        span["start"], span["end"], span["type"] if span["kind"] == "actor" else span["kind"], span.get("role") or ""
    )
