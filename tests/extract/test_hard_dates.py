"""Dates that are hard to read: breaks of a scan, capitals, slips, French and Spanish, other calendars, loose periods."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.extract import find_dates
from pipeline.report import Tag

FRIDAY = date(2025, 2, 14)

# text with the expression between brackets; what it means; the encoder tags every bracket
CASES: list[tuple[str, str | None]] = [
    ("ON [12 MAR 2024] THEY CAME", "2024-03-12"),
    ("ON [MARCH 12, 2024] THEY CAME", "2024-03-12"),
    ("[LAST NIGHT] THEY CAME", "2025-02-13"),
    ("[YESTERDAY EVENING] THEY CAME", "2025-02-13"),
    ("on [12 Janaury 2025] they came", "2025-01-12"),
    ("on [3 Feburary 2025] they came", "2025-02-03"),
    ("on [3 Feburary] they came", "2025-02-03"),
    ("on [9 Septmber 2024] they came", "2024-09-09"),
    ("on [9 Setpember 2024] they came", "2024-09-09"),
    ("on [4 Agust 2024] they came", "2024-08-04"),
    ("on [4 Ocotber 2024] they came", "2024-10-04"),
    ("on [4 Novemeber 2024] they came", "2024-11-04"),
    ("on [4 Decmber 2024] they came", "2024-12-04"),
    ("on [12\nMarch 2024] they came", "2024-03-12"),
    ("on [12 March\n2024] they came", "2024-03-12"),
    ("on [12  March  2024] they came", "2024-03-12"),
    ("on [12 Mar- ch 2024] they came", "2024-03-12"),
    ("on [12 Septem-\nber 2024] they came", "2024-09-12"),
    ("on [12 March 2O24] they came", "2024-03-12"),
    ("on [12March2024] they came", "2024-03-12"),
    ("on [12-Mar-2024] they came", "2024-03-12"),
    ("on [12-Mar-24] they came", "2024-03-12"),
    ("on [Mar. 12, 2024] they came", "2024-03-12"),
    ("on [March the 12th, 2024] they came", "2024-03-12"),
    ("on [the 12th of January] they came", "2025-01-12"),
    ("on [12-03-2024] they came", "2024-03-12"),
    ("on [2024/03/12] they came", "2024-03-12"),
    ("on [20240312] they came", "2024-03-12"),
    ("on [12.3.24] they came", "2024-03-12"),
    ("le [1er mars 2024] ils sont venus", "2024-03-01"),
    ("le [12 août 2024] ils sont venus", "2024-08-12"),
    ("le [12 DÉCEMBRE 2024] ils sont venus", "2024-12-12"),
    ("[mardi 11 février] ils sont venus", "2025-02-11"),
    ("[mardi dernier] ils sont venus", "2025-02-11"),
    ("[lundi] ils sont venus", "2025-02-10"),
    ("[avant-hier] ils sont venus", "2025-02-12"),
    ("[hier soir] ils sont venus", "2025-02-13"),
    ("[ce matin] ils sont venus", "2025-02-14"),
    ("[la semaine dernière] ils sont venus", "2025-02-03/2025-02-09"),
    ("[le mois dernier] ils sont venus", "2025-01"),
    ("[l'année dernière] ils sont venus", "2024"),
    ("[il y a trois jours] ils sont venus", "2025-02-11"),
    ("[il y a deux semaines] ils sont venus", "2025-01-31"),
    ("[du 10 au 12 février 2025]", "2025-02-10/2025-02-12"),
    ("[début janvier 2025]", "2025-01-01/2025-01-10"),
    ("[mi-janvier 2025]", "2025-01-10/2025-01-20"),
    ("[fin janvier 2025]", "2025-01-21/2025-01-31"),
    ("en [janvier 2025]", "2025-01"),
    ("[demain] ils viendront", "2025-02-15"),
    ("el [12 de marzo de 2024] llegaron", "2024-03-12"),
    ("el [12 de marzo del 2024] llegaron", "2024-03-12"),
    ("en [marzo de 2024] llegaron", "2024-03"),
    ("[ayer] llegaron", "2025-02-13"),
    ("[anteayer] llegaron", "2025-02-12"),
    ("[anoche] llegaron", "2025-02-13"),
    ("[hace tres días] llegaron", "2025-02-11"),
    ("[la semana pasada] llegaron", "2025-02-03/2025-02-09"),
    ("[el mes pasado] llegaron", "2025-01"),
    ("[el año pasado] llegaron", "2024"),
    ("[el lunes pasado] llegaron", "2025-02-10"),
    ("[summer 2024]", "2024-06/2024-08"),
    ("[the winter of 2023]", "2023-12/2024-02"),
    ("[last summer]", "2024-06/2024-08"),
    ("[the night of 12 to 13 January]", "2025-01-12/2025-01-13"),
    ("[the night of 12/13 January 2025]", "2025-01-12/2025-01-13"),
    ("[between 10 and 12 February]", "2025-02-10/2025-02-12"),
    ("[the past three days] were calm", "2025-02-11/2025-02-14"),
    ("in [the last two weeks] they came", "2025-01-31/2025-02-14"),
    ("[over the past 48 hours] they came", "2025-02-12/2025-02-14"),
    ("[three weeks back] they came", "2025-01-24"),
    ("[a fortnight ago] they came", "2025-01-31"),
    ("[the weekend] was calm", "2025-02-08/2025-02-09"),
    ("[last weekend] they came", "2025-02-08/2025-02-09"),
    ("in [mid-March 2024] they came", "2024-03-10/2024-03-20"),
    ("in [the middle of March 2024] they came", "2024-03-10/2024-03-20"),
    ("in [the first week of March 2024] they came", "2024-03-01/2024-03-07"),
    ("in [the 1990s] they came", "1990/1999"),
    ("[110630ZFEB2025] contact", "2025-02-11T06:30"),
    ("[11 0630Z Feb 25] contact", "2025-02-11T06:30"),
    ("[110630LFEB25] contact", "2025-02-11T06:30"),
    ("SITREP [06JUL24] VBIED", "2024-07-06"),
    ("from [Jan 24 till Feb 2, 2025] they came", "2025-01-24/2025-02-02"),
    ("in [Ramadan 2024] they came", None),
    ("on [5 Ramadan 1445] they came", None),
    ("on [12 Rajab 1446] they came", None),
    ("on [25 Bahman 1403] they came", None),
    ("during [Eid] they came", None),
    ("[the other day] they came", None),
    ("on [31 February 2025] they came", None),
    ("on [45 March] they came", None),
    # breaks, slips and short forms
    ("on [28 Janu ary 2025] they came", "2025-01-28"),
    ("on [5 Ju-\nly 2024] they came", "2024-07-05"),
    ("on [O7 May 2024] they came", "2024-05-07"),
    ("[17 Apri1 2024] they came", "2024-04-17"),
    ("came [yday] they said", "2025-02-13"),
    ("came [tdy] they said", "2025-02-14"),
    ("came [2h ago] they said", "2025-02-14"),
    ("[Two nights ago] they came", "2025-02-12"),
    ("came [thursday last wk] they said", "2025-02-06"),
    # numbers in words, and of this month
    ("since [the eleventh of January] they came", "2025-01-11"),
    ("on [the twenty-first] they came", "2025-01-21"),
    ("since [the 10th of this month] they came", "2025-02-10"),
    ("on [the 7th of December, last year] they came", "2024-12-07"),
    # a day with its clock time
    ("[13 February 2025, 7 p.m.]\n\nThey came", "2025-02-13T19:00"),
    ("[12/02/2025 at 4 p.m.] they came", "2025-02-12T16:00"),
    ("[15 Jan 2340hrs]: they came", "2025-01-15T23:40"),
    ("at [three in the night] they came", "2025-02-14T03:00"),
    # the ends of a period
    ("Between [October and January] they came", "2024-10/2025-01"),
    ("between [28 January and 2 February] they came", "2025-01-28/2025-02-02"),
    ("between [2019 and 2024] they came", "2019/2024"),
    ("between [March 15 and October 31, 2020] they came", "2020-03-15/2020-10-31"),
    ("between [November and January 2024] they came", "2023-11/2024-01"),
    ("from [2019 to 2024] they came", "2019/2024"),
    ("on [Tuesday and Wednesday] they came", "2025-02-11/2025-02-12"),
    ("[Monday to Thursday]: they came", "2025-02-10/2025-02-13"),
    ("from [09:00 to 13:00] they came", "2025-02-14T09:00/2025-02-14T13:00"),
    # what lies ahead
    ("a march has been called for [Wednesday]", "2025-02-19"),
    ("somebody must ring before [Sunday]", "2025-02-16"),
    ("they were told to be gone by [Monday]", "2025-02-17"),
    ("they have been held since [Sunday]", "2025-02-09"),
    ("they were kept until [Saturday] in a corridor", "2025-02-08"),
    ("the evening planned for [Saturday] was called off", "2025-02-08"),
    ("the hearing is on [Monday], too late", "2025-02-17"),
    ("taken by the guard on [Tuesday]", "2025-02-11"),
    ("tents due [Monday]. They wait", "2025-02-17"),
    ("whoever stays after [Friday] is an enemy", "2025-02-14"),
    # news
    ("profit fell from [a year earlier], it said", "2024"),
    ("in [the third quarter of 1997] they", "1997-07/1997-09"),
    ("[the fourth quarter] was weak", "2024-10/2024-12"),
    ("[fourth-quarter] earnings fell", "2024-10/2024-12"),
    ("in [the previous quarter] they came", "2024-10/2024-12"),
    ("in [the next quarter] they will come", "2025-04/2025-06"),
    ("[the first nine months of 1998] were calm", "1998-01/1998-09"),
    ("[the first half of the year] was calm", "2025-01/2025-06"),
    ("[the second half of last year] was calm", "2024-07/2024-12"),
    ("in [the early 1980s] they came", "1980/1989"),
    ("in [the '90s] they came", "1990/1999"),
    ("in [the past decade] they came", "2015/2025"),
    ("over [the past five years] they came", "2020/2025"),
    ("[two decades ago] they came", "2000/2009"),
    ("[earlier this year] they came", "2025"),
    ("[the summer of 1996] was calm", "1996-06/1996-08"),
    ("[this past weekend] was calm", "2025-02-08/2025-02-09"),
    ("on [Christmas 1997] they came", "1997-12-25"),
    ("on [Christmas Eve] they came", "2024-12-24"),
    ("before [New Year's Day] they must come", "2026-01-01"),
    ("[May Day] ended early", "2024-05-01"),
    ("on [13/02/98] they came", "1998-02-13"),
    ("on [Nov. 5, 1997] they came", "1997-11-05"),
]


@pytest.mark.parametrize(("marked", "iso"), CASES, ids=[c[0] for c in CASES])
def test_a_hard_expression_is_found_and_resolved(marked: str, iso: str | None) -> None:
    start, end = marked.index("["), marked.index("]") - 1
    text = marked.replace("[", "").replace("]", "")
    mentions = find_dates(text, report_date=FRIDAY, tags=[Tag(start, end, "D", 0.9)])
    hits = [m for m in mentions if m.start < end and m.end > start]
    assert hits
    assert [m.iso for m in hits if m.iso] == ([iso] if iso else []), mentions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("On 26 January and 1 February they came.", [("26 January", "2025-01-26"), ("1 February", "2025-02-01")]),
        ("On 5 and 9 February they came.", [("5", "2025-02-05"), ("9 February", "2025-02-09")]),
        ("Since 1 January.\n2. They came.", [("1 January", "2025-01-01")]),
        ("It ends on 30 Jan.", [("30 Jan", "2025-01-30")]),
        ("On Nov. 5 they came.", [("Nov. 5", "2024-11-05")]),
        ("9 Jan 16:10, Homs.", [("9 Jan 16:10", "2025-01-09T16:10")]),
        ("On Saturday, 12 women came.", [("Saturday", "2025-02-08")]),
        ("On Thursday 13 they came.", [("Thursday 13", "2025-02-13")]),
        ("On 3 February they came; the following Monday they left.", [("3 February", "2025-02-03"), ("the following Monday", "2025-02-10")]),
        ("In January 2024 they came; a year later they left.", [("January 2024", "2024-01"), ("a year later", "2025")]),
    ],
)  # fmt: skip
def test_expressions_that_stand_together_are_told_apart_and_joined(text: str, found: list[tuple[str, str]]) -> None:
    assert [(m.text, m.iso) for m in find_dates(text, report_date=FRIDAY)] == found


def test_a_clock_time_joins_its_day_where_the_encoder_tagged_it() -> None:
    text = "11 February, 05:50, call from Kagara."
    day, whole = Tag(0, 11, "D", 0.9), Tag(0, 18, "D", 0.9)
    assert find_dates(text, report_date=FRIDAY, tags=[day])[0].iso == "2025-02-11"
    assert [m.iso for m in find_dates(text, report_date=FRIDAY, tags=[whole])] == ["2025-02-11T05:50"]


def test_a_log_that_goes_over_midnight_begins_on_the_evening_before() -> None:
    text = "23:50 convoy moves. 23:54 it fires. 06:00 all calm."
    assert [m.iso for m in find_dates(text, report_date=FRIDAY)] == [
        "2025-02-13T23:50", "2025-02-13T23:54", "2025-02-14T06:00",
    ]  # fmt: skip


@pytest.mark.parametrize("figure", ["5 KIA", "5632 2564"])
def test_a_figure_of_a_radio_log_is_no_time(figure: str) -> None:
    text = f"VBIED at checkpoint, {figure}."
    assert find_dates(text, report_date=FRIDAY, tags=[Tag(21, 21 + len(figure), "D", 0.9)]) == []


@pytest.mark.parametrize(
    "text", ["The oxygen will last two hours.", "Food may last 3 weeks.", "It did not last ten days."]
)
def test_what_lasts_is_no_time_past(text: str) -> None:
    assert find_dates(text, report_date=FRIDAY) == []


def test_a_month_of_the_moon_is_no_hour_of_the_clock() -> None:
    (mention,) = find_dates("They came on 5 Ramadan 1445 at night.", report_date=FRIDAY)
    assert (mention.text, mention.iso, mention.basis) == ("5 Ramadan 1445", None, "other_calendar")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("At 02:30 on the night of 3-4 February 2025 they came.", "2025-02-04T02:30"),
        ("At 22:30 on the night of 3-4 February 2025 they came.", "2025-02-03T22:30"),
        ("At 14:00 on 3 February 2025 they came.", "2025-02-03T14:00"),
        ("At 1400 hrs local time on Monday they came.", "2025-02-10T14:00"),
        ("At 14:00 they came. On 3 February 2025 they left.", "2025-02-14T14:00"),
    ],
)
def test_a_clock_time_is_of_the_day_that_follows_it(text: str, iso: str) -> None:
    assert find_dates(text, report_date=FRIDAY)[0].iso == iso
