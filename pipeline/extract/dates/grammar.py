"""The grammar: which wordings are expressions of time, how sure that is, and which function resolves each.

Longer matches go before shorter ones, earlier rules before later ones. A rule that is not `sure` counts only where the
encoder tagged the words as a date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from pipeline.extract.dates import periods as p
from pipeline.extract.dates import values as v
from pipeline.extract.dates.vocabulary import MONTHS, NUMBERS, ORDINALS, OTHER_MONTHS, UNITS, WEEKDAYS

# A scan may break a month's name at the end of a line.
_NAMES = "|".join(
    r"(?:-\s*| )?".join(name) if len(name) > 5 else r"(?:-\s*)?".join(name) if len(name) > 3 else name
    for name in sorted(MONTHS, key=len, reverse=True)
)
_MONTH = rf"(?P<month>{_NAMES})\b\.?"
_ORDINALS = "|".join(sorted(ORDINALS, key=len, reverse=True))
_DAY = r"(?P<day>3[01]|[12]\d|[0O]?[1-9])(?:st|nd|rd|th|er)?"
_DAY2 = r"(?P<day2>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_WEEKDAY = r"(?P<weekday>" + "|".join(sorted(WEEKDAYS, key=len, reverse=True)) + r")\b\.?"
_NUMBER = r"(?P<number>\d{1,3}|" + "|".join(sorted((k for k in NUMBERS if k != "zero"), key=len, reverse=True)) + ")"
_PART = r"(?:early |late )?(?:morning|afternoon|evening|nights?|nite)"
_TO = r"\s*(?:-|–|—|to|and|until|till|through|au|et|al|y|/|&)\s*"
_UP_TO = r"\s*(?:-|–|—|to|until|till|through|au|al|/)\s*"
_DTG_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    resolve: v.Resolver
    sure: bool
    basis: str


def _rule(pattern: str, resolve: v.Resolver, basis: str, *, sure: bool = True, case: bool = False) -> Rule:
    return Rule(re.compile(rf"(?<![\w/]){pattern}(?![\w])", 0 if case else re.IGNORECASE), resolve, sure, basis)


_MONTH1 = _MONTH.replace("?P<month>", "?P<month1>")
_ANY_DAY = r"3[01]|[12]\d|0?[1-9]"
_OTHER = "|".join(OTHER_MONTHS)
_OF = r"(?: of| de|,)?\s+"
_YEAR_AFTER = rf"(?:,?\s+(?:of |del? )?{_YEAR})"
RULES: tuple[Rule, ...] = (
    _rule(rf"{_YEAR}-(?P<m>0[1-9]|1[0-2])-(?P<d>0[1-9]|[12]\d|3[01])(?:[T ](?P<clock>[0-2]\d:[0-5]\d)(?::\d\d)?Z?)?", v.iso_date, "calendar"),
    _rule(rf"{_DAY}\s+{_MONTH1}(?:\s+(?:19|20)\d\d)?{_UP_TO}{_DAY2}\s+{_MONTH}(?:,?\s+{_YEAR})?", v.day_range, "calendar"),
    _rule(rf"(?:(?:the )?night (?:of |from )?(?:the )?)?{_DAY}{_TO}{_DAY2}{_OF}{_MONTH}(?:,?\s+{_YEAR})?", v.day_range, "calendar"),
    _rule(rf"{_MONTH1}\s+{_DAY}(?:,?\s+(?:19|20)\d\d)?\s*(?:-|–|—|to|until|till|through)\s*{_MONTH}\s+{_DAY2}(?:,?\s+{_YEAR})?", v.day_range, "calendar"),
    _rule(rf"{_MONTH}\s+{_DAY}{_TO}{_DAY2}(?:,?\s+{_YEAR})?", v.day_range, "calendar"),
    _rule(rf"(?:{_WEEKDAY},?\s+)?(?:the )?{_DAY}{_OF}{_MONTH}(?:{_YEAR_AFTER}|\s+(?P<lastyear>(?:of )?last year)|(?:,\s+(?P<lastyear2>last year)))?(?:, a \w+day)?", v.full_date, "calendar"),
    _rule(rf"(?:{_WEEKDAY},?\s+)?{_MONTH}(?:(?<!\.)\s+|(?<=\.)[ \t]+)(?:the )?{_DAY}(?![.:]\d)(?:,?\s+{_YEAR})?", v.full_date, "calendar"),
    _rule(rf"{_DAY}[- ]{_MONTH}[- ](?P<year>\d\d(?!:\d)|2[0O]\d\d)", v.full_date, "calendar"),
    _rule(rf"(?:the )?(?P<ordinal>{_ORDINALS}) of {_MONTH}(?:{_YEAR_AFTER})?", v.ordinal_date, "calendar"),
    _rule(rf"the (?P<ordinal>{_ORDINALS})", v.ordinal_date, "text", sure=False),
    _rule(r"the (?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th) (?:of )?(?:this|the current) month", v.day_of_this_month, "report_date"),
    _rule(rf"{_YEAR}/(?P<m>0[1-9]|1[0-2])/(?P<d>0[1-9]|[12]\d|3[01])", v.digits, "calendar"),
    _rule(rf"{_YEAR}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])", v.digits, "calendar", sure=False),
    _rule(r"(?P<first>\d{1,2})-(?P<second>\d{1,2})-(?P<year>(?:19|20)\d\d)", v.numeric_date, "calendar"),
    _rule(rf"{_DAY}(?P<month>{_NAMES})(?P<year>(?:19|20)\d\d)", v.full_date, "calendar"),
    _rule(r"(?P<first>\d{1,2})[/.](?P<second>\d{1,2})[/.](?P<year>(?:19|20)?\d\d)", v.numeric_date, "calendar"),
    _rule(r"(?P<first>3[01]|[12]\d|0?[1-9])/(?P<second>0?[1-9]|1[0-2])", v.numeric_date, "day_first_assumed", sure=False),
    _rule(rf"(?P<day>0[1-9]|[12]\d|3[01])\s?(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\s?[A-Z]?\s?{_DTG_MONTH}\s?(?P<year>(?:20)?\d\d)?", v.date_time_group, "date_time_group"),
    _rule(r"(?P<day>0[1-9]|[12]\d|3[01])(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)[A-Z]", v.date_time_group, "date_time_group", case=True),
    _rule(r"(?P<day>0[1-9]|[12]\d|3[01])(?P<month>JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(?P<year>\d\d)", v.full_date, "calendar", case=True),
    _rule(rf"{_MONTH1}(?:\s+(?P<year1>(?:19|20)\d\d))?\s*(?:-|–|to|until|till|through)\s*{_MONTH}\s+(?:of\s+)?{_YEAR}", p.month_range, "calendar"),
    _rule(rf"{_MONTH1}(?:\s+(?P<year1>(?:19|20)\d\d))?\s+(?:to|until|till|through)\s+{_MONTH}(?:\s+{_YEAR})?", p.month_range, "calendar"),
    _rule(rf"(?P<part>early|mid|late|(?:the )?end of|the (?:beginning|start|middle) of|début|mi|fin|(?:principios|mediados|finales) de|the (?:first|second|third|last) week of)[\s-]+{_MONTH}(?:{_YEAR_AFTER})?", p.month_year, "calendar"),
    _rule(rf"{_MONTH}(?:,? of|,| del?)?\s+(?:{_YEAR}|(?P<lastyear>last year))", p.month_year, "calendar"),
    _rule(rf"(?P<which>last|next)\s+{_MONTH}", p.last_month, "report_date"),
    _rule(_MONTH, p.month_year, "report_date", sure=False),
    _rule(r"(?P<x>(?:January|February|April|June|July|August|September|October|November|December))", lambda m, c: p.month_year(re.match(_MONTH, m["x"], re.I), c), "report_date", case=True),  # type: ignore[arg-type]
    _rule(rf"{_WEEKDAY} (?:of |in )?(?P<which>last (?:week|wk)|the other week)", v.weekday_of, "report_date"),
    _rule(rf"(?:the )?night (?:from |of )?\w+day (?:to|into|and) {_WEEKDAY}", v.night_of_weekdays, "report_date"),
    _rule(rf"(?:(?P<which>last|next|this|past|coming)\s+)?(?P<x>{_WEEKDAY}(?:\s+{_PART})?)", v.weekday_of, "report_date", sure=False),
    _rule(rf"(?P<which>last|next|this|past|coming)\s+{_WEEKDAY}(?:\s+{_PART})?", v.weekday_of, "report_date"),
    _rule(rf"(?P<x>(?P<weekday>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)(?:\s+{_PART})?)", v.weekday_of, "report_date", case=True),
    _rule(rf"{_WEEKDAY},?\s+(?:the )?(?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)?(?! (?!at|in|on|and|to|the|was|were|when|after|before|by|from|until)[a-z])", v.weekday_date, "report_date"),
    _rule(rf"the (?:following|next) {_WEEKDAY}|the {_WEEKDAY.replace('weekday', 'weekday2')} (?:after|following)", v.weekday_after, "text"),
    _rule(r"(?:(?:the day )?before yesterday|avant-hier|anteayer)", v.days_from_report(-2), "report_date"),
    _rule(r"(?:the day after tomorrow|après-demain)", v.days_from_report(2), "report_date"),
    _rule(rf"(?:yesterday|yest|ystrday|ystday|yday|hier|ayer)(?:\s+(?:{_PART}|noon|midday))?", v.days_from_report(-1), "report_date"),
    _rule(r"yest(?:erday)?\s+(?:at\s+)?(?P<word>noon|midday)", lambda m, c: f"{(v.known(c.report_date) - timedelta(days=1)).isoformat()}T12:00", "report_date"),
    _rule(r"(?:last (?:night|nite|evening)|la nuit dernière|anoche)", v.days_from_report(-1), "report_date"),
    _rule(r"(?:today|2day|tdy|tonight|tonite|2nite|(?:this|dis) (?:early )?(?:morning|afternoon|evening|night)|ce matin|ce soir|aujourd['’]hui|hoy|esta mañana)", v.days_from_report(0), "report_date"),
    _rule(rf"(?:tomorrow|tmrw|tmw|tomoro|2moro|2morrow|demain|mañana)(?:\s+{_PART})?", v.days_from_report(1), "report_date"),
    _rule(rf"{_NUMBER}\s+(?P<unit>days?|nights?|weeks?|months?|years?|decades?)\s+(?:ago|back)", v.ago, "report_date"),
    _rule(rf"{_NUMBER}\s?(?:h|hrs?|hours?|minutes?|mins?)\s+ago", v.days_from_report(0), "report_date"),
    _rule(rf"hace {_NUMBER}\s+(?P<unit>d[ií]as?|semanas?|mes(?:es)?|años?)", v.ago, "report_date"),
    _rule(r"a fortnight ago", v.days_from_report(-14), "report_date"),
    # Oxygen `will last two hours`: there it is a verb.
    _rule(rf"(?:the last|(?<!will )(?<!would )(?<!could )(?<!can )(?<!may )(?<!might )(?<!not )(?<!to )last|(?:the )?(?:past|previous|preceding))\s+{_NUMBER}\s+(?P<unit>hours|days|weeks|months|years|quarters)", p.stretch, "report_date"),
    _rule(rf"(?:la |le |el |l['’])?(?P<unit>{'|'.join(UNITS)})\s+(?P<which>derni(?:er|ère|ere)|passée?|pasad[oa]|prochaine?|próxim[oa])", p.calendar_period, "report_date"),
    _rule(rf"(?:el )?{_WEEKDAY}\s+(?P<which>dernier|pasado)", v.weekday_of, "report_date"),
    _rule(r"the (?P<unit>weekend)", p.calendar_period, "report_date", sure=False),
    _rule(r"(?:the )?(?:(?:early|mid|late)[\s-]+)?(?P<decade>(?:19|20)\d)0s", p.decade, "calendar"),
    _rule(r"the (?:(?:early|mid|late)[\s-]+)?['’](?P<short>[3-9])0s", p.decade, "calendar"),
    _rule(rf"(?P<name>christmas(?: day| eve)?|new year['’]s (?:day|eve)|may day)(?:,? {_YEAR})?", v.feast, "calendar"),
    _rule(rf"(?:(?:{_ANY_DAY})(?: of)? )?(?:{_OTHER})(?:,? 1[34]\d\d)(?: ?(?:AH|A\.H\.|SH))?", v.unresolved, "other_calendar"),
    _rule(rf"(?:(?:{_ANY_DAY})(?: of)? )?(?:{_OTHER})(?:,? 20\d\d)?", v.unresolved, "other_calendar", sure=False),
    _rule(rf"(?:3[2-9]|[4-9]\d)(?:st|nd|rd|th)?(?: of)?\s+{_MONTH}", v.unresolved, "no_such_day", sure=False),
    _rule(rf"il y a {_NUMBER}\s+(?P<unit>jours|semaines|mois|ans)", v.ago, "report_date"),
    _rule(rf"{_NUMBER}\s+(?P<unit>days?|weeks?|months?|years?)\s+(?P<way>later|earlier|before|after)", v.days_later, "text"),
    _rule(r"(?:the )?(?:next|following) (?:day|morning|afternoon|evening|night)", v.days_from_anchor(1), "text"),
    _rule(r"(?:(?:the )?(?:previous|preceding) (?:day|evening|night)|the (?:day|night|evening) before)", v.days_from_anchor(-1), "text"),
    _rule(r"(?:(?:the|that) same (?:day|morning|afternoon|evening|night)|that (?:day|morning|afternoon|evening|night))", v.days_from_anchor(0), "text", sure=False),
    _rule(r"(?:(?P<which>last|past|previous|preceding|this|current|next|coming|earlier this|later this|this past)\s+(?P<unit>week|weekend|month|quarter|year|decade))(?!\s+(?:old|long))", p.calendar_period, "report_date"),
    _rule(r"the end of (?:the|this) (?P<unit>month|year)", p.end_of_period, "report_date"),
    _rule(rf"(?:(?:the )?(?P<ordinal>first|second|third|fourth|last)[ -]quarter|Q(?P<q>[1-4]))(?:(?: of)?\s+(?:{_YEAR}|(?P<lastyear>last year)))?", p.quarter_of, "calendar"),
    _rule(rf"the (?P<part>first|last) (?P<number>three|six|nine|[2-9]|10|11) months of (?:{_YEAR}|(?P<this>(?:the|this) year)|last year)", p.months_of_year, "calendar"),
    _rule(r"the (?P<part>first half|second half) of (?:(?P<this>(?:the|this) year)|last year)", p.half_of_year, "report_date"),
    _rule(rf"(?:the |last )?(?P<season>spring|summer|autumn|fall|winter)(?: of)?\s+{_YEAR}", p.season_of, "calendar"),
    _rule(r"(?:(?<=from )|(?<=between ))(?P<first>(?:19|20)\d\d)\s?(?:-|–|to|and)\s?(?P<last>(?:19|20)\d\d)", p.year_range, "calendar"),
    _rule(rf"the month of {_MONTH}", p.month_year, "report_date"),
    _rule(rf"(?P<part>early|mid-?|late|the (?:first|second) half of|the (?:end|beginning|start) of)[\s-]*{_YEAR}", p.half_year, "calendar"),
    _rule(rf"(?:the |last )?(?P<season>spring|summer|autumn|winter)(?: of)?(?:\s+{_YEAR})?", p.season_of, "calendar", sure=False),
    _rule(r"(?P<first>(?:19|20)\d\d)\s?(?:-|–|/|to)\s?(?P<last>(?:19|20)?\d\d)", p.year_range, "calendar", sure=False),
    _rule(rf"(?:the year\s+){_YEAR}", v.year_alone, "calendar"),
    _rule(rf"{_YEAR}", v.year_alone, "calendar", sure=False),
    _rule(r"(?:(?<=in )|(?<=since )|(?<=during )|(?<=until )|(?<=of ))(?P<year>(?:19[4-9]|20[0-4])\d)", v.year_alone, "calendar"),
    _rule(r"the (?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)(?!\s+(?:century|brigade|battalion|division|infantry|session|meeting|time|anniversary|floor|district|street|regiment|company|grade|report))", v.day_of_month, "text", sure=False),
    _rule(r"(?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)", v.day_of_month, "text", sure=False),
    _rule(r"(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d)\s?(?P<half>a\.?m\.?|p\.?m\.?)?(?:\s?(?:hrs|hours|h|Z|UTC|GMT))?", v.clock_only, "clock", sure=False),
    _rule(r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\s?(?:hrs|hours|h)", v.clock_only, "clock"),
    _rule(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?:\s?(?:hrs|hours|h))?", v.clock_only, "clock"),
    _rule(r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)[A-Z]?", v.clock_only, "clock", sure=False),
    _rule(r"(?P<hour>1[0-2]|0?[1-9])\s?(?P<half>a\.?m\.?|p\.?m\.?)", v.clock_only, "clock"),
    _rule(r"(?P<hour>2[0-3]|[01]?\d)\s?h", v.clock_only, "clock", sure=False),
    _rule(rf"{_NUMBER}(?: o'clock)? (?:in the |this |yesterday |tomorrow )(?P<part>morning|afternoon|evening|night)", v.word_hour, "clock", sure=False),
    _rule(r"(?P<word>noon|midday|midnight) (?P<shift>yesterday|tomorrow)", v.named_hour, "clock"),
    _rule(r"(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d) (?P<shift>yesterday|today|tomorrow)", v.clock_only, "clock"),
    _rule(r"(?P<number>one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|1[0-2]|[1-9]) o['’]clock(?: (?P<part>this morning|in the morning|in the afternoon|this afternoon|in the evening|this evening|tonight|at night|tomorrow morning|yesterday evening))?", v.word_hour, "clock"),
    _rule(r"(?:week|wk)\.? (?P<week>[1-5]?\d)(?:[ ,/]+(?P<year>20\d\d))?", p.iso_week, "calendar", sure=False),
    _rule(r"(?P<word>noon|midday|midnight|dawn|dusk|nightfall|sunrise|sunset|first light)", v.named_hour, "clock", sure=False),
    _rule(r"(?:recently|in recent (?:days|weeks|months)|lately|these days|some time ago)", v.unresolved, "vague", sure=False),
)  # fmt: skip
