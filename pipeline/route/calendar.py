"""Due times in business hours: the clock runs while the office is open, a day of a service level is a working day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Calendar(BaseModel):
    """When an office is open, in its own time zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: str = "UTC"
    days: tuple[Weekday, ...] = Field(default=WEEKDAYS[:5], min_length=1)
    opens: time = time(9)
    closes: time = time(17)
    holidays: frozenset[date] = frozenset()

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("is no time zone such as Africa/Juba") from error
        return value

    @model_validator(mode="after")
    def _open_at_all(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("the office closes before it opens")
        return self

    def due(self, start: datetime, span: timedelta) -> datetime:
        """The moment (UTC) at which the office was open for `span` since `start`; 24 hours count as one working day."""
        hours = datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)
        left = span.days * hours + min(timedelta(seconds=span.seconds), hours)
        zone, now = ZoneInfo(self.time_zone), start.astimezone(UTC)
        day = start.astimezone(zone).date()
        while True:
            if WEEKDAYS[day.weekday()] in self.days and day not in self.holidays:
                opens = datetime.combine(day, self.opens, zone).astimezone(UTC)
                closes = datetime.combine(day, self.closes, zone).astimezone(UTC)
                begins = max(opens, now)
                if begins < closes:
                    if left <= closes - begins:
                        return begins + left
                    left -= closes - begins
            day += timedelta(days=1)
