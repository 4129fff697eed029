"""Drift in a workspace, for whoever may see no restricted queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from flows.digests import everybody
from flows.workspace import Workspace
from pipeline.digest import Drift, Period, measure
from pipeline.errors import ConfigurationError
from pipeline.settings import DriftSettings


@dataclass(frozen=True)
class Compared:
    """Two periods, and the drift of each feature from the first to the second."""

    reference: Period
    recent: Period
    found: list[Drift]


def compare_periods(opened: Workspace, *, until: datetime, settings: DriftSettings) -> Compared:
    """The last days against the reference period; ConfigurationError where the two overlap."""
    recent = Period(until - timedelta(days=settings.days), until)
    end = recent.since
    if settings.reference_until:
        end = datetime.combine(settings.reference_until, time(), UTC)
    if end > recent.since:
        raise ConfigurationError(f"the reference has to end before the last {settings.days} days: an earlier date")
    reference = Period(end - timedelta(days=settings.reference_days), end)
    access = everybody(opened)
    with opened.store.read() as connection:
        found = measure(
            connection, reference=reference, recent=recent, queues=access.queues, hidden=access.hidden_types
        )
    return Compared(reference, recent, found)
