"""Due times in business hours, and queues that are pointed out where they are over their limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.report import Assessment, Entities, Report, UrgencyDecision
from pipeline.route import load_policy, route
from pipeline.route.calendar import WEEKDAYS, Calendar
from pipeline.taxonomy import load_taxonomy

JUBA = Calendar(time_zone="Africa/Juba", opens=time(8), closes=time(16), holidays=frozenset({date(2026, 12, 25)}))
BERLIN = Calendar(time_zone="Europe/Berlin", opens=time(1), closes=time(9))  # open while the clocks change
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
SPANS = st.timedeltas(timedelta(0), timedelta(days=10))


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        ("2026-12-21T08:00+02:00", "4h", "2026-12-21T12:00+02:00"),
        ("2026-12-21T14:00+02:00", "4h", "2026-12-22T10:00+02:00"),  # two hours today, two tomorrow
        ("2026-12-20T23:00+02:00", "4h", "2026-12-21T12:00+02:00"),  # Sunday night: from Monday's opening on
        ("2026-12-24T15:00+02:00", "2h", "2026-12-28T09:00+02:00"),  # past Christmas and a weekend
        ("2026-12-21T10:00+02:00", "2d", "2026-12-23T10:00+02:00"),  # a day is a working day
    ],
)
def test_the_clock_runs_while_the_office_is_open(start: str, span: str, due: str) -> None:
    length = timedelta(hours=int(span[:-1])) if span.endswith("h") else timedelta(days=int(span[:-1]))
    assert JUBA.due(datetime.fromisoformat(start), length) == datetime.fromisoformat(due)


@given(MOMENTS, SPANS, st.sampled_from([JUBA, BERLIN]))
def test_an_item_is_due_while_the_office_is_open(start: datetime, span: timedelta, calendar: Calendar) -> None:
    due = calendar.due(start, span).astimezone(ZoneInfo(calendar.time_zone))
    assert due >= start
    assert WEEKDAYS[due.weekday()] in calendar.days
    assert due.date() not in calendar.holidays
    assert calendar.opens <= due.time() <= calendar.closes


@given(MOMENTS, MOMENTS, SPANS)
def test_what_comes_later_is_not_due_earlier(one: datetime, other: datetime, span: timedelta) -> None:
    first, second = sorted((one, other))
    assert JUBA.due(first, span) <= JUBA.due(second, span)


def test_only_queues_that_say_so_count_business_hours_and_never_for_what_is_critical() -> None:
    policy, taxonomy = load_policy(), load_taxonomy()
    queues = tuple(q.model_copy(update={"hours": "business"}) for q in policy.queues)
    office = replace(policy, queues=queues, calendar=JUBA)
    saturday = datetime(2026, 12, 19, 9, tzinfo=UTC)
    report = Report("r1", "b", "Something.", "0" * 64, received_at=saturday)
    for level in taxonomy.urgencies:
        urgency = UrgencyDecision(level.id, {level.id: 1.0})
        found = Assessment("r1", (), urgency, Entities(), model="m", taxonomy="1")
        plain = {item.due for item in route(report, found, policy, taxonomy=taxonomy)}
        counted = {item.due for item in route(report, found, office, taxonomy=taxonomy)}
        assert plain == {saturday + level.respond_within}
        expected = (
            saturday + level.respond_within if level.id == "critical" else JUBA.due(saturday, level.respond_within)
        )
        assert counted == {expected}


def test_a_calendar_and_a_limit_are_read_from_the_policy(tmp_path: Path) -> None:
    shipped = Path("pipeline/route/policy.toml").read_text("utf-8")
    path = tmp_path / "policy.toml"
    calendar = '[calendar]\ntime_zone = "Africa/Juba"\nopens = 08:30:00\ncloses = 17:00:00\nholidays = [2026-12-25]\n'
    queue = 'id = "investigations"\nhours = "business"\nopen_limit = 2\n'
    text = shipped.replace('id = "investigations"\n', queue).replace("\n[[queue]]", f"\n{calendar}\n[[queue]]", 1)
    path.write_text(text, encoding="utf-8")
    policy = load_policy(path)
    assert policy.calendar.opens == time(8, 30)
    investigations = policy.queue("investigations")
    assert (investigations.over_limit(2), investigations.over_limit(3)) == (False, True)
    assert not policy.queue("archive").over_limit(10**9)
    path.write_text(text.replace("Africa/Juba", "Africa/Nowhere"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is no time zone such as Africa/Juba"):
        load_policy(path)
