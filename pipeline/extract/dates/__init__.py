"""Expressions of time in a report, found by a grammar and resolved against the report's date.

Nothing is ever taken to be the report date by default: what cannot be resolved stays unresolved. A
clear expression (`12 March 2025`, `yesterday`) is taken as it stands; one that may be something else
(`May`, `0552`) only where the encoder tagged it. Values are ISO 8601, intervals `first/last`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from pipeline.extract.dates.grammar import RULES, Rule
from pipeline.extract.dates.joined import join
from pipeline.extract.dates.values import Context, year_alone
from pipeline.extract.sift import Sift
from pipeline.extract.taken import Taken
from pipeline.report import DateMention, Tag

_LOG_TIME = re.compile(r"(?:0\d|1[0-8]|2[1-3])[0-5]\d[A-Z]?")
_LOG_TIME_OR_YEAR = re.compile(r"(?:19|20)[0-5]\d")
# What the encoder may be right about though the grammar does not know it: words, or a number of four digits.
_LOG_FIGURE = re.compile(r"\d+\s+[A-Z]{3,}|\d{4,5}\s\d{4,5}")  # `5 KIA`, and a point of a grid
_MAY_BE_TIME = re.compile(r"[^\W\d_]{2}|\d{4}")
SURE_OF_UNKNOWN = 0.7
"""What the grammar does not know is an expression of time only where the encoder is this sure."""
_WRITTEN_OUT = re.compile(r"(?:[a-z]{5,}|may|june|july)\.$", re.I)
_SENTENCE_ENDED = re.compile(r"\s*$|\s+[^a-z\s]")
_FIRST_DAY = re.compile(r"(\d{4})(?:-(\d\d))?(?![\d-])")
_SENTENCE_END = re.compile(r"[.!?]\s|\n")


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    rule: Rule
    match: re.Match[str]


def find_dates(text: str, *, report_date: date | None, tags: Sequence[Tag] = ()) -> list[DateMention]:
    """The expressions of time in `text`, in order, resolved where they can be.

    `tags` are the encoder's spans; those of kind D admit expressions that are unclear by themselves,
    and are kept without a value where the grammar does not know them.
    """
    tagged = [(tag.start, tag.end) for tag in tags if tag.kind == "D"]
    day_first = _day_first(text)
    anchor: date | None = None
    told: date | None = None
    looked, same_sentence = 0, True  # up to where, since the anchor
    mentions: list[DateMention] = []
    for found in _choose(text, tagged):
        same_sentence = same_sentence and not _SENTENCE_END.search(text, looked, found.start)
        looked = found.start
        context = Context(
            report_date,
            anchor,
            day_first,
            before=text[max(0, found.start - 90) : found.start],
            after=text[found.end : found.end + 30],
            near=anchor if same_sentence else None,
            told=told,
        )
        try:
            iso = found.rule.resolve(found.match, context)
        except (ValueError, OverflowError):
            iso = None
        mentions.append(DateMention(found.start, found.end, text[found.start : found.end], iso, found.rule.basis))
        if iso and (day := _day_of(iso)):
            anchor, looked, same_sentence = day, found.end, True
        elif iso and (first := _FIRST_DAY.match(iso)):
            told = date(int(first[1]), int(first[2] or 1), 1)
    mentions = join(text, mentions, report_date=report_date, tagged=tagged)
    for start, end in [(tag.start, tag.end) for tag in tags if tag.kind == "D" and tag.score >= SURE_OF_UNKNOWN]:
        if not text.isupper() and _LOG_FIGURE.fullmatch(text[start:end]):
            continue
        if all(end <= m.start or start >= m.end for m in mentions) and _MAY_BE_TIME.search(text[start:end]):
            mentions.append(DateMention(start, end, text[start:end], None, "tagged"))
    return sorted(mentions, key=lambda m: m.start)


@cache
def _sift() -> Sift:
    return Sift([rule.pattern for rule in RULES])


def possible_rules(text: str) -> list[tuple[int, Rule]]:
    """The rules that may match in `text`, by rank: a few of them all."""
    return [(rank, RULES[rank]) for rank in _sift().possible(text)]


def _choose(text: str, tagged: Sequence[tuple[int, int]]) -> list[_Found]:
    """Non-overlapping matches: longer before shorter, clear before unclear."""
    found = []
    log = any(_LOG_TIME.fullmatch(text[start:end]) for start, end in tagged)
    for rank, rule in possible_rules(text):
        if not rule.sure and not tagged:
            continue
        for match in rule.pattern.finditer(text):
            start, end = match.span("x") if "x" in match.re.groupindex else match.span()
            # A full stop belongs to an abbreviation before small letters (`on Oct. they`), else it ends the sentence.
            end = start + len(text[start:end].rstrip())
            if text[start:end].endswith(".") and (_WRITTEN_OUT.search(text[start:end]) or _ends_sentence(text, end)):
                end -= 1
            if log and rule.resolve is year_alone and not rule.sure and _LOG_TIME_OR_YEAR.fullmatch(text[start:end]):
                continue  # in a radio log 2000 is eight in the evening
            if start < end and (rule.sure or any(start < e and s < end for s, e in tagged)):
                found.append((start - end, rank, _Found(start, end, rule, match)))
    chosen: list[_Found] = []
    taken = Taken()
    for _, _, candidate in sorted(found, key=lambda f: f[:2]):
        if taken.is_free(candidate.start, candidate.end):
            taken.add(candidate.start, candidate.end)
            chosen.append(candidate)
    return sorted(chosen, key=lambda c: c.start)


def _ends_sentence(text: str, end: int) -> bool:
    return text[end - 4 : end].lower() not in ("a.m.", "p.m.") and _SENTENCE_ENDED.match(text, end) is not None


def _day_first(text: str) -> bool:
    """The habit of a text that writes 03/04: month first only where it shows a day above 12 second."""
    return not re.search(r"\b(?:0?[1-9]|1[0-2])[/.-](?:1[3-9]|2\d|3[01])[/.-]\d{2,4}\b", text)


def _day_of(iso: str) -> date | None:
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)", iso.split("/")[-1])
    return date(*map(int, match.groups())) if match else None


__all__ = ["find_dates"]
