"""Expressions of time in a report, found by a grammar and resolved against the report's date.

Nothing is ever taken to be the report date by default: what cannot be resolved stays unresolved. A
clear expression (`12 March 2025`, `yesterday`) is taken as it stands; one that may be something else
(`May`, `0552`) only where the encoder tagged it. Values are ISO 8601, intervals `first/last`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.extract.numbers import NUMBER_WORDS
from pipeline.report import DateMention, Tag

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier enero", "february feb febuary février fevrier febrero", "march mar mars marzo",
            "april apr avril abril", "may mai mayo", "june jun juin junio", "july jul juillet julio",
            "august aug août aout agosto", "september sept sep septembre septiembre", "october oct 0ctober octobre octubre",
            "november nov novembre noviembre", "december dec décembre decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon lundi lunes", "tuesday tues tue mardi martes", "wednesday wed weds mercredi miércoles",
            "thursday thurs thur thu jeudi jueves", "friday fri vendredi viernes", "saturday sat samedi sábado",
            "sunday sun dimanche domingo",
        )
    )
    for name in names.split()
}  # fmt: skip
_NUMBERS = NUMBER_WORDS | {"a": 1, "an": 1, "couple of": 2, "a couple of": 2}
_SEASONS = {"spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "winter": (12, 2)}

_MONTH = r"(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_DAY2 = r"(?P<day2>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_WEEKDAY = r"(?P<weekday>" + "|".join(sorted(_WEEKDAYS, key=len, reverse=True)) + r")\b\.?"
_NUMBER = r"(?P<number>\d{1,3}|" + "|".join(sorted((k for k in _NUMBERS if k != "zero"), key=len, reverse=True)) + ")"
_PART = r"(?:early |late )?(?:morning|afternoon|evening|nights?|nite)"
_TO = r"\s*(?:-|–|—|to|and|until|through|/|&)\s*"
_DTG_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"

FUTURE_DAYS = 100  # "1 October" in a report of August is this year's; "December" in May was last year's


@dataclass(frozen=True)
class _Context:
    """What an expression is resolved against.

    `anchor` is the latest day mentioned before it, `near` the one in the same sentence, `before` the
    words right before it.
    """

    report_date: date | None
    anchor: date | None
    day_first: bool
    before: str = ""
    near: date | None = None


_LOG_TIME = re.compile(r"(?:0\d|1[0-8]|2[1-3])[0-5]\d[A-Z]?")
_LOG_TIME_OR_YEAR = re.compile(r"(?:19|20)[0-5]\d")
# What the encoder may be right about though the grammar does not know it: words, or a number of four digits.
_MAY_BE_TIME = re.compile(r"[^\W\d_]{2}|\d{4}")
_SENTENCE_END = re.compile(r"[.!?]\s|\n")

Value = str | None
_Resolver = Callable[[re.Match[str], _Context], Value]


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    resolve: _Resolver
    sure: bool
    basis: str


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    rule: _Rule
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
        context = _Context(
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
    for start, end in tagged:
        if all(end <= m.start or start >= m.end for m in mentions) and _MAY_BE_TIME.search(text[start:end]):
            mentions.append(DateMention(start, end, text[start:end], None, "tagged"))
    return sorted(mentions, key=lambda m: m.start)


def _choose(text: str, tagged: Sequence[tuple[int, int]]) -> list[_Found]:
    """Non-overlapping matches: longer before shorter, clear before unclear."""
    found = []
    log = any(_LOG_TIME.fullmatch(text[start:end]) for start, end in tagged)
    for rank, rule in enumerate(_RULES):
        for match in rule.pattern.finditer(text):
            start, end = match.span("x") if "x" in match.re.groupindex else match.span()
            # A full stop belongs to an abbreviation (`30 Oct.`), not to a name written out.
            if text[end - 1] == "." and re.search(r"(?:[a-z]{5,}|may|june|july)\.$", text[start:end], re.I):
                end -= 1
            if log and rule.resolve is _year_alone and not rule.sure and _LOG_TIME_OR_YEAR.fullmatch(text[start:end]):
                continue  # in a radio log 2000 is eight in the evening
            if start < end and (rule.sure or any(start < e and s < end for s, e in tagged)):
                found.append((start - end, rank, _Found(start, end, rule, match)))
    chosen: list[_Found] = []
    for _, _, candidate in sorted(found, key=lambda f: f[:2]):
        if all(candidate.end <= c.start or candidate.start >= c.end for c in chosen):
            chosen.append(candidate)
    return sorted(chosen, key=lambda c: c.start)


def _day_first(text: str) -> bool:
    """The habit of a text that writes 03/04: month first only where it shows a day above 12 second."""
    return not re.search(r"\b(?:0?[1-9]|1[0-2])[/.-](?:1[3-9]|2\d|3[01])[/.-]\d{2,4}\b", text)


def _day_of(iso: str) -> date | None:
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)", iso.split("/")[-1])
    return date(*map(int, match.groups())) if match else None


def _month(match: re.Match[str], group: str = "month") -> int:
    return _MONTHS[match[group].lower()]


def _number(match: re.Match[str]) -> int:
    word = match["number"].lower()
    return int(word) if word.isdigit() else _NUMBERS[word]


def _with_year(month: int, day: int, context: _Context) -> date:
    """The day in the year that makes sense: not long after the report."""
    if context.report_date is None:
        raise ValueError("no report date")
    made = date(context.report_date.year, month, min(day, monthrange(context.report_date.year, month)[1]))
    if (made - context.report_date).days > FUTURE_DAYS:
        made = made.replace(year=made.year - 1)
    elif (context.report_date - made).days > 365 - FUTURE_DAYS // 2 and _is_future(context):
        made = made.replace(year=made.year + 1)
    return made


def _is_future(context: _Context) -> bool:
    return bool(re.search(r"\b(will|planned|plans|until|by|scheduled|next|expected|due)\b[^.]*$", context.before))


def _require(day: date | None) -> date:
    if day is None:
        raise ValueError("nothing to resolve against")
    return day


def _full(match: re.Match[str], context: _Context) -> Value:
    groups = match.groupdict()
    day, month = int(groups.get("day") or 1), _month(match)
    made = date(_year(groups["year"]), month, day) if groups.get("year") else _with_year(month, day, context)
    return made.isoformat()


def _year(text: str) -> int:
    value = int(text.upper().replace("O", "0"))
    return value if value > 99 else 2000 + value


def _clock(match: re.Match[str]) -> str:
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


def _numeric(match: re.Match[str], context: _Context) -> Value:
    first, second = int(match["first"]), int(match["second"])
    day, month = (second, first) if second > 12 or (not context.day_first and first <= 12) else (first, second)
    year = match.groupdict().get("year")
    made = date(_year(year), month, day) if year else _with_year(month, day, context)
    return made.isoformat()


def _iso(match: re.Match[str], context: _Context) -> Value:
    made = date(int(match["year"]), int(match["m"]), int(match["d"]))
    return made.isoformat() + (f"T{match['clock']}" if match["clock"] else "")


def _day_range(match: re.Match[str], context: _Context) -> Value:
    groups = match.groupdict()
    last_month = _month(match)
    year = _year(groups["year"]) if groups.get("year") else None
    last = date(year, last_month, int(match["day2"])) if year else _with_year(last_month, int(match["day2"]), context)
    first_month = _MONTHS[groups["month1"].lower()] if groups.get("month1") else last_month
    first = date(last.year - (first_month > last_month), first_month, int(match["day"]))
    return f"{first.isoformat()}/{last.isoformat()}"


def _month_range(match: re.Match[str], context: _Context) -> Value:
    last_month, first_month = _month(match), _MONTHS[match["month1"].lower()]
    last_year = int(match["year"]) if match["year"] else _with_year(last_month, 1, context).year
    first_year = int(match["year1"]) if match["year1"] else last_year - (first_month > last_month)
    return f"{first_year}-{first_month:02}/{last_year}-{last_month:02}"


def _month_year(match: re.Match[str], context: _Context) -> Value:
    groups = match.groupdict()
    month = _month(match)
    if groups.get("year"):
        year = int(groups["year"])
    elif groups.get("lastyear"):
        year = _require(context.report_date).year - 1
    else:
        year = _with_year(month, 1, context).year
    part = (groups.get("part") or "").lower().strip(" -")
    return _part_of_month(year, month, part) if part else f"{year}-{month:02}"


def _part_of_month(year: int, month: int, part: str) -> str:
    end = monthrange(year, month)[1]
    first, last = {
        "early": (1, 10), "mid": (10, 20), "late": (21, end), "the end of": (end, end), "end of": (end, end),
        "the beginning of": (1, 10), "the start of": (1, 10),
    }[part]  # fmt: skip
    start = date(year, month, first).isoformat()
    return start if first == last else f"{start}/{date(year, month, last).isoformat()}"


def _weekday(match: re.Match[str], context: _Context) -> Value:
    today = _require(context.report_date)
    target = _WEEKDAYS[match["weekday"].lower().rstrip(".")]
    which = (match.groupdict().get("which") or "").lower()
    back = (today.weekday() - target) % 7
    if "week" in which:  # Monday of last week
        monday = today - timedelta(days=today.weekday() + 7)
        made = monday + timedelta(days=target)
    elif which == "next":
        made = today + timedelta(days=(target - today.weekday() - 1) % 7 + 1)
    elif which in ("this", "coming") or (not which and _is_future(context)):
        made = today + timedelta(days=(target - today.weekday()) % 7)
    else:
        made = today - timedelta(days=back or (7 if which else 0))
    return made.isoformat()


def _weekday_date(match: re.Match[str], context: _Context) -> Value:
    """`Thursday 30`: the nearest such day of the month."""
    today = _require(context.report_date)
    for distance in range(45):
        for made in (today - timedelta(days=distance), today + timedelta(days=distance)):
            if made.day == int(match["day"]) and made.weekday() == _WEEKDAYS[match["weekday"].lower().rstrip(".")]:
                return made.isoformat()
    raise ValueError("no such day")


def _days(offset: int) -> _Resolver:
    return lambda match, context: (_require(context.report_date) + timedelta(days=offset)).isoformat()


def _ago(match: re.Match[str], context: _Context) -> Value:
    today, number, unit = _require(context.report_date), _number(match), match["unit"].lower()
    if unit.startswith(("day", "jour")):
        return (today - timedelta(days=number)).isoformat()
    if unit.startswith(("week", "semaine")):
        return (today - timedelta(weeks=number)).isoformat()
    if unit.startswith("mo"):
        months = today.year * 12 + today.month - 1 - number
        return f"{months // 12}-{months % 12 + 1:02}"
    return str(today.year - number)


def _anchored(offset: int) -> _Resolver:
    return lambda match, context: (_require(context.anchor) + timedelta(days=offset)).isoformat()


def _later(match: re.Match[str], context: _Context) -> Value:
    days = _number(match) * (7 if match["unit"].lower().startswith("week") else 1)
    sign = -1 if match["way"].lower() in ("earlier", "before") else 1
    return (_require(context.anchor) + timedelta(days=sign * days)).isoformat()


def _period(match: re.Match[str], context: _Context) -> Value:
    today = _require(context.report_date)
    step = {"last": -1, "past": -1, "previous": -1, "this": 0, "current": 0, "next": 1, "coming": 1}[
        match["which"].lower()
    ]
    unit = match["unit"].lower()
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


def _last_month(match: re.Match[str], context: _Context) -> Value:
    """`last June`: the latest one that is over."""
    today, month = _require(context.report_date), _month(match)
    step = -1 if match["which"].lower() == "last" else 1
    year = today.year if (month < today.month) == (step < 0) and month != today.month else today.year + step
    return f"{year}-{month:02}"


def _clock_only(match: re.Match[str], context: _Context) -> Value:
    day = context.near or context.report_date
    shift = match.groupdict().get("shift")
    if shift:
        day = _require(context.report_date) + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(shift.lower(), 0))
    return f"{_require(day).isoformat()}T{_clock(match)}"


def _word_hour(match: re.Match[str], context: _Context) -> Value:
    hour = _number(match) % 12 + (12 if re.search("afternoon|evening|night|tonight", match["part"] or "", re.I) else 0)
    offset = -1 if "yesterday" in match.group().lower() else 1 if "tomorrow" in match.group().lower() else 0
    return f"{(_require(context.report_date) + timedelta(days=offset)).isoformat()}T{hour:02}:00"


def _week(match: re.Match[str], context: _Context) -> Value:
    """An ISO 8601 week."""
    year = int(match["year"]) if match["year"] else _require(context.report_date).year
    monday = date.fromisocalendar(year, int(match["week"]), 1)
    return f"{monday.isoformat()}/{(monday + timedelta(days=6)).isoformat()}"


def _named_hour(match: re.Match[str], context: _Context) -> Value:
    day = _require(context.near or context.report_date)
    if shift := match.groupdict().get("shift"):
        day = _require(context.report_date) + timedelta(days={"yesterday": -1, "tomorrow": 1}[shift.lower()])
    word = match["word"].lower()
    made = day.isoformat()
    return f"{made}T12:00" if word in ("noon", "midday") else f"{made}T00:00" if word == "midnight" else made


def _military(match: re.Match[str], context: _Context) -> Value:
    """A date-time group: `110630ZMAR25`, `081745NOV`, `262302C`."""
    groups = match.groupdict()
    day = int(match["day"])
    if groups.get("month"):
        made = (
            date(_year(groups["year"]), _month(match), day)
            if groups.get("year")
            else _with_year(_month(match), day, context)
        )
    else:
        today = _require(context.report_date)
        month = today.month if day <= today.day + 3 else (today.month - 2) % 12 + 1
        made = date(today.year - (month > today.month), month, day)
    return f"{made.isoformat()}T{_clock(match)}"


def _day_of_month(match: re.Match[str], context: _Context) -> Value:
    """`the 24th`: in the month of the latest day mentioned, or the latest such day."""
    day, anchor = int(match["day"]), context.anchor
    if anchor is not None:
        return anchor.replace(day=day).isoformat()
    today = _require(context.report_date)
    months = today.year * 12 + today.month - 1 - (day > today.day)
    return date(months // 12, months % 12 + 1, day).isoformat()


def _season(match: re.Match[str], context: _Context) -> Value:
    first, last = _SEASONS[match["season"].lower()]
    year = (
        int(match["year"]) if match["year"] else _require(context.report_date).year - ("last" in match.group().lower())
    )
    return f"{year}-{first:02}/{year + (last < first)}-{last:02}"


def _quarter(match: re.Match[str], context: _Context) -> Value:
    quarter = (
        int(match["q"])
        if match["q"]
        else {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 4}[match["ordinal"].lower()]
    )
    year = int(match["year"]) if match["year"] else _require(context.report_date).year
    return f"{year}-{quarter * 3 - 2:02}/{year}-{quarter * 3:02}"


def _half_year(match: re.Match[str], context: _Context) -> Value:
    part, year = match["part"].lower(), match["year"]
    first, last = {"early": (1, 3), "mid": (5, 8), "late": (10, 12), "the first half of": (1, 6), "the second half of": (7, 12),
                   "the end of": (12, 12), "the beginning of": (1, 3), "the start of": (1, 3)}[part.rstrip("-")]  # fmt: skip
    return f"{year}-{first:02}/{year}-{last:02}" if first != last else f"{year}-{first:02}"


def _years(match: re.Match[str], context: _Context) -> Value:
    first, last = match["first"], match["last"]
    return f"{first}/{last if len(last) == 4 else first[:2] + last}"


def _year_alone(match: re.Match[str], context: _Context) -> Value:
    return match["year"]


def _night_of_weekdays(match: re.Match[str], context: _Context) -> Value:
    last = date.fromisoformat(str(_weekday(match, context)))
    return f"{(last - timedelta(days=1)).isoformat()}/{last.isoformat()}"


def _unresolved(match: re.Match[str], context: _Context) -> Value:
    return None


def _end_of_period(match: re.Match[str], context: _Context) -> Value:
    today = _require(context.report_date)
    if match["unit"].lower() == "year":
        return date(today.year, 12, 31).isoformat()
    return today.replace(day=monthrange(today.year, today.month)[1]).isoformat()


def _rule(pattern: str, resolve: _Resolver, basis: str, *, sure: bool = True, case: bool = False) -> _Rule:
    return _Rule(re.compile(rf"(?<![\w/]){pattern}(?![\w])", 0 if case else re.IGNORECASE), resolve, sure, basis)


_MONTH1 = _MONTH.replace("?P<month>", "?P<month1>")
_OF = r"(?: of|,)?\s+"
_RULES: tuple[_Rule, ...] = (
    _rule(rf"{_YEAR}-(?P<m>0[1-9]|1[0-2])-(?P<d>0[1-9]|[12]\d|3[01])(?:[T ](?P<clock>[0-2]\d:[0-5]\d)(?::\d\d)?Z?)?", _iso, "calendar"),
    _rule(rf"{_DAY}\s+{_MONTH1}(?:\s+(?:19|20)\d\d)?{_TO}{_DAY2}\s+{_MONTH}(?:,?\s+{_YEAR})?", _day_range, "calendar"),
    _rule(rf"(?:(?:the )?night (?:of |from )?(?:the )?)?{_DAY}{_TO}{_DAY2}{_OF}{_MONTH}(?:,?\s+{_YEAR})?", _day_range, "calendar"),
    _rule(rf"{_MONTH}\s+{_DAY}{_TO}{_DAY2}(?:,?\s+{_YEAR})?", _day_range, "calendar"),
    _rule(rf"(?:{_WEEKDAY},?\s+)?(?:the )?{_DAY}{_OF}{_MONTH}(?:,?\s+(?:of )?{_YEAR}|\s+(?P<lastyear>(?:of )?last year))?(?:, a \w+day)?", _full, "calendar"),
    _rule(rf"(?:{_WEEKDAY},?\s+)?{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?", _full, "calendar"),
    _rule(rf"{_DAY}[- ]{_MONTH}[- ](?P<year>\d\d|2[0O]\d\d)", _full, "calendar"),
    _rule(r"(?P<first>\d{1,2})[/.](?P<second>\d{1,2})[/.](?P<year>(?:19|20)?\d\d)", _numeric, "calendar"),
    _rule(r"(?P<first>3[01]|[12]\d|0?[1-9])/(?P<second>0?[1-9]|1[0-2])", _numeric, "day_first_assumed", sure=False),
    _rule(rf"(?P<day>0[1-9]|[12]\d|3[01])\s?(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\s?[A-Z]?\s?{_DTG_MONTH}\s?(?P<year>(?:20)?\d\d)?", _military, "date_time_group"),
    _rule(r"(?P<day>0[1-9]|[12]\d|3[01])(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)[A-Z]", _military, "date_time_group", case=True),
    _rule(rf"{_MONTH1}(?:\s+(?P<year1>(?:19|20)\d\d))?\s*(?:-|–|to|until|through)\s*{_MONTH}\s+(?:of\s+)?{_YEAR}", _month_range, "calendar"),
    _rule(rf"{_MONTH1}(?:\s+(?P<year1>(?:19|20)\d\d))?\s+(?:to|until|through)\s+{_MONTH}(?:\s+{_YEAR})?", _month_range, "calendar"),
    _rule(rf"(?P<part>early|mid|late|(?:the )?end of|the (?:beginning|start) of)[\s-]+{_MONTH}(?:,?\s+{_YEAR})?", _month_year, "calendar"),
    _rule(rf"{_MONTH}(?:,? of|,)?\s+(?:{_YEAR}|(?P<lastyear>last year))", _month_year, "calendar"),
    _rule(rf"(?P<which>last|next)\s+{_MONTH}", _last_month, "report_date"),
    _rule(_MONTH, _month_year, "report_date", sure=False),
    _rule(r"(?P<x>(?:January|February|April|June|July|August|September|October|November|December))", lambda m, c: _month_year(re.match(_MONTH, m["x"], re.I), c), "report_date", case=True),  # type: ignore[arg-type]
    _rule(rf"{_WEEKDAY} (?:of |in )?(?P<which>last week|the other week)", _weekday, "report_date"),
    _rule(rf"(?:the )?night (?:from |of )?\w+day (?:to|into|and) {_WEEKDAY}", _night_of_weekdays, "report_date"),
    _rule(rf"(?:(?P<which>last|next|this|past|coming)\s+)?(?P<x>{_WEEKDAY}(?:\s+{_PART})?)", _weekday, "report_date", sure=False),
    _rule(rf"(?P<which>last|next|this|past|coming)\s+{_WEEKDAY}(?:\s+{_PART})?", _weekday, "report_date"),
    _rule(rf"(?P<x>(?P<weekday>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)(?:\s+{_PART})?)", _weekday, "report_date", case=True),
    _rule(rf"{_WEEKDAY},?\s+(?:the )?(?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)?", _weekday_date, "report_date"),
    _rule(r"(?:(?:the day )?before yesterday|avant-hier|anteayer)", _days(-2), "report_date"),
    _rule(r"(?:the day after tomorrow|après-demain)", _days(2), "report_date"),
    _rule(rf"(?:yesterday|yest|ystrday|ystday|hier|ayer)(?:\s+(?:{_PART}|noon|midday))?", _days(-1), "report_date"),
    _rule(r"yest(?:erday)?\s+(?:at\s+)?(?P<word>noon|midday)", lambda m, c: f"{(_require(c.report_date) - timedelta(days=1)).isoformat()}T12:00", "report_date"),
    _rule(r"(?:last (?:night|nite|evening)|la nuit dernière|anoche)", _days(-1), "report_date"),
    _rule(r"(?:today|2day|tonight|tonite|2nite|(?:this|dis) (?:early )?(?:morning|afternoon|evening|night)|ce matin|ce soir|aujourd['’]hui|hoy|esta mañana)", _days(0), "report_date"),
    _rule(rf"(?:tomorrow|tmrw|tomoro|2moro|2morrow|demain|mañana)(?:\s+{_PART})?", _days(1), "report_date"),
    _rule(rf"{_NUMBER}\s+(?P<unit>days?|weeks?|months?|years?)\s+ago", _ago, "report_date"),
    _rule(rf"il y a {_NUMBER}\s+(?P<unit>jours|semaines|mois|ans)", _ago, "report_date"),
    _rule(rf"{_NUMBER}\s+(?P<unit>days?|weeks?)\s+(?P<way>later|earlier|before|after)", _later, "text"),
    _rule(r"the (?:next|following) (?:day|morning|afternoon|evening|night)", _anchored(1), "text"),
    _rule(r"(?:the (?:previous|preceding) (?:day|evening|night)|the (?:day|night|evening) before)", _anchored(-1), "text"),
    _rule(r"(?:(?:the|that) same (?:day|morning|afternoon|evening|night)|that (?:day|morning|afternoon|evening|night))", _anchored(0), "text", sure=False),
    _rule(r"(?P<which>last|past|previous|this|current|next|coming)\s+(?P<unit>week|weekend|month|year)(?!\s+(?:old|long))", _period, "report_date"),
    _rule(r"the end of (?:the|this) (?P<unit>month|year)", _end_of_period, "report_date"),
    _rule(rf"(?:(?:the )?(?P<ordinal>first|second|third|fourth|last) quarter|Q(?P<q>[1-4]))(?:(?: of)?\s+{_YEAR})?", _quarter, "calendar"),
    _rule(rf"(?P<part>early|mid-?|late|the (?:first|second) half of|the (?:end|beginning|start) of)[\s-]*{_YEAR}", _half_year, "calendar"),
    _rule(rf"(?:the |last )?(?P<season>spring|summer|autumn|winter)(?: of)?(?:\s+{_YEAR})?", _season, "calendar", sure=False),
    _rule(r"(?P<first>(?:19|20)\d\d)\s?(?:-|–|/|to)\s?(?P<last>(?:19|20)?\d\d)", _years, "calendar", sure=False),
    _rule(rf"(?:the year\s+){_YEAR}", _year_alone, "calendar"),
    _rule(rf"{_YEAR}", _year_alone, "calendar", sure=False),
    _rule(r"(?:(?<=in )|(?<=since )|(?<=during )|(?<=until )|(?<=of ))(?P<year>(?:19[4-9]|20[0-4])\d)", _year_alone, "calendar"),
    _rule(r"the (?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)(?!\s+(?:century|brigade|battalion|division|infantry|session|meeting|time|anniversary|floor|district|street|regiment|company|grade|report))", _day_of_month, "text", sure=False),
    _rule(r"(?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)", _day_of_month, "text", sure=False),
    _rule(r"(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d)\s?(?P<half>a\.?m\.?|p\.?m\.?)?(?:\s?(?:hrs|hours|h|Z|UTC|GMT))?", _clock_only, "clock", sure=False),
    _rule(r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\s?(?:hrs|hours|h)", _clock_only, "clock"),
    _rule(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?:\s?(?:hrs|hours|h))?", _clock_only, "clock"),
    _rule(r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)[A-Z]?", _clock_only, "clock", sure=False),
    _rule(r"(?P<hour>1[0-2]|0?[1-9])\s?(?P<half>a\.?m\.?|p\.?m\.?)", _clock_only, "clock"),
    _rule(r"(?P<hour>2[0-3]|[01]?\d)\s?h", _clock_only, "clock", sure=False),
    _rule(rf"{_NUMBER}(?: o'clock)? (?:in the |this |yesterday |tomorrow )(?P<part>morning|afternoon|evening|night)", _word_hour, "clock", sure=False),
    _rule(r"(?P<word>noon|midday|midnight) (?P<shift>yesterday|tomorrow)", _named_hour, "clock"),
    _rule(r"(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d) (?P<shift>yesterday|today|tomorrow)", _clock_only, "clock"),
    _rule(r"(?P<number>one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|1[0-2]|[1-9]) o['’]clock(?: (?P<part>this morning|in the morning|in the afternoon|this afternoon|in the evening|this evening|tonight|at night|tomorrow morning|yesterday evening))?", _word_hour, "clock"),
    _rule(r"(?:week|wk)\.? (?P<week>[1-5]?\d)(?:[ ,/]+(?P<year>20\d\d))?", _week, "calendar", sure=False),
    _rule(r"(?P<word>noon|midday|midnight|dawn|dusk|nightfall|sunrise|sunset|first light)", _named_hour, "clock", sure=False),
    _rule(r"(?:recently|in recent (?:days|weeks|months)|lately|these days|some time ago)", _unresolved, "vague", sure=False),
)  # fmt: skip
