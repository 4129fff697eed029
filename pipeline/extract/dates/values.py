"""What an expression of time means: each function makes an ISO 8601 value of a match and its context.

A function raises ValueError where nothing tells the value: the expression then stays unresolved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.extract.dates.direction import is_future
from pipeline.extract.dates.vocabulary import FEASTS, MONTHS, NUMBERS, ORDINALS, WEEKDAYS

PIVOT = 60  # `98` is 1998, `25` is 2025
FUTURE_DAYS = 100  # "1 October" in a report of August is this year's; "December" in May was last year's


@dataclass(frozen=True)
class Context:
    """What an expression is resolved against.

    `anchor` is the latest day mentioned before it, `told` the first day of the latest month or year, `near` the one in the same sentence, `before` and
    `after` the words around it.
    """

    report_date: date | None
    anchor: date | None
    day_first: bool
    before: str = ""
    after: str = ""
    near: date | None = None
    told: date | None = None


Value = str | None
_BREAK = re.compile(r"-\s*|\s")  # a scan breaks a word, most often at the end of its line
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
    elif (context.report_date - made).days > 365 - FUTURE_DAYS // 2 and is_future(context.before, context.after):
        made = made.replace(year=made.year + 1)
    return made


def known(day: date | None) -> date:
    if day is None:
        raise ValueError("nothing to resolve against")
    return day


def full_date(match: re.Match[str], context: Context) -> Value:
    groups = match.groupdict()
    day, month = int((groups.get("day") or "1").upper().replace("O", "0")), month_of(match)
    if groups.get("lastyear") or groups.get("lastyear2"):
        return date(known(context.report_date).year - 1, month, day).isoformat()
    made = date(year_of(groups["year"]), month, day) if groups.get("year") else with_year(month, day, context)
    return made.isoformat()


def ordinal_date(match: re.Match[str], context: Context) -> Value:
    """`the eleventh of April`, `the fifteenth`: the latest one where no month is told."""
    groups, day = match.groupdict(), ORDINALS[match["ordinal"].lower()]
    if not groups.get("month"):
        return latest_day(day, context)
    month = month_of(match)
    made = date(year_of(groups["year"]), month, day) if groups.get("year") else with_year(month, day, context)
    return made.isoformat()


def year_of(text: str) -> int:
    value = int(text.upper().replace("O", "0"))
    return value if value > 99 else value + (1900 if value > PIVOT else 2000)


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


def weekday_of(match: re.Match[str], context: Context) -> Value:
    today = known(context.report_date)
    target = WEEKDAYS[match["weekday"].lower().rstrip(".")]
    which = (match.groupdict().get("which") or "").lower()
    back = (today.weekday() - target) % 7
    if "week" in which or "wk" in which:  # Monday of last week
        monday = today - timedelta(days=today.weekday() + 7)
        made = monday + timedelta(days=target)
    elif which in ("next", "prochain"):
        made = today + timedelta(days=(target - today.weekday() - 1) % 7 + 1)
    elif which in ("this", "coming") or (not which and is_future(context.before, context.after)):
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
    if unit.startswith(("day", "night", "jour", "día", "dia")):
        return (today - timedelta(days=number)).isoformat()
    if unit.startswith(("week", "sem")):
        return (today - timedelta(weeks=number)).isoformat()
    if unit.startswith(("mo", "me")):
        return month_after(today, -number)
    if unit.startswith("decade"):
        return f"{today.year - number * 10}"[:3] + "0/" + f"{today.year - number * 10}"[:3] + "9"
    return str(today.year - number)


def days_from_anchor(offset: int) -> Resolver:
    return lambda match, context: (known(context.anchor) + timedelta(days=offset)).isoformat()


def days_later(match: re.Match[str], context: Context) -> Value:
    """`two days later`, `a year earlier`: from the latest day mentioned; of months and years as finely as they tell."""
    unit = match["unit"].lower()
    # "up from a year earlier": as seen from the report, which no day or week is.
    told = context.told if unit.startswith(("month", "year")) else None
    day = known(context.anchor or told or (context.report_date if unit.startswith("year") else None))
    number = number_of(match) * (-1 if match["way"].lower() in ("earlier", "before") else 1)
    if unit.startswith("year"):
        return str(day.year + number)
    if unit.startswith("month"):
        return month_after(day, number)
    return (day + timedelta(days=number * (7 if unit.startswith("week") else 1))).isoformat()


def month_after(day: date, months: int) -> str:
    """The month that is so many after that of `day`, `YYYY-MM`."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return f"{year}-{month + 1:02}"


def weekday_after(match: re.Match[str], context: Context) -> Value:
    """`the following Monday`: the next one after the latest day mentioned."""
    day = known(context.anchor)
    target = WEEKDAYS[(match["weekday"] or match["weekday2"]).lower().rstrip(".")]
    return (day + timedelta(days=(target - day.weekday() - 1) % 7 + 1)).isoformat()


def clock_only(match: re.Match[str], context: Context) -> Value:
    day = context.near or context.report_date
    shift = match.groupdict().get("shift")
    if shift:
        day = known(context.report_date) + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(shift.lower(), 0))
    return f"{known(day).isoformat()}T{clock_of(match)}"


def word_hour(match: re.Match[str], context: Context) -> Value:
    part = match["part"] or ""
    small = number_of(match) <= 4 and re.search("in the night|at night", match.group(), re.I)
    hour = number_of(match) % 12 + (12 if re.search("afternoon|evening|night|tonight", part, re.I) and not small else 0)
    offset = -1 if "yesterday" in match.group().lower() else 1 if "tomorrow" in match.group().lower() else 0
    return f"{(known(context.report_date) + timedelta(days=offset)).isoformat()}T{hour:02}:00"


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


def day_of_this_month(match: re.Match[str], context: Context) -> Value:
    return known(context.report_date).replace(day=int(match["day"])).isoformat()


def day_of_month(match: re.Match[str], context: Context) -> Value:
    return latest_day(int(match["day"]), context)


def latest_day(day: int, context: Context) -> Value:
    """`the 24th`: in the month of the latest day mentioned, or the latest such day."""
    anchor = context.anchor
    if anchor is not None:
        return anchor.replace(day=day).isoformat()
    today = known(context.report_date)
    months = today.year * 12 + today.month - 1 - (day > today.day)
    return date(months // 12, months % 12 + 1, day).isoformat()


def feast(match: re.Match[str], context: Context) -> Value:
    """A day of every year that bears a name."""
    month, day = FEASTS[match["name"].lower().replace("’", "'")]
    if match["year"]:
        return date(int(match["year"]), month, day).isoformat()
    today = known(context.report_date)
    made = date(today.year, month, day)
    ahead = is_future(context.before, context.after)
    if made > today and not ahead:
        made = made.replace(year=made.year - 1)
    elif made < today and ahead:
        made = made.replace(year=made.year + 1)
    return made.isoformat()


def year_alone(match: re.Match[str], context: Context) -> Value:
    return match["year"]


def night_of_weekdays(match: re.Match[str], context: Context) -> Value:
    last = date.fromisoformat(str(weekday_of(match, context)))
    return f"{(last - timedelta(days=1)).isoformat()}/{last.isoformat()}"


def unresolved(match: re.Match[str], context: Context) -> Value:
    return None


def digits(match: re.Match[str], context: Context) -> Value:
    """`20240312` and `2024/03/12`."""
    return date(int(match["year"]), int(match["m"]), int(match["d"])).isoformat()
