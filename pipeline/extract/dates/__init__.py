"""Expressions of time in a report, found by a grammar and resolved against the report's date.

Nothing is ever taken to be the report date by default: what cannot be resolved stays unresolved. A
clear expression (`12 March 2025`, `yesterday`) is taken as it stands; one that may be something else
(`May`, `0552`) only where the encoder tagged it. Values are ISO 8601, intervals `first/last`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from pipeline.extract.dates.grammar import RULES, Rule
from pipeline.extract.dates.values import Context, year_alone
from pipeline.extract.sift import Sift
from pipeline.report import DateMention, Tag

_LOG_TIME = re.compile(r"(?:0\d|1[0-8]|2[1-3])[0-5]\d[A-Z]?")
_LOG_TIME_OR_YEAR = re.compile(r"(?:19|20)[0-5]\d")
# What the encoder may be right about though the grammar does not know it: words, or a number of four digits.
_LOG_FIGURE = re.compile(r"\d+\s+[A-Z]{3,}|\d{4,5}\s\d{4,5}")  # `5 KIA`, and a point of a grid
_MAY_BE_TIME = re.compile(r"[^\W\d_]{2}|\d{4}")
SURE_OF_UNKNOWN = 0.7
"""What the grammar does not know is an expression of time only where the encoder is this sure."""
# Between a clock time and the day that it is of: `0230 hrs on the night of 3-4 March`, `14:00 local time on Monday`.
_DAYS = re.compile(r"\d{4}-\d\d-\d\d(?:/\d{4}-\d\d-\d\d)?")
_CLOCK_OF = re.compile(
    r",?\s*(?:local time,?\s*)?(?:on\s+|le\s+)?(?:the\s+)?(?:(?:night|morning|afternoon|evening)\s+of\s+)?", re.I
)
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
    anchor_end = 0
    mentions: list[DateMention] = []
    for found in _choose(text, tagged):
        same_sentence = not _SENTENCE_END.search(text, anchor_end, found.start)
        context = Context(
            report_date,
            anchor,
            day_first,
            before=text[max(0, found.start - 30) : found.start].lower(),
            near=anchor if same_sentence else None,
        )
        try:
            iso = found.rule.resolve(found.match, context)
        except (ValueError, OverflowError):
            iso = None
        mentions.append(DateMention(found.start, found.end, text[found.start : found.end], iso, found.rule.basis))
        if iso and (day := _day_of(iso)):
            anchor, anchor_end = day, found.end
    mentions = _clocks_of_next_day(text, mentions)
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
            # A full stop belongs to an abbreviation (`30 Oct.`), not to a name written out.
            if text[end - 1] == "." and re.search(r"(?:[a-z]{5,}|may|june|july)\.$", text[start:end], re.I):
                end -= 1
            if log and rule.resolve is year_alone and not rule.sure and _LOG_TIME_OR_YEAR.fullmatch(text[start:end]):
                continue  # in a radio log 2000 is eight in the evening
            if start < end and (rule.sure or any(start < e and s < end for s, e in tagged)):
                found.append((start - end, rank, _Found(start, end, rule, match)))
    chosen: list[_Found] = []
    for _, _, candidate in sorted(found, key=lambda f: f[:2]):
        if all(candidate.end <= c.start or candidate.start >= c.end for c in chosen):
            chosen.append(candidate)
    return sorted(chosen, key=lambda c: c.start)


def _clocks_of_next_day(text: str, mentions: Sequence[DateMention]) -> list[DateMention]:
    """A clock time right before a day is of that day, not of the report's; of a night its small hours are the second."""
    after = [*mentions, None][1:]
    return [
        replace(one, iso=f"{_night(one.iso, next_.iso)}T{one.iso.partition('T')[2]}")
        if one.basis == "clock"
        and next_
        and one.iso
        and next_.iso
        and _DAYS.fullmatch(next_.iso)
        and _CLOCK_OF.fullmatch(text, one.end, next_.start)
        else one
        for one, next_ in zip(mentions, after, strict=True)
    ]


def _night(clock: str, days: str) -> str:
    return days.split("/")[-1 if clock.partition("T")[2] < "12:00" else 0]


def _day_first(text: str) -> bool:
    """The habit of a text that writes 03/04: month first only where it shows a day above 12 second."""
    return not re.search(r"\b(?:0?[1-9]|1[0-2])[/.-](?:1[3-9]|2\d|3[01])[/.-]\d{2,4}\b", text)


def _day_of(iso: str) -> date | None:
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)", iso.split("/")[-1])
    return date(*map(int, match.groups())) if match else None


__all__ = ["find_dates"]
