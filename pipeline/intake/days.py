"""Report dates as people and spreadsheets write them.

>>> parse_date("14 février 2025"), parse_date("45702"), parse_date("02/14/2025 08:30")
(datetime.date(2025, 2, 14), datetime.date(2025, 2, 14), datetime.date(2025, 2, 14))
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from pipeline.intake.fields import BadField, field_text, word_lists
from pipeline.intake.rows import Reason

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 1, 1)
SPREADSHEET_EPOCH = date(1899, 12, 30)  # day 0 of spreadsheets' day numbers, from March 1900 on

_TIME = re.compile(
    r"(?:[T ,]\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\s*(?:[ap]\.?m\.?)?\s*(?:Z|UTC|GMT|[-+]\d{2}:?\d{2})?)$", re.I
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})")
_DAY_NUMBER = re.compile(r"(\d{5})(?:\.\d{1,12})?")
_DAY_MONTH = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|er|º|°)?[-\s./]*(?:de\s+)?([^\W\d_][^\d,]{1,20}?)\.?[-\s.,/]*(?:de\s+|del\s+)?(\d{4}|\d{2})"
)
_MONTH_DAY = re.compile(r"([^\W\d_]{3,12})\.?[-\s]*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{4})")


def parse_date(value: object) -> date | None:
    """A calendar date from a cell; None where the cell is empty. Day first where that is open."""
    if isinstance(value, datetime):
        found: date | None = value.date()
    elif isinstance(value, date):
        found = value
    else:
        text = field_text(value)
        if not text:
            return None
        found = _read(text)[0] if len(text) <= 60 else None
    if found is None or not EARLIEST <= found < LATEST:
        raise BadField(Reason.BAD_DATE, "the report date is no date: write it as 2025-02-14")
    return found


def is_ambiguous(value: object) -> bool:
    """Whether a cell could be two dates, such as 03/04/2025; it is read day first."""
    return isinstance(value, str) and 6 <= len(value) <= 60 and _read(value.strip())[1]


@lru_cache(maxsize=10_000)
def _read(text: str) -> tuple[date | None, bool]:
    """The date, and whether day and month could be swapped."""
    text = _TIME.sub("", text).strip()
    first, _, rest = text.partition(" ")
    if rest and first.rstrip(".,").casefold() in word_lists()["dates"]["weekdays"]:
        text = rest.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        return _date(match[1], match[3], match[4]), False
    if match := _COMPACT.fullmatch(text):
        return _date(*match.groups()), False
    if match := _YEAR_LAST.fullmatch(text):
        day, month, year = match[1], match[3], match[4]
        if int(month) > 12:
            return _date(year, day, month), False
        return _date(year, month, day), int(day) <= 12 and day.zfill(2) != month.zfill(2)
    if match := _DAY_NUMBER.fullmatch(text):
        return SPREADSHEET_EPOCH + timedelta(days=int(match[1])), False
    if (match := _DAY_MONTH.fullmatch(text)) and (number := _months().get(match[2].strip(" .-/").casefold())):
        return _date(match[3], number, match[1]), False
    if (match := _MONTH_DAY.fullmatch(text)) and (number := _months().get(match[1].casefold())):
        return _date(match[3], number, match[2]), False
    return None, False


@cache
def _months() -> dict[str, int]:
    return {name: int(number) for number, names in word_lists()["months"].items() for name in names}


def _date(year: str | int, month: str | int, day: str | int) -> date | None:
    number = int(year)
    try:
        return date(number + 2000 if number < 100 else number, int(month), int(day))
    except ValueError:
        return None
