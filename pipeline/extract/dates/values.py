"""What an expression of time means: each function makes an ISO 8601 value of a match and its context.

A function raises ValueError where nothing tells the value: the expression then stays unresolved.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.extract.dates.vocabulary import MONTHS, NUMBERS, SEASONS, STEPS, UNITS, WEEKDAYS

FUTURE_DAYS = 100  # "1 October" in a report of August is this year's; "December" in May was last year's


@dataclass(frozen=True)
class Context:
    """What an expression is resolved against.

    `anchor` is the latest day mentioned before it, `near` the one in the same sentence, `before` the
    words right before it.
    """

    report_date: date | None
    anchor: date | None
    day_first: bool
    before: str = ""
    near: date | None = None


Value = str | None
_BREAK = re.compile(r"-\s*")  # a scan breaks a word at the end of its line
Resolver = Callable[[re.Match[str], Context], Value]


def month_of(match: re.Match[str], group: str = "month") -> int:
    return MONTHS[_BREAK.sub("", match[group].lower())]


def number_of(match: re.Match[str]) -> int:
    word = match["number"].lower()
    return int(word) if word.isdigit() else NUMBERS[word]


def with_year(month: int, day: int, context: Context) -> date:
    """The day in the year that makes sense: not long after the report. ValueError where that year has no such day."""
    if context.report_date is None:
        raise ValueError("no report date")
    made = date(context.report_date.year, month, day)
    if (made - context.report_date).days > FUTURE_DAYS:
        made = made.replace(year=made.year - 1)
    elif (context.report_date - made).days > 365 - FUTURE_DAYS // 2 and is_future(context):
        made = made.replace(year=made.year + 1)
    return made


def is_future(context: Context) -> bool:
    return bool(re.search(r"\b(will|planned|plans|until|by|scheduled|next|expected|due)\b[^.]*$", context.before))


def known(day: date | None) -> date:
    if day is None:
        raise ValueError("nothing to resolve against")
    return day


def full_date(match: re.Match[str], context: Context) -> Value:
    groups = match.groupdict()
    day, month = int(groups.get("day") or 1), month_of(match)
    made = date(year_of(groups["year"]), month, day) if groups.get("year") else with_year(month, day, context)
    return made.isoformat()


def year_of(text: str) -> int:
    value = int(text.upper().replace("O", "0"))
    return value if value > 99 else 2000 + value


def clock_of(match: re.Match[str]) -> str:
    groups = match.groupdict()
    hour = int(groups["hour"])
    minute = int(groups.get("minute") or 0)
    half = (groups.get("half") or "").lower().replace(".", "")
    if half == "pm" and hour < 12:
        hour += 12
    if half == "am" and hour == 12:
        hour = 0
    if hour > 23:
        raise ValueError("no hour")
    return f"{hour:02}:{minute:02}"


def numeric_date(match: re.Match[str], context: Context) -> Value:
    first, second = int(match["first"]), int(match["second"])
    day, month = (second, first) if second > 12 or (not context.day_first and first <= 12) else (first, second)
    year = match.groupdict().get("year")
    made = date(year_of(year), month, day) if year else with_year(month, day, context)
    return made.isoformat()


def iso_date(match: re.Match[str], context: Context) -> Value:
    made = date(int(match["year"]), int(match["m"]), int(match["d"]))
    return made.isoformat() + (f"T{match['clock']}" if match["clock"] else "")


def day_range(match: re.Match[str], context: Context) -> Value:
    groups = match.groupdict()
    last_month = month_of(match)
    year = year_of(groups["year"]) if groups.get("year") else None
    last = date(year, last_month, int(match["day2"])) if year else with_year(last_month, int(match["day2"]), context)
    first_month = month_of(match, "month1") if groups.get("month1") else last_month
    first = date(last.year - (first_month > last_month), first_month, int(match["day"]))
    return f"{first.isoformat()}/{last.isoformat()}"


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


def weekday_of(match: re.Match[str], context: Context) -> Value:
    today = known(context.report_date)
    target = WEEKDAYS[match["weekday"].lower().rstrip(".")]
    which = (match.groupdict().get("which") or "").lower()
    back = (today.weekday() - target) % 7
    if "week" in which:  # Monday of last week
        monday = today - timedelta(days=today.weekday() + 7)
        made = monday + timedelta(days=target)
    elif which in ("next", "prochain"):
        made = today + timedelta(days=(target - today.weekday() - 1) % 7 + 1)
    elif which in ("this", "coming") or (not which and is_future(context)):
        made = today + timedelta(days=(target - today.weekday()) % 7)
    else:
        made = today - timedelta(days=back or (7 if which else 0))
    return made.isoformat()


def weekday_date(match: re.Match[str], context: Context) -> Value:
    """`Thursday 30`: the nearest such day of the month."""
    today = known(context.report_date)
    for distance in range(45):
        for made in (today - timedelta(days=distance), today + timedelta(days=distance)):
            if made.day == int(match["day"]) and made.weekday() == WEEKDAYS[match["weekday"].lower().rstrip(".")]:
                return made.isoformat()
    raise ValueError("no such day")


def days_from_report(offset: int) -> Resolver:
    return lambda match, context: (known(context.report_date) + timedelta(days=offset)).isoformat()


def ago(match: re.Match[str], context: Context) -> Value:
    today, number, unit = known(context.report_date), number_of(match), match["unit"].lower()
    if unit.startswith(("day", "jour", "día", "dia")):
        return (today - timedelta(days=number)).isoformat()
    if unit.startswith(("week", "sem")):
        return (today - timedelta(weeks=number)).isoformat()
    if unit.startswith(("mo", "me")):
        months = today.year * 12 + today.month - 1 - number
        return f"{months // 12}-{months % 12 + 1:02}"
    return str(today.year - number)


def days_from_anchor(offset: int) -> Resolver:
    return lambda match, context: (known(context.anchor) + timedelta(days=offset)).isoformat()


def days_later(match: re.Match[str], context: Context) -> Value:
    days = number_of(match) * (7 if match["unit"].lower().startswith("week") else 1)
    sign = -1 if match["way"].lower() in ("earlier", "before") else 1
    return (known(context.anchor) + timedelta(days=sign * days)).isoformat()


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
        months = today.year * 12 + today.month - 1 + step
        return f"{months // 12}-{months % 12 + 1:02}"
    return str(today.year + step)


def last_month(match: re.Match[str], context: Context) -> Value:
    """`last June`: the latest one that is over."""
    today, month = known(context.report_date), month_of(match)
    step = -1 if match["which"].lower() == "last" else 1
    year = today.year if (month < today.month) == (step < 0) and month != today.month else today.year + step
    return f"{year}-{month:02}"


def clock_only(match: re.Match[str], context: Context) -> Value:
    day = context.near or context.report_date
    shift = match.groupdict().get("shift")
    if shift:
        day = known(context.report_date) + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(shift.lower(), 0))
    return f"{known(day).isoformat()}T{clock_of(match)}"


def word_hour(match: re.Match[str], context: Context) -> Value:
    hour = number_of(match) % 12 + (
        12 if re.search("afternoon|evening|night|tonight", match["part"] or "", re.I) else 0
    )
    offset = -1 if "yesterday" in match.group().lower() else 1 if "tomorrow" in match.group().lower() else 0
    return f"{(known(context.report_date) + timedelta(days=offset)).isoformat()}T{hour:02}:00"


def iso_week(match: re.Match[str], context: Context) -> Value:
    """An ISO 8601 week."""
    year = int(match["year"]) if match["year"] else known(context.report_date).year
    monday = date.fromisocalendar(year, int(match["week"]), 1)
    return f"{monday.isoformat()}/{(monday + timedelta(days=6)).isoformat()}"


def named_hour(match: re.Match[str], context: Context) -> Value:
    day = known(context.near or context.report_date)
    if shift := match.groupdict().get("shift"):
        day = known(context.report_date) + timedelta(days={"yesterday": -1, "tomorrow": 1}[shift.lower()])
    word = match["word"].lower()
    made = day.isoformat()
    return f"{made}T12:00" if word in ("noon", "midday") else f"{made}T00:00" if word == "midnight" else made


def date_time_group(match: re.Match[str], context: Context) -> Value:
    """A date-time group: `110630ZMAR25`, `081745NOV`, `262302C`."""
    groups = match.groupdict()
    day = int(match["day"])
    if groups.get("month"):
        made = (
            date(year_of(groups["year"]), month_of(match), day)
            if groups.get("year")
            else with_year(month_of(match), day, context)
        )
    else:
        today = known(context.report_date)
        month = today.month if day <= today.day + 3 else (today.month - 2) % 12 + 1
        made = date(today.year - (month > today.month), month, day)
    return f"{made.isoformat()}T{clock_of(match)}"


def day_of_month(match: re.Match[str], context: Context) -> Value:
    """`the 24th`: in the month of the latest day mentioned, or the latest such day."""
    day, anchor = int(match["day"]), context.anchor
    if anchor is not None:
        return anchor.replace(day=day).isoformat()
    today = known(context.report_date)
    months = today.year * 12 + today.month - 1 - (day > today.day)
    return date(months // 12, months % 12 + 1, day).isoformat()


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
    year = int(match["year"]) if match["year"] else known(context.report_date).year
    return f"{year}-{quarter * 3 - 2:02}/{year}-{quarter * 3:02}"


def half_year(match: re.Match[str], context: Context) -> Value:
    part, year = match["part"].lower(), match["year"]
    first, last = {"early": (1, 3), "mid": (5, 8), "late": (10, 12), "the first half of": (1, 6), "the second half of": (7, 12),
                   "the end of": (12, 12), "the beginning of": (1, 3), "the start of": (1, 3)}[part.rstrip("-")]  # fmt: skip
    return f"{year}-{first:02}/{year}-{last:02}" if first != last else f"{year}-{first:02}"


def year_range(match: re.Match[str], context: Context) -> Value:
    first, last = match["first"], match["last"]
    return f"{first}/{last if len(last) == 4 else first[:2] + last}"


def year_alone(match: re.Match[str], context: Context) -> Value:
    return match["year"]


def night_of_weekdays(match: re.Match[str], context: Context) -> Value:
    last = date.fromisoformat(str(weekday_of(match, context)))
    return f"{(last - timedelta(days=1)).isoformat()}/{last.isoformat()}"


def unresolved(match: re.Match[str], context: Context) -> Value:
    return None


def end_of_period(match: re.Match[str], context: Context) -> Value:
    today = known(context.report_date)
    if match["unit"].lower() == "year":
        return date(today.year, 12, 31).isoformat()
    return today.replace(day=monthrange(today.year, today.month)[1]).isoformat()


def stretch(match: re.Match[str], context: Context) -> Value:
    """`the past three days`, `the last 48 hours`: up to the report's date."""
    today, amount, unit = known(context.report_date), number_of(match), match["unit"].lower()
    if unit.startswith("month"):
        months = today.year * 12 + today.month - 1 - amount
        return f"{months // 12}-{months % 12 + 1:02}/{today:%Y-%m}"
    days = amount * 7 if unit.startswith("week") else amount if unit.startswith("day") else -(-amount // 24)
    return f"{(today - timedelta(days=days)).isoformat()}/{today.isoformat()}"


def decade(match: re.Match[str], context: Context) -> Value:
    return f"{match['decade']}0/{match['decade']}9"


def digits(match: re.Match[str], context: Context) -> Value:
    """`20240312` and `2024/03/12`."""
    return date(int(match["year"]), int(match["m"]), int(match["d"])).isoformat()
