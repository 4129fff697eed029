"""Extraction: places, actors, dates and counts, on the spans that the encoder tagged in its one pass.

>>> extractor = Extractor()                                                         # doctest: +SKIP
>>> extractor.extract([text], tags=[reading.tags], report_dates=[day], countries=["ML"])  # doctest: +SKIP
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path

from pipeline.extract.actors import find_actors
from pipeline.extract.counts import find_counts
from pipeline.extract.dates import find_dates
from pipeline.extract.gazetteer import Gazetteer, default_gazetteer
from pipeline.extract.places import find_places
from pipeline.extract.taken import Taken
from pipeline.report import Actor, Entities, Tag


class Extractor:
    """All four kinds of entity, with one gazetteer: the file given, or the one of the installed packages."""

    def __init__(self, gazetteer: Path | None = None) -> None:
        self._path = gazetteer

    @cached_property
    def gazetteer(self) -> Gazetteer:
        return Gazetteer(self._path) if self._path else default_gazetteer()

    def extract(
        self,
        texts: Sequence[str],
        *,
        tags: Sequence[Sequence[Tag]],
        report_dates: Sequence[date | None],
        countries: Sequence[str | None],
    ) -> list[Entities]:
        """Entities of each text, offsets into it; each text for itself, in order."""
        return [
            self.extract_one(text, tags=text_tags, report_date=day, country=country)
            for text, text_tags, day, country in zip(texts, tags, report_dates, countries, strict=True)
        ]

    def extract_one(
        self, text: str, *, tags: Sequence[Tag] = (), report_date: date | None = None, country: str | None = None
    ) -> Entities:
        tags = _camps_as_places(text, tags)
        dates = find_dates(text, report_date=report_date, tags=tags)
        taken = [(d.start, d.end) for d in dates]
        free = Taken(taken)
        places = [
            p
            for p in find_places(text, tags=tags, gazetteer=self.gazetteer, country=country)
            if free.is_free(p.start, p.end)
        ]
        return Entities(
            places=tuple(places),
            actors=tuple(
                clear
                for actor in find_actors(text, tags=tags, report_date=report_date, country=country)
                if (clear := _clear_of(actor, taken))
            ),
            dates=tuple(dates),
            counts=tuple(find_counts(text)),
        )


# The encoder takes `Jenin refugee camp` for those who live there now and then.
_CAMP = re.compile(
    r"\b(?:(?!The |In |At |Near |From |On )[A-Z][\w'’-]{1,40} ){1,3}(?:refugee|IDP|displacement) (?:camp|site|settlement)\b"
)


def _camps_as_places(text: str, tags: Sequence[Tag]) -> Sequence[Tag]:
    """The tags, with those of actors that only name a camp made one of a place."""
    for camp in _CAMP.finditer(text):
        inside = [tag for tag in tags if tag.kind == "A" and camp.start() <= tag.start and tag.end <= camp.end()]
        if inside:
            kept = [tag for tag in tags if tag.end <= camp.start() or tag.start >= camp.end()]
            tags = [*kept, Tag(*camp.span(), "P", max(tag.score for tag in inside))]
    return tags


def _clear_of(actor: Actor, dates: Sequence[tuple[int, int]]) -> Actor | None:
    """The actor without the part of a date that the encoder took in: `police` of `Last week police`; None of nothing left."""
    start, end = actor.start, actor.end
    for first, last in dates:
        if first <= start < last:
            start = last
        elif start < first < end < last:
            end = first
    if (start, end) == (actor.start, actor.end):
        return actor
    kept = actor.text[start - actor.start : end - actor.start]
    start += len(kept) - len(kept.lstrip())
    kept = kept.strip()
    return replace(actor, start=start, end=start + len(kept), text=kept) if kept else None


__all__ = ["Extractor", "Gazetteer", "default_gazetteer", "find_counts", "find_dates"]
