"""Places: which place on earth each mention means (toponym resolution).

Candidates of a name are ranked by reasons that can be told: the country of the report, countries and
containing places mentioned with it, nearness to the other mentions, population. A name that the
gazetteer does not hold keeps its span, and the country where the context is clear; coordinates in the
text need no gazetteer. `reason` says why a place has no candidate (`not_in_gazetteer`, `ambiguous`,
`lookup_failed`) or why its point is not the named place itself (`relative`, `between`, `part_of`).
"""

from __future__ import annotations

import logging
import math
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from rapidfuzz.distance import OSA

from pipeline.extract.coordinates import find_coordinates
from pipeline.extract.gazetteer import Candidate, Gazetteer
from pipeline.extract.names import name_key
from pipeline.extract.relative import SPAN_KM, distance_km, is_road_before, joins_ends, moved, offset_before
from pipeline.extract.toponyms import CITY_POPULATION, Mention, countries_of_people, find_mentions
from pipeline.extract.villages import countries_of
from pipeline.report import Place, Precision, Tag

logger = logging.getLogger(__name__)

# Weights of the ranking, in units of a tenfold population. Set by reading on the authored train
# slices, not learnt: there is too little gold for that with the built-in gazetteer.
REPORT_COUNTRY = 3.0
MENTIONED_COUNTRY = 2.5
CONTAINED = 3.0
MAIN_NAME = 0.8
IS_COUNTRY = 4.0
IS_DISTRICT = 0.5
BY_SOUND = {"exact": 0.0, "sound": -2.5, "spelling": -3.0}
NEAR_OTHERS = 1.5
NEAR_KM = 300.0
SHARED_COUNTRY = 4.0
BY_NAME_POPULATION = 10_000  # a smaller place is rarely meant by a by-name alone
ACCEPT = 2.2
ALIKE = 0.75  # share of the letters
EXACT_M = 2_000  # a notation that leaves a larger square open names an area

# What is named after a place stands in it, or is a part of it: `Kadugli Teaching Hospital`, `northern Mali`.
_POINT = "(?:north|south|east|west|nord|sud|est|ouest)"
_PART = re.compile(
    rf"^(?:the\s+)?(?:{_POINT}(?:[\s-]?{_POINT})?(?:ern)?|central|upper|lower|rural|downtown|greater|outer|inner|old)\s+(?:of\s+)?",
    re.I,
)
_BUILDING = re.compile(
    r"\s+(?:(?:central|general|main|international|teaching|regional|referral|military|grand|old|new|city|border|state|"
    r"provincial|district|idps?|refugee|returnee|primary|secondary|health|police|bus|railway|power)\s+){0,2}"
    r"(?:hospital|clinic|centre|center|airport|airstrip|airbase|university|school|prison|detention|market|bazaar|camps?|"
    r"mosque|church|cathedral|station|barracks|base|bridge|crossing|checkpoint|dam|port|harbour|road|highway|axis|route|"
    r"river|valley|area|axis|border|suburbs?|outskirts|neighbou?rhood|quarter|stadium|square|site|settlement|front|line)$",
    re.I,
)
_BUILDING_FIRST = re.compile(
    r"^(?:h[ôo]pital|hospital|universit[éeà]|university|a[ée]roport|aeropuerto|airport|prison|c[áa]rcel|camp|campo|site|ville|"
    r"ciudad|village|pueblo|march[ée]|mercado|gare|port|puerto|route|carretera|axe|quartier|barrio|commune|territoire|"
    r"province|provincia|r[ée]gion|cercle|d[ée]partement|departamento|outskirts|port|bay|gulf|old city|suburbs?)\s+"
    r"(?:g[ée]n[ée]ral\s+|central\s+)?(?:de\s+la\s+|de\s+|d['’]|du\s+|of\s+|del\s+)",
    re.I,
)
_OTHER_SCRIPT = re.compile(r"\s*[/(),]\s*")
_POINT_FOLLOWS = re.compile(r",?\s*[(\[]\s*(?:(?:at|grid|gps|coordinates|coords?)\b:?\s*)?", re.I)
_ROAD_NAME = re.compile(
    r"(?:the\s+)?(?P<one>\w[^-–—/]*?)\s?(?:[-–—/]|\bto\b)\s?(?P<other>\w[^-–—/]*?)(?:\s+(?:road|highway|axis|route|track|corridor))?",
    re.I,
)


