"""What a period of time means: weeks, months, quarters, seasons, years and decades, as ISO 8601 or an interval of it."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from pipeline.extract.dates.direction import is_future
from pipeline.extract.dates.values import Context, Value, known, month_after, month_of, number_of, with_year
from pipeline.extract.dates.vocabulary import SEASONS, STEPS, UNITS


def month_range(match: re.Match[str], context: Context) -> Value:
    last_month, first_month = month_of(match), month_of(match, "month1")
    last_year = int(match["year"]) if match["year"] else with_year(last_month, 1, context).year
    first_year = int(match["year1"]) if match["year1"] else last_year - (first_month > last_month)
    return f"{first_year}-{first_month:02}/{last_year}-{last_month:02}"


def month_year(match: re.Match[str], context: Context) -> Value:
    groups = match.groupdict()
    month = month_of(match)
    if groups.get("year"):
        year = int(groups["year"])
    elif groups.get("lastyear"):
        year = known(context.report_date).year - 1
    else:
        year = with_year(month, 1, context).year
    part = (groups.get("part") or "").lower().strip(" -")
    return part_of_month(year, month, part) if part else f"{year}-{month:02}"


def part_of_month(year: int, month: int, part: str) -> str:
    end = monthrange(year, month)[1]
    first, last = {
        "early": (1, 10), "mid": (10, 20), "late": (21, end), "the end of": (end, end), "end of": (end, end),
        "the beginning of": (1, 10), "the start of": (1, 10), "the middle of": (10, 20), "début": (1, 10), "mi": (10, 20),
        "fin": (21, end), "principios de": (1, 10), "mediados de": (10, 20), "finales de": (21, end),
        "the first week of": (1, 7), "the second week of": (8, 14), "the third week of": (15, 21),
        "the last week of": (end - 6, end),
    }[part]  # fmt: skip
    start = date(year, month, first).isoformat()
    return start if first == last else f"{start}/{date(year, month, last).isoformat()}"


def calendar_period(match: re.Match[str], context: Context) -> Value:
    today = known(context.report_date)
    step = STEPS[(match.groupdict().get("which") or "last").lower()]
    unit = match["unit"].lower()
    unit = UNITS.get(unit, unit)
    if unit == "week":
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
        return f"{monday.isoformat()}/{(monday + timedelta(days=6)).isoformat()}"
    if unit == "weekend":
        saturday = (
            today - timedelta(days=today.weekday() - 5) + timedelta(weeks=min(step, 0) if today.weekday() < 5 else 0)
        )
        return f"{saturday.isoformat()}/{(saturday + timedelta(days=1)).isoformat()}"
    if unit == "month":
        return month_after(today, step)
    if unit == "quarter":
        first = today.replace(day=1, month=(today.month - 1) // 3 * 3 + 1)
        return f"{month_after(first, 3 * step)}/{month_after(first, 3 * step + 2)}"
    if unit == "decade" and (match["which"] or "").lower() == "past":
        return f"{today.year - 10}/{today.year}"
    if unit == "decade":
        return f"{today.year // 10 + step}0/{today.year // 10 + step}9"
    return str(today.year + step)


def last_month(match: re.Match[str], context: Context) -> Value:
    """`last June`: the latest one that is over."""
    today, month = known(context.report_date), month_of(match)
    step = -1 if match["which"].lower() == "last" else 1
    year = today.year if (month < today.month) == (step < 0) and month != today.month else today.year + step
    return f"{year}-{month:02}"


def iso_week(match: re.Match[str], context: Context) -> Value:
    """An ISO 8601 week."""
    year = int(match["year"]) if match["year"] else known(context.report_date).year
    monday = date.fromisocalendar(year, int(match["week"]), 1)
    return f"{monday.isoformat()}/{(monday + timedelta(days=6)).isoformat()}"


def season_of(match: re.Match[str], context: Context) -> Value:
    first, last = SEASONS[match["season"].lower()]
    year = int(match["year"]) if match["year"] else known(context.report_date).year - ("last" in match.group().lower())
    return f"{year}-{first:02}/{year + (last < first)}-{last:02}"


def quarter_of(match: re.Match[str], context: Context) -> Value:
    quarter = (
        int(match["q"])
        if match["q"]
        else {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 4}[match["ordinal"].lower()]
    )
    if match["year"]:
        year = int(match["year"])
    else:
        today = known(context.report_date)
        begun = quarter * 3 - 2 <= today.month and not match["lastyear"]
        ahead = is_future(context.before, context.after)
        year = today.year if begun or (ahead and not match["lastyear"]) else today.year - 1
    return f"{year}-{quarter * 3 - 2:02}/{year}-{quarter * 3:02}"


def months_of_year(match: re.Match[str], context: Context) -> Value:
    """`the first nine months of 1998`."""
    year = _year_told(match, context)
    number = number_of(match)
    return f"{year}-01/{year}-{number:02}" if match["part"].lower() == "first" else f"{year}-{13 - number:02}/{year}-12"


def half_of_year(match: re.Match[str], context: Context) -> Value:
    year = _year_told(match, context)
    return f"{year}-01/{year}-06" if match["part"].lower() == "first half" else f"{year}-07/{year}-12"


def _year_told(match: re.Match[str], context: Context) -> int:
    groups = match.groupdict()
    return int(groups["year"]) if groups.get("year") else known(context.report_date).year - (not groups["this"])


def half_year(match: re.Match[str], context: Context) -> Value:
    part, year = match["part"].lower(), match["year"]
    first, last = {"early": (1, 3), "mid": (5, 8), "late": (10, 12), "the first half of": (1, 6), "the second half of": (7, 12),
                   "the end of": (12, 12), "the beginning of": (1, 3), "the start of": (1, 3)}[part.rstrip("-")]  # fmt: skip
    return f"{year}-{first:02}/{year}-{last:02}" if first != last else f"{year}-{first:02}"


def year_range(match: re.Match[str], context: Context) -> Value:
    first, last = match["first"], match["last"]
    return f"{first}/{last if len(last) == 4 else first[:2] + last}"


def end_of_period(match: re.Match[str], context: Context) -> Value:
    today = known(context.report_date)
    if match["unit"].lower() == "year":
        return date(today.year, 12, 31).isoformat()
    return today.replace(day=monthrange(today.year, today.month)[1]).isoformat()


def stretch(match: re.Match[str], context: Context) -> Value:
    """`the past three days`, `the last 48 hours`: up to the report's date."""
    today, amount, unit = known(context.report_date), number_of(match), match["unit"].lower()
    if unit.startswith("year"):
        return f"{today.year - amount}/{today.year}"
    if unit.startswith(("month", "quarter")):
        return f"{month_after(today, -amount * (3 if unit.startswith('quarter') else 1))}/{today:%Y-%m}"
    days = amount * 7 if unit.startswith("week") else amount if unit.startswith("day") else -(-amount // 24)
    return f"{(today - timedelta(days=days)).isoformat()}/{today.isoformat()}"


def decade(match: re.Match[str], context: Context) -> Value:
    first = match.groupdict().get("decade") or f"19{match['short']}"
    return f"{first}0/{first}9"
