"""Expressions that tell more together: a day with its clock time, the two ends of a period, the times of a log.

>>> [m.iso for m in find_dates("On 13 February 2025, 7 p.m., they came.", report_date=None)]         # doctest: +SKIP
['2025-02-13T19:00']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from pipeline.report import DateMention

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DAYS = re.compile(r"\d{4}-\d\d-\d\d(?:/\d{4}-\d\d-\d\d)?")
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)")
# Between a clock time and the day that it is of: `0230 hrs on the night of 3-4 March`, `14:00 local time on Monday`.
_CLOCK_OF = re.compile(
    r",?\s*(?:local time,?\s*)?(?:on\s+|le\s+)?(?:the\s+)?(?:(?:night|morning|afternoon|evening)\s+of\s+)?", re.I
)
_DAY_AT = re.compile(r",?\s+(?:(?:at|around|about|approx\.?|circa|ca\.?)\s+)?", re.I)
_BETWEEN = re.compile(r"\bbetween\s+(?:the\s+)?$", re.I)
_FROM = re.compile(r"\bfrom\s+(?:the\s+)?$", re.I)
_AND = re.compile(r"\s+and\s+(?:the\s+)?", re.I)
_TO = re.compile(r"\s*[-–—]\s*|\s+(?:to|until|till|through)\s+(?:the\s+)?", re.I)
_WEEKDAY = re.compile(
    r"(?:the )?(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?(?:\s+(?:morning|afternoon|evening|night))?", re.I
)
_TWO_DAYS = re.compile(r"(?P<first>\d{1,2})(?:st|nd|rd|th)? and (?P<second>.+)", re.I | re.S)
_YEAR = re.compile(r"\d{4}")
_WEEK = timedelta(days=7)


def join(
    text: str, mentions: Sequence[DateMention], *, report_date: date | None, tagged: Sequence[tuple[int, int]] = ()
) -> list[DateMention]:
    """The mentions, in order, with those that belong together made one.

    A clock time joins the day before it where the encoder `tagged` it too, or nothing: a header's time is none of the event.
    """
    whole = [part for mention in mentions for part in _apart(text, mention)]
    whole = _in_pairs(text, whole, lambda text, one, other: _clock_and_day(text, one, other, tagged))
    whole = _in_pairs(text, whole, _period)
    return _log(whole, report_date)


def _in_pairs(
    text: str, mentions: Sequence[DateMention], find: Callable[[str, DateMention, DateMention], str | None]
) -> list[DateMention]:
    joined: list[DateMention] = []
    for mention in mentions:
        iso = find(text, joined[-1], mention) if joined and joined[-1].iso and mention.iso else None
        if iso is None:
            joined.append(mention)
        else:
            start = joined[-1].start
            joined[-1] = replace(joined[-1], end=mention.end, text=text[start : mention.end], iso=iso)
    return joined


def _apart(text: str, mention: DateMention) -> list[DateMention]:
    """`14 and 21 July` are two days; `between 14 and 21 July` is a period, and so are two days that touch."""
    two = _TWO_DAYS.fullmatch(mention.text)
    if (
        not two
        or not mention.iso
        or "/" not in mention.iso
        or _BETWEEN.search(text, max(0, mention.start - 15), mention.start)
    ):
        return [mention]
    first, last = mention.iso.split("/")
    if not _DAYS.fullmatch(mention.iso) or (date.fromisoformat(last) - date.fromisoformat(first)).days < 2:
        return [mention]
    at = mention.start + two.start("second")
    return [
        replace(mention, end=mention.start + two.end("first"), text=two["first"], iso=first),
        replace(mention, start=at, text=two["second"], iso=last),
    ]


def _clock_and_day(text: str, one: DateMention, other: DateMention, tagged: Sequence[tuple[int, int]]) -> str | None:
    """The value of `14:00 on Monday` and of `13 February, 7 p.m.`; of a night the small hours are of its second day."""
    assert one.iso
    assert other.iso
    if one.basis == "clock" and other.basis != "clock":
        clock = _CLOCK.fullmatch(one.iso)
        if clock and _DAYS.fullmatch(other.iso) and _CLOCK_OF.fullmatch(text, one.end, other.start):
            return f"{other.iso.split('/')[-1 if clock[2] < '12:00' else 0]}T{clock[2]}"
        return None
    clock = _CLOCK.fullmatch(other.iso) if other.basis == "clock" and one.basis != "clock" else None
    meant = not tagged or any(start < other.end and other.start < end for start, end in tagged)
    if clock and meant and _DAY.fullmatch(one.iso) and _DAY_AT.fullmatch(text, one.end, other.start):
        return f"{one.iso}T{clock[2]}"
    return None


def _period(text: str, one: DateMention, other: DateMention) -> str | None:
    """The interval of `between March and August`, `Monday to Friday`, `Thursday and Friday`, `09:00 to 13:00`."""
    assert one.iso
    assert other.iso
    between = bool(_AND.fullmatch(text, one.end, other.start))
    if not between and not _TO.fullmatch(text, one.end, other.start):
        return None
    first, last = one.iso, other.iso
    if "/" in first + last or len(first) != len(last):
        return None
    if _WEEKDAY.fullmatch(one.text) and _WEEKDAY.fullmatch(other.text):
        ends = date.fromisoformat(first), date.fromisoformat(last)
        if ends[0] > ends[1]:
            ends = ends[0] - _WEEK, ends[1]
        next_to = (ends[1] - ends[0]).days == 1
        if between and not next_to and not _said(_BETWEEN, text, one):
            return None
        return f"{ends[0]}/{ends[1]}"
    if between and not _said(_BETWEEN, text, one):
        return None
    if not _YEAR.search(one.text) and len(first) in (len("2025-03"), len("2025-03-15")):
        # `between March 15 and October 31, 2020`, `between November and January`: the year of the end, or the one before.
        first = f"{int(last[:4]) - (first[4:] > last[4:])}{first[4:]}"
    if not between and "T" not in first and not _said(_FROM, text, one) and one.basis == other.basis == "calendar":
        return None  # what the grammar did not take for a period
    return f"{first}/{last}" if first < last else None


def _said(pattern: re.Pattern[str], text: str, mention: DateMention) -> bool:
    return pattern.search(text, max(0, mention.start - 15), mention.start) is not None


def _log(mentions: Sequence[DateMention], report_date: date | None) -> list[DateMention]:
    """A log that goes over midnight: its times before that are of the evening before the report's date."""
    times = [m for m in mentions if m.basis == "clock" and m.iso and _CLOCK.fullmatch(m.iso)]
    if report_date is None or len(times) < 3 or len(times) != sum(1 for m in mentions if m.iso):
        return list(mentions)
    isos = [m.iso or "" for m in times]
    turns = [i for i, (one, other) in enumerate(pairwise(isos), 1) if one > other]
    if len(turns) != 1 or isos[0] < f"{report_date}T18" or isos[turns[0]] > f"{report_date}T12":
        return list(mentions)
    before = {id(m) for m in times[: turns[0]]}
    eve = (report_date - timedelta(days=1)).isoformat()
    return [replace(m, iso=f"{eve}T{(m.iso or '').partition('T')[2]}") if id(m) in before else m for m in mentions]