def find_places(text: str, *, tags: Sequence[Tag], gazetteer: Gazetteer, country: str | None = None) -> list[Place]:
    """The places mentioned in `text`, resolved; `country` is the report's own (ISO 3166-1 alpha-2)."""
    look_up = LookUps(gazetteer, country)
    points = find_coordinates(text)
    mentions = [
        m
        for m in find_mentions(text, tags=tags, look_up=look_up.exact, may_be_country=look_up.may_be_country)
        if all(m.end <= point.start or m.start >= point.end for point in points)
    ]
    roads = {m: ends for m in mentions if (ends := _ends(m, look_up))}
    found = {name: _look_up(name.text, look_up) for m in mentions for name in roads.get(m, (m,))}
    resolved, else_in = _resolve(list(found), {name: known for name, (known, _) in found.items()}, text, country)
    places = [
        _road(m, resolved[roads[m][0]], resolved[roads[m][1]], else_in[roads[m][0]])
        if m in roads
        else _place(
            m,
            resolved[m],
            else_in[m],
            known=bool(found[m][0]),
            reason=found[m][1],
            before=text[max(0, m.start - 60) : m.start],
        )
        for m in mentions
    ]
    places = _between(places, text)
    for point in points:
        iso2 = gazetteer.country_at(point.lat, point.lon) or country
        places.append(
            Place(point.start, point.end, point.text, iso2=iso2, lat=point.lat, lon=point.lon,
                  precision="exact" if point.precision_m <= EXACT_M else "district", reason="coordinates")
        )  # fmt: skip
    return _pointed_at(sorted(places, key=lambda p: p.start), text)


T = TypeVar("T")


class LookUps:
    """Look-ups of one report, those in its country among them: a name that cannot be looked up must not cost the report its other places."""

    def __init__(self, gazetteer: Gazetteer, country: str | None) -> None:
        self._gazetteer, self._country = gazetteer, country
        self.failed: set[str] = set()

    def __call__(self, name: str) -> tuple[Candidate, ...]:
        return self._careful(self._gazetteer.candidates, name)

    def exact(self, name: str) -> tuple[Candidate, ...]:
        return self._careful(self._gazetteer.exact, name)

    def may_be_country(self, name: str) -> bool:
        return bool(self._careful(lambda name, _: self._gazetteer.may_be_country(name), name))

    def _careful(self, find: Callable[[str, str | None], T], name: str) -> T | tuple[()]:
        try:
            return find(name, self._country)
        except (sqlite3.Error, ValueError) as error:
            if name not in self.failed:
                logger.warning("a place name could not be looked up (%s)", type(error).__name__)
            self.failed.add(name)
            return ()


def _look_up(name: str, look_up: LookUps) -> tuple[tuple[Candidate, ...], str | None]:
    """Candidates, and the reason where they are of what the name is a part of, or where the look-up failed."""
    found = look_up(name)
    if name in look_up.failed:
        return (), "lookup_failed"
    if found and found[0].match == "exact":
        return found, None
    for other in _OTHER_SCRIPT.split(name):
        if other != name and (again := look_up(other)) and again[0].match == "exact":
            return again, None
    for whole in _wholes(name):
        if (around := look_up(whole)) and around[0].match == "exact":
            return around, "part_of"
    return found, None


def _wholes(name: str) -> Iterator[str]:
    """What `Bangui M'Poko airport`, `the outskirts of Bangui` and `northern Mali` are parts of."""
    site = _BUILDING.sub("", name)
    for shorter in (site, _BUILDING_FIRST.sub("", name), _PART.sub("", name)):
        if shorter != name and len(shorter) > 2:
            yield shorter
    first = site.split(" ")[0]
    if site != name and first != site and len(first) > 3:
        yield first


def _ends(mention: Mention, look_up: LookUps) -> tuple[Mention, Mention] | None:
    """The two places of `the Goma-Rutshuru road`, where both are known and the whole is not a name."""
    match = _ROAD_NAME.fullmatch(mention.text)
    if match is None or any(c.match == "exact" for c in look_up(mention.text)):
        return None
    one, other = (
        Mention(mention.start + match.start(part), mention.start + match.end(part), match[part])
        for part in ("one", "other")
    )
    places = [{c.geonames_id for c in look_up(end.text) if c.match == "exact"} for end in (one, other)]
    # `Mariupol/Мариуполь` is one place in two scripts.
    return (one, other) if all(places) and not places[0] & places[1] else None


Resolved = dict[Mention, tuple[Candidate, float] | None]


