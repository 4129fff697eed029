"""Drift: whether what comes in, or how the model reads it, has changed against a time before.

Measured by the population stability index of two histograms, the sum over their bins of (q - p) ln(q / p), p and q
being the shares in the reference and in the recent period (Siddiqi 2006, Credit Risk Scorecards, chapter 6, who reads
less than 0.1 as no change and 0.25 and more as a large one). Half a report is added to every bin, so that an empty one
does not make the index infinite. Two samples of n and m reports from one and the same source have an index of about
chi-squared of bins - 1 degrees of freedom times (1/n + 1/m) (Yurdakul and Naranjo 2020, Statistical properties of the
population stability index): below its 99th percentile a small sample says nothing. Types and countries may be several
in a report, so that there the percentile is an approximation.

Counted are reports in queues that everybody may see, and no type that tells of a restricted queue.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist
from typing import Any, Literal

from sqlalchemy import Connection

from pipeline.digest.figures import SAMPLE, sample
from pipeline.store.schema import report

Feature = Literal["types", "urgency", "countries", "length", "abstained"]
Verdict = Literal["steady", "moved", "changed", "too few"]

MOVED, CHANGED = 0.1, 0.25
PERCENTILE = 0.99
FEWEST = 50
"""Reports that each period has to hold before anything is said."""
MOST_BINS = 20

ADVICE: Mapping[Feature, str] = {
    "types": "Read some of the new reports of these types: either the situation has changed, or the model misreads something new.",
    "urgency": "Read some of the new reports at the level that grew, and see whether the queues have enough people.",
    "countries": "See whether a source was added or lost, and whether the gazetteer knows the places of the countries that grew.",
    "length": "See whether a source or a form has changed: texts may be cut off, or run together.",
    "abstained": "Have people label some of what the model leaves undecided, then retrain it.",
}
"""What to do where a feature has moved."""


@dataclass(frozen=True)
class Period:
    """From `since` up to but without `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Shift:
    """A bin's share, 0 to 1, in the reference and in the recent period."""

    name: str
    before: float
    now: float


@dataclass(frozen=True)
class Drift:
    """The index of a feature, the one that chance alone exceeds once in a hundred times, and the bins behind it."""

    feature: Feature
    psi: float
    by_chance: float
    verdict: Verdict
    before: int
    now: int
    shifts: tuple[Shift, ...]

    @property
    def sentence(self) -> str:
        """What has moved and what to do, in words; empty where nothing has."""
        if self.verdict not in ("moved", "changed"):
            return ""
        said = ", ".join(f"{_plain(s.name)} {s.before:.0%} before, {s.now:.0%} now" for s in self.shifts)
        degree = "very different" if self.verdict == "changed" else "different"
        return f"{_SUBJECTS[self.feature]} {degree} than before (PSI {self.psi:.2f}): {said}. {ADVICE[self.feature]}"


_SUBJECTS: Mapping[Feature, str] = {
    "types": "The types of violation are", "urgency": "The levels of urgency are",
    "countries": "The countries of the places named are", "length": "The lengths of the texts are",
    "abstained": "What the model leaves undecided is",
}  # fmt: skip


def measure(
    connection: Connection,
    *,
    reference: Period,
    recent: Period,
    queues: Collection[str],
    hidden: Collection[str] = frozenset(),
) -> list[Drift]:
    """The drift of each feature between two periods, of reports in these queues; `hidden` types are not counted."""
    before, now = (_tally(connection, period, queues, hidden) for period in (reference, recent))
    return [
        compare(feature, before.histograms[feature], now.histograms[feature], reports=(before.reports, now.reports))
        for feature in ADVICE
    ]


def compare(feature: Feature, before: Counter[str], now: Counter[str], *, reports: tuple[int, int]) -> Drift:
    """The drift of one feature from its histograms over so many reports before and now."""
    before, now = _binned(before, now)
    terms = {name: (q - p) * math.log(q / p) for name, (p, q) in _shares(before, now).items()}
    psi, by_chance = sum(terms.values()), chance(len(terms), before.total(), now.total())
    verdict: Verdict = "steady"
    if min(reports) < FEWEST:
        verdict = "too few"
    elif psi >= MOVED and psi > by_chance:
        verdict = "changed" if psi >= CHANGED else "moved"
    most = sorted(terms, key=lambda name: (-terms[name], name))[:3]
    shifts = (Shift(name, before[name] / (before.total() or 1), now[name] / (now.total() or 1)) for name in most)
    return Drift(feature, round(psi, 4), round(by_chance, 4), verdict, *reports, tuple(shifts))


def chance(bins: int, before: int, now: int) -> float:
    """The index that two samples of one source exceed once in a hundred times.

    The percentile of chi-squared is Wilson and Hilferty's (1931), good to a hundredth from three degrees of freedom on.
    """
    if bins < 2 or not before or not now:
        return 0.0
    free = bins - 1
    spread = 2 / (9 * free)
    percentile: float = free * (1 - spread + NormalDist().inv_cdf(PERCENTILE) * math.sqrt(spread)) ** 3
    return percentile * (1 / before + 1 / now)


def _shares(before: Counter[str], now: Counter[str]) -> dict[str, tuple[float, float]]:
    names = set(before) | set(now)
    p, q = before.total() + len(names) / 2, now.total() + len(names) / 2
    return {name: ((before[name] + 0.5) / p, (now[name] + 0.5) / q) for name in names}


def _binned(before: Counter[str], now: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """Both with the same commonest bins, the rest put together as `other`."""
    together = Counter({name: before[name] + now[name] for name in set(before) | set(now)})
    kept = {name for name, _ in together.most_common(MOST_BINS)}

    def binned(counts: Counter[str]) -> Counter[str]:
        found: Counter[str] = Counter()
        for name, count in counts.items():
            found[name if name in kept else "other"] += count
        return found

    return binned(before), binned(now)


@dataclass(frozen=True)
class _Tally:
    reports: int
    histograms: Mapping[Feature, Counter[str]]


def _tally(connection: Connection, period: Period, queues: Collection[str], hidden: Collection[str]) -> _Tally:
    chosen, share = sample(connection, period.since, period.until, queues, size=SAMPLE)
    reports, histograms = 0, {feature: Counter[str]() for feature in ADVICE}
    for row in connection.execute(chosen.add_columns(report.c.text).execution_options(yield_per=500)):
        reports += 1
        for feature, names in _features(row, hidden):
            histograms[feature].update(names)
    return _Tally(round(reports / share), histograms)


def _features(row: Any, hidden: Collection[str]) -> Iterable[tuple[Feature, Collection[str]]]:
    """The bins of a report."""
    body = row.body
    decided = {v["id"] for v in body["violations"] if v["decided"]} - set(hidden)
    yield "types", decided or {"none"}
    yield "urgency", {body["urgency"]["id"] if body["urgency"] else "undecided"}
    if row.text:  # of an erased report only what was decided is left
        yield "countries", {p["iso2"] for p in body["places"] if p.get("iso2")} or {row.country or "unknown"}
        yield "length", {_length(len(row.text))}
    yield "abstained", {_abstained(set(body["abstained"]) - set(hidden))}


def _length(characters: int) -> str:
    """A bin of lengths, each twice as wide as the one before."""
    power = max(6, characters.bit_length())
    return f"under {2**power} characters"


def _abstained(names: set[str]) -> str:
    for whole, words in (("language", "all, for its language"), ("processing", "all, not processed")):
        if whole in names:
            return words
    types, urgency = bool(names - {"urgency"}), "urgency" in names
    return " and ".join(word for word, there in (("types", types), ("urgency", urgency)) if there) or "nothing"


def _plain(name: str) -> str:
    return name.replace("_", " ")
