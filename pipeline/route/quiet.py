"""Quiet hours: a span of each day in which only what is critical is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class QuietHours:
    """From `start` to before `end` by the clock of `zone`; over midnight where the end comes first."""

    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, words: str, *, zone: str) -> Self:
        """From `22:00-06:30`; ValueError where it is no span."""
        start, _, end = words.partition("-")
        if _clock(start) == _clock(end):
            raise ValueError("they begin and end at different times")
        return cls(_clock(start), _clock(end), ZoneInfo(zone))

    def until(self, moment: datetime) -> datetime | None:
        """When the quiet that reigns at a moment ends (UTC); None where none does."""
        local = moment.astimezone(self.zone)
        clock = local.time()
        begun, not_ended = self.start <= clock, clock < self.end
        quiet = begun and not_ended if self.start < self.end else begun or not_ended
        if not quiet:
            return None
        day = local.date() if not_ended else local.date() + timedelta(days=1)
        # In the hour that comes twice in autumn, the end is that of the same pass.
        return datetime.combine(day, self.end.replace(fold=local.fold), self.zone).astimezone(UTC)


def _clock(words: str) -> time:
    return datetime.strptime(words.strip(), "%H:%M").time()