def _resolve(
    mentions: Sequence[Mention], candidates: Mapping[Mention, tuple[Candidate, ...]], text: str, country: str | None
) -> tuple[Resolved, dict[Mention, str | None]]:
    """What each mention means, and the country of each where its meaning is not known."""
    named = {mention: countries_of(mention.text) for mention in mentions}
    countries = {c[0].iso2 for c in candidates.values() if c and c[0].kind == "country" and c[0].match == "exact"}
    countries |= countries_of_people(text) | {iso2 for found in named.values() if (iso2 := _only(set(found)))}
    shared = _shared_countries(candidates)
    settled: list[Candidate] = []
    # Names with one meaning first: they are the context of the others.
    order = sorted(mentions, key=lambda m: (len({c.iso2 for c in candidates[m]}) or 99, m.start))
    resolved: Resolved = {}
    for mention in order:
        container = _container(mention, mentions, candidates, text)
        best = _best(mention.text, candidates[mention], country, countries, container, settled, shared)
        if best and named[mention] and best[0].iso2 not in named[mention] | countries | {country}:
            best = None  # a namesake abroad
        resolved[mention] = best
        if best and best[0].kind != "country":
            settled.append(best[0])
    fallback = country or _only({c for c in countries if c}) or _commonest([c.iso2 for c in settled if c.iso2])
    return resolved, {
        mention: (country if country in found else _only(set(found))) or fallback for mention, found in named.items()
    }


def _shared_countries(candidates: Mapping[Mention, Sequence[Candidate]]) -> dict[str, float]:
    """How much the names agree on each country: the share of the other names that it could hold.

    A report is mostly about one country; the one in which most of its names exist is likely the one.
    """
    by_name = {
        name_key(m.text): {c.iso2 for c in found if c.iso2}
        for m, found in candidates.items()
        if found and found[0].match == "exact"
    }
    if len(by_name) < 2:
        return {}
    votes = Counter(iso2 for countries in by_name.values() for iso2 in countries)
    return {iso2: (count - 1) / (len(by_name) - 1) for iso2, count in votes.items()}


def _container(
    mention: Mention, mentions: Sequence[Mention], candidates: Mapping[Mention, tuple[Candidate, ...]], text: str
) -> frozenset[str]:
    """Countries of what follows in `Bankass, Mali` or `Bouroum (Namentenga)`."""
    for other in mentions:
        if 0 < other.start - mention.end <= 4 and re.fullmatch(r",? ?\(?|, in ", text[mention.end : other.start]):
            return frozenset(
                c.iso2 for c in candidates[other] if c.iso2 and (c.kind != "place" or c.population > 20_000)
            )
    return frozenset()


def _best(
    name: str,
    candidates: Sequence[Candidate],
    country: str | None,
    countries: Set[str | None],
    container: frozenset[str],
    settled: Sequence[Candidate],
    shared: Mapping[str, float],
) -> tuple[Candidate, float] | None:
    scored = []
    if country is not None and shared.get(country, 0.0) >= 0.5 and _has_district(candidates, country):
        candidates = [c for c in candidates if c.kind != "country"]  # Georgia beside Alabama is no country
    for candidate in candidates:
        score = math.log10(candidate.population + 10)
        score += REPORT_COUNTRY * (country is not None and candidate.iso2 == country)
        score += MENTIONED_COUNTRY * (candidate.iso2 in countries)
        score += CONTAINED * (candidate.iso2 in container)
        score += MAIN_NAME * candidate.is_main
        score += IS_COUNTRY * (candidate.kind == "country") + IS_DISTRICT * (candidate.kind == "district")
        score += BY_SOUND[candidate.match]
        score += SHARED_COUNTRY * shared.get(candidate.iso2 or "", 0.0)
        score += NEAR_OTHERS * any(_near(candidate, other) for other in settled)
        scored.append((score, candidate))
    if not scored:
        return None
    score, best = max(scored, key=lambda pair: (pair[0], pair[1].population))
    # A place abroad in a report about one country, known only by sound or a by-name: better unknown.
    known_country = (country is not None and best.iso2 == country) or best.iso2 in countries
    foreign = country is not None and not known_country and best.kind == "place"
    alone = not known_country and shared.get(best.iso2 or "", 0.0) < 0.5
    if best.match != "exact" and not known_country and (country is not None or not _surely(name, best)):
        return None
    if alone and not best.is_main and best.kind == "place" and best.population < BY_NAME_POPULATION:
        return None
    needed = ACCEPT + (1.8 if foreign else 0.0) + (1.5 if foreign and not best.is_main else 0.0)
    return (best, score) if score >= needed else None


