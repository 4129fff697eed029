"""Scores of places, actors and dates against marked mentions, with 95% intervals over documents.

Spans: precision, recall and F1, exact (same bounds, a leading article apart) and by overlap (one gold
mention counts once). Resolution: GeoNames' id, the country, and accuracy at 161 km (100 miles: Gritta,
Pilehvar and Collier, "A pragmatic guide to geoparsing evaluation", LREV 54, 2020), a name that was not
resolved counting as wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.extract.counts import number_end
from pipeline.extract.relative import distance_km

NEAR_KM = 161.0
RESAMPLES = 1_000
Bounds = tuple[int, int]


@dataclass(frozen=True)
class Point:
    """What a mention means, as far as it is told; the country by ISO 3166-1 alpha-2."""

    geonames_id: int | None = None
    iso2: str | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True)
class Figure:
    """A share with its interval and what it is a share of."""

    value: float
    low: float
    high: float
    n: int


def span_scores(documents: Sequence[tuple[Sequence[Bounds], Sequence[Bounds]]]) -> dict[str, Figure]:
    """F1 of each document's gold and found spans: `exact`, `overlap`, and precision and recall by overlap."""
    exact = np.array([_counts(set(gold), set(found), _same) for gold, found in documents], dtype=float)
    overlap = np.array([_counts(set(gold), set(found), _overlap) for gold, found in documents], dtype=float)
    return {
        "exact F1": _figure(exact, _f1, int(exact[:, 1].sum()) if len(exact) else 0),
        "overlap F1": _figure(overlap, _f1, int(overlap[:, 1].sum()) if len(overlap) else 0),
        "overlap precision": _figure(overlap, lambda t: _ratio(t[0], t[2]), int(overlap[:, 2].sum()) if len(overlap) else 0),
        "overlap recall": _figure(overlap, lambda t: _ratio(t[0], t[1]), int(overlap[:, 1].sum()) if len(overlap) else 0),
    }  # fmt: skip


def share(documents: Sequence[Sequence[bool]]) -> Figure:
    """The share of what is true, documents resampled whole."""
    counts = np.array([(sum(document), len(document)) for document in documents], dtype=float).reshape(-1, 2)
    return _figure(counts, lambda totals: _ratio(totals[0], totals[1]), int(counts[:, 1].sum()))


def resolution(documents: Sequence[Sequence[tuple[Point, Point | None]]]) -> dict[str, Figure]:
    """Gold against what a mention was resolved to, per document; each figure over what its gold tells."""
    return {
        "GeoNames id": share([[g.geonames_id == _of(f, "geonames_id") for g, f in d if g.geonames_id] for d in documents]),
        "country": share([[g.iso2 == _of(f, "iso2") for g, f in d if g.iso2] for d in documents]),
        "within 161 km": share([[_near(g, f) for g, f in d if _located(g)] for d in documents]),
    }  # fmt: skip


def decided(
    gold: Sequence[Bounds], found: Sequence[Bounds], *, undecided: Collection[Bounds]
) -> tuple[list[Bounds], list[Bounds]]:
    """Gold and found spans, less the mentions that a corpus leaves undecided and what was found on them alone."""
    kept = [span for span in gold if span not in undecided]
    return kept, [span for span in found if _touches(span, kept) or not _touches(span, undecided)]


def without_article(text: str, start: int, end: int) -> Bounds:
    """Bounds without a leading article: corpora differ in whether they mark it."""
    lowered = text[start:end].lower()
    for article in ("the ", "a ", "an "):
        if lowered.startswith(article) and len(lowered) > len(article):
            return start + len(article), end
    return start, end


def without_number(text: str, start: int, end: int) -> Bounds:
    """Bounds without a leading article and number: our guide does not say whether `six women` or `women` is marked."""
    start, end = without_article(text, start, end)
    first = number_end(text, start, end)
    return (first, end) if first < end else (start, end)


def _of(point: Point | None, field: str) -> object:
    return getattr(point, field) if point is not None else None


def _located(point: Point) -> bool:
    return point.lat is not None and point.lon is not None and math.isfinite(point.lat) and math.isfinite(point.lon)


def _near(gold: Point, found: Point | None) -> bool:
    if found is None or gold.lat is None or gold.lon is None or found.lat is None or found.lon is None:
        return False
    return distance_km(gold.lat, gold.lon, found.lat, found.lon) <= NEAR_KM


def _same(one: Bounds, other: Bounds) -> bool:
    return one == other


def _overlap(one: Bounds, other: Bounds) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _touches(span: Bounds, others: Iterable[Bounds]) -> bool:
    return any(_overlap(span, other) for other in others)


def _counts(
    gold: Iterable[Bounds], found: Iterable[Bounds], match: Callable[[Bounds, Bounds], bool]
) -> tuple[int, int, int]:
    """Matches, gold, found; a found span matches one gold span at most."""
    left, hits = sorted(found), 0
    wanted = sorted(gold)
    total = len(left)
    for span in wanted:
        hit = next((other for other in left if match(span, other)), None)
        if hit is not None:
            left.remove(hit)
            hits += 1
    return hits, len(wanted), total


def _f1(totals: Sequence[float]) -> float:
    return _ratio(2 * totals[0], totals[1] + totals[2])


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _figure(counts: np.ndarray, statistic: Callable[[Sequence[float]], float], n: int) -> Figure:
    """A statistic of the sums, with the percentile interval of documents drawn again."""
    if not len(counts) or not n:
        return Figure(0.0, 0.0, 0.0, 0)
    rng = np.random.default_rng(0)
    drawn = counts[rng.integers(0, len(counts), size=(RESAMPLES, len(counts)))].sum(axis=1)
    low, high = np.percentile([statistic(totals) for totals in drawn], [2.5, 97.5])
    return Figure(round(statistic(counts.sum(axis=0)), 4), round(float(low), 4), round(float(high), 4), n)