def _surely(name: str, candidate: Candidate) -> bool:
    """A well-known name spelt otherwise, which needs no context: `Deir Ezzor`."""
    alike = OSA.normalized_similarity(name_key(name), name_key(candidate.name))
    return candidate.match == "sound" and candidate.population >= CITY_POPULATION and alike >= ALIKE


def _has_district(candidates: Sequence[Candidate], country: str) -> bool:
    return any(c.kind == "district" and c.iso2 == country for c in candidates)


def _near(a: Candidate, b: Candidate) -> bool:
    if a.lat is None or b.lat is None or a.lon is None or b.lon is None or a.geonames_id == b.geonames_id:
        return False
    return distance_km(a.lat, a.lon, b.lat, b.lon) < NEAR_KM


def _place(
    mention: Mention,
    best: tuple[Candidate, float] | None,
    fallback: str | None,
    *,
    known: bool,
    reason: str | None,
    before: str,
) -> Place:
    if best is None:
        unknown = reason if reason == "lookup_failed" else "ambiguous" if known else "not_in_gazetteer"
        return Place(mention.start, mention.end, mention.text, iso2=fallback, reason=unknown)
    candidate, score = best
    precision: Precision = "exact"
    if candidate.kind == "country":
        precision = "country"
    elif candidate.kind == "district" or reason:
        precision = "district"
    lat, lon = candidate.lat, candidate.lon
    if candidate.kind != "country" and (offset := offset_before(before)):
        precision, reason = "district", "relative"
        if lat is not None and lon is not None:
            lat, lon = moved(lat, lon, offset)
    if candidate.match == "spelling" and reason is None:
        reason = "alike"
    return Place(
        mention.start, mention.end, mention.text, name=candidate.name, geonames_id=candidate.geonames_id,
        iso2=candidate.iso2, lat=lat, lon=lon, precision=precision, score=round(score, 3), reason=reason,
    )  # fmt: skip


def _road(
    mention: Mention,
    one: tuple[Candidate, float] | None,
    other: tuple[Candidate, float] | None,
    fallback: str | None,
) -> Place:
    """A road named by its ends: the point half-way."""
    middle = _half_way(one[0], other[0]) if one and other else None
    if middle is None or one is None or other is None:
        return Place(mention.start, mention.end, mention.text, iso2=fallback, reason="ambiguous")
    return Place(
        mention.start, mention.end, mention.text, name=f"{one[0].name} – {other[0].name}", iso2=one[0].iso2,
        lat=middle[0], lon=middle[1], precision="district", score=round(min(one[1], other[1]), 3), reason="between",
    )  # fmt: skip


def _pointed_at(places: Sequence[Place], text: str) -> list[Place]:
    """`Abu Shouk camp (13°39'N, 25°21'E)`: the text says where a place lies that the gazetteer does not."""
    placed = list(places)
    for i, (one, point) in enumerate(pairwise(places)):
        nowhere = one.lat is None and one.precision != "country"
        if nowhere and point.reason == "coordinates" and _POINT_FOLLOWS.fullmatch(text, one.end, point.start):
            placed[i] = replace(
                one, iso2=one.iso2 or point.iso2, lat=point.lat, lon=point.lon, precision=point.precision,
                reason="coordinates",
            )  # fmt: skip
    return placed


def _between(places: Sequence[Place], text: str) -> list[Place]:
    """`the road between A and B`: what is told lies half-way, so both are moved there."""
    placed = list(places)
    for i, (one, other) in enumerate(pairwise(places)):
        before, joint = text[max(0, one.start - 60) : one.start], text[one.end : other.start]
        if is_road_before(before) and joins_ends(joint) and (middle := _half_way(one, other)):
            for k, place in ((i, one), (i + 1, other)):
                placed[k] = replace(place, lat=middle[0], lon=middle[1], precision="district", reason="between")
    return placed


def _half_way(one: Candidate | Place, other: Candidate | Place) -> tuple[float, float] | None:
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return None
    if distance_km(one.lat, one.lon, other.lat, other.lon) > SPAN_KM:
        return None
    return round((one.lat + other.lat) / 2, 4), round((one.lon + other.lon) / 2, 4)


def _only(countries: set[str]) -> str | None:
    return next(iter(countries)) if len(countries) == 1 else None


def _commonest(countries: Sequence[str]) -> str | None:
    """The country of most of the places, where it is that of more than half."""
    if not countries:
        return None
    best, count = Counter(countries).most_common(1)[0]
    return best if count * 2 > len(countries) else None
