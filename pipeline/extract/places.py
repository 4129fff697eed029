"""Places: which place on earth each mention means (toponym resolution).

Candidates of a name are ranked by reasons that can be told: the country of the report, countries and
containing places mentioned with it, nearness to the other mentions, population. A name that the
gazetteer does not hold keeps its span, and the country where the context is clear.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipeline.extract.gazetteer import Candidate, Gazetteer
from pipeline.extract.names import name_key
from pipeline.report import Place, Tag

# Weights of the ranking, in units of a tenfold population. Set by reading on the authored train
# slices, not learnt: there is too little gold for that with the built-in gazetteer.
REPORT_COUNTRY = 3.0
MENTIONED_COUNTRY = 2.5
CONTAINED = 3.0
MAIN_NAME = 0.8
IS_COUNTRY = 4.0
IS_DISTRICT = 0.5
BY_SOUND = -2.5
NEAR_OTHERS = 1.5
NEAR_KM = 300.0
SHARED_COUNTRY = 4.0
BY_NAME_POPULATION = 10_000  # a smaller place is rarely meant by a by-name alone
CITY_POPULATION = 100_000
ACCEPT = 2.2

_RELATIVE = re.compile(
    r"(?P<km>\d{1,3}(?:\.\d)?)\s?(?P<unit>km|kilomet(?:re|er)s?|miles?)\s+(?:to the\s+)?"
    r"(?P<direction>(?:north|south|east|west)(?:[\s-]?(?:north|south|east|west)){0,2}|[NSEW]{1,3})(?:wards?)?\s+(?:of|from)\s*$",
    re.I,
)
_BEARINGS = {"north": 0, "n": 0, "east": 90, "e": 90, "south": 180, "s": 180, "west": 270, "w": 270}
_COUNTRY_WORDS = re.compile(r"\b[A-ZÀ-Ý][\w'’.-]+(?:\s+(?:of|the|and|[A-ZÀ-Ý][\w'’.-]+)){0,4}")
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True)
class Mention:
    start: int
    end: int
    text: str


def find_places(text: str, *, tags: Sequence[Tag], gazetteer: Gazetteer, country: str | None = None) -> list[Place]:
    """The places mentioned in `text`, resolved; `country` is the report's own (ISO 3166-1 alpha-2)."""
    mentions = _mentions(text, tags, gazetteer)
    candidates = {m: gazetteer.candidates(m.text) for m in mentions}
    countries = {c[0].iso2 for c in candidates.values() if c and c[0].kind == "country" and c[0].match == "exact"}
    countries |= countries_of_people(text)
    shared = _shared_countries(candidates)
    settled: list[Candidate] = []
    places = []
    # Names with one meaning first: they are the context of the others.
    order = sorted(mentions, key=lambda m: (len({c.iso2 for c in candidates[m]}) or 99, m.start))
    resolved: dict[Mention, tuple[Candidate, float] | None] = {}
    for mention in order:
        container = _container(mention, mentions, candidates, text)
        best = _best(mention, candidates[mention], country, countries, container, settled, shared)
        resolved[mention] = best
        if best and best[0].kind != "country":
            settled.append(best[0])
    fallback = country or _only({c for c in countries if c}) or _commonest([c.iso2 for c in settled if c.iso2])
    for mention in mentions:
        places.append(_place(mention, resolved[mention], fallback, bool(candidates[mention]), text))
    return places


def _mentions(text: str, tags: Sequence[Tag], gazetteer: Gazetteer) -> list[Mention]:
    """The encoder's mentions, and names of countries that it missed."""
    shouting = text.isupper()
    mentions = [Mention(t.start, t.end, text[t.start : t.end]) for t in tags if t.kind == "P"]
    mentions = [m for m in mentions if shouting or not _is_acronym(m.text, gazetteer)]
    taken = [(t.start, t.end) for t in tags]
    for match in _COUNTRY_WORDS.finditer(text):
        for mention in _countries_in(match.group(), match.start(), gazetteer):
            if all(mention.end <= start or mention.start >= end for start, end in taken):
                mentions.append(mention)
                taken.append((mention.start, mention.end))
    return sorted(mentions, key=lambda m: m.start)


def _is_acronym(words: str, gazetteer: Gazetteer) -> bool:
    """`OCHA`, `IFRC`: an organisation, unless it stands for a country (`DRC`) or a city in capitals (`GOMA`)."""
    if not (words.isupper() and words.isalpha() and len(words) <= 6):
        return False
    candidates = gazetteer.candidates(words)
    best = candidates[0] if candidates and candidates[0].match == "exact" else None
    return best is None or not (best.kind == "country" or (best.is_main and best.population >= CITY_POPULATION))


_CAPITALISED = re.compile(r"[A-ZÀ-Ý][\w'’-]+")
# Countries that are also given names, common words, or parts of other places' names.
_NOT_ALONE = {"Georgia", "Jordan", "Chad", "Turkey", "Guinea", "Congo", "Niger", "Dominica", "Jersey", "Man", "Us"}


def _countries_in(words: str, offset: int, gazetteer: Gazetteer) -> Iterable[Mention]:
    candidates = gazetteer.candidates(words)
    if candidates and candidates[0].kind == "country" and candidates[0].match == "exact" and words not in _NOT_ALONE:
        if len(words) > 3:
            yield Mention(offset, offset + len(words), words)
        return
    for match in _CAPITALISED.finditer(words):
        if match.group() in _NOT_ALONE or len(match.group()) < 4:
            continue
        candidates = gazetteer.candidates(match.group())
        if candidates and candidates[0].kind == "country" and candidates[0].match == "exact" and candidates[0].is_main:
            yield Mention(offset + match.start(), offset + match.end(), match.group())


def _shared_countries(candidates: Mapping[Mention, Sequence[Candidate]]) -> dict[str, float]:
    """How much the names agree on each country: the share of the other names that it could hold.

    A report is mostly about one country; the one in which most of its names exist is likely the one.
    """
    by_name = {name_key(m.text): {c.iso2 for c in found if c.iso2} for m, found in candidates.items() if found}
    if len(by_name) < 2:
        return {}
    votes = Counter(iso2 for countries in by_name.values() for iso2 in countries)
    return {iso2: (count - 1) / (len(by_name) - 1) for iso2, count in votes.items()}


def _container(
    mention: Mention, mentions: Sequence[Mention], candidates: dict[Mention, tuple[Candidate, ...]], text: str
) -> frozenset[str]:
    """Countries of what follows in `Bankass, Mali` or `Bouroum (Namentenga)`."""
    for other in mentions:
        if 0 < other.start - mention.end <= 4 and re.fullmatch(r",? ?\(?|, in ", text[mention.end : other.start]):
            return frozenset(
                c.iso2 for c in candidates[other] if c.iso2 and (c.kind != "place" or c.population > 20_000)
            )
    return frozenset()


def _best(
    mention: Mention,
    candidates: Sequence[Candidate],
    country: str | None,
    countries: set[str | None],
    container: frozenset[str],
    settled: Sequence[Candidate],
    shared: Mapping[str, float],
) -> tuple[Candidate, float] | None:
    scored = []
    for candidate in candidates:
        score = math.log10(candidate.population + 10)
        score += REPORT_COUNTRY * (country is not None and candidate.iso2 == country)
        score += MENTIONED_COUNTRY * (candidate.iso2 in countries)
        score += CONTAINED * (candidate.iso2 in container)
        score += MAIN_NAME * candidate.is_main
        score += IS_COUNTRY * (candidate.kind == "country") + IS_DISTRICT * (candidate.kind == "district")
        score += BY_SOUND * (candidate.match == "sound")
        score += SHARED_COUNTRY * shared.get(candidate.iso2 or "", 0.0)
        score += NEAR_OTHERS * any(_near(candidate, other) for other in settled)
        scored.append((score, candidate))
    if not scored:
        return None
    score, best = max(scored, key=lambda pair: (pair[0], pair[1].population))
    # A place abroad in a report about one country, known only by sound or a by-name: better unknown.
    known_country = (country is not None and best.iso2 == country) or best.iso2 in countries
    foreign = country is not None and not known_country and best.kind == "place"
    if best.match == "sound" and not known_country and shared.get(best.iso2 or "", 0.0) < 0.5:
        return None
    alone = not known_country and shared.get(best.iso2 or "", 0.0) < 0.5
    if alone and not best.is_main and best.kind == "place" and best.population < BY_NAME_POPULATION:
        return None
    needed = ACCEPT + (1.8 if foreign else 0.0) + (1.5 if foreign and not best.is_main else 0.0)
    return (best, score) if score >= needed else None


def _near(a: Candidate, b: Candidate) -> bool:
    if a.lat is None or b.lat is None or a.lon is None or b.lon is None or a.geonames_id == b.geonames_id:
        return False
    return distance_km(a.lat, a.lon, b.lat, b.lon) < NEAR_KM


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance (haversine)."""
    p1, p2 = math.radians(lat1), math.radians(lat2)
    h = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(h)))


def _place(
    mention: Mention, best: tuple[Candidate, float] | None, fallback: str | None, known: bool, text: str
) -> Place:
    if best is None:
        return Place(
            mention.start, mention.end, mention.text, iso2=fallback, reason="ambiguous" if known else "not_in_gazetteer"
        )
    candidate, score = best
    lat, lon, reason = candidate.lat, candidate.lon, None
    precision = "country" if candidate.kind == "country" else "district" if candidate.kind == "district" else "exact"
    if lat is not None and lon is not None and (moved := _displaced(text[: mention.start][-60:], lat, lon)):
        (lat, lon), precision, reason = moved, "district", "relative"
    return Place(
        mention.start,
        mention.end,
        mention.text,
        name=candidate.name,
        geonames_id=candidate.geonames_id,
        iso2=candidate.iso2,
        lat=lat,
        lon=lon,
        precision=precision,  # type: ignore[arg-type]
        score=round(score, 3),
        reason=reason,
    )


def _displaced(before: str, lat: float, lon: float) -> tuple[float, float] | None:
    """The point `9 km south-east of` a place."""
    match = _RELATIVE.search(before)
    if match is None:
        return None
    km = float(match["km"]) * (1.609 if match["unit"].lower().startswith("mile") else 1.0)
    words = re.findall(r"north|south|east|west", match["direction"].lower()) or list(match["direction"].lower())
    x = sum(math.sin(math.radians(_BEARINGS[w])) for w in words)
    y = sum(math.cos(math.radians(_BEARINGS[w])) for w in words)
    length = math.hypot(x, y) or 1.0
    return (
        round(lat + km * y / length / _KM_PER_DEGREE, 4),
        round(lon + km * x / length / (_KM_PER_DEGREE * max(0.1, math.cos(math.radians(lat)))), 4),
    )


def _only(countries: set[str]) -> str | None:
    return next(iter(countries)) if len(countries) == 1 else None


def _commonest(countries: Sequence[str]) -> str | None:
    """The country of most of the places, where it is that of more than half."""
    if not countries:
        return None
    best, count = Counter(countries).most_common(1)[0]
    return best if count * 2 > len(countries) else None


@cache
def _demonyms() -> tuple[re.Pattern[str], dict[str, str]]:
    data = tomllib.loads(files("pipeline.extract").joinpath("demonyms.toml").read_text(encoding="utf-8"))
    countries = {word: iso2 for iso2, words in data.items() for word in words}
    words = "|".join(sorted(map(re.escape, countries), key=len, reverse=True))
    return re.compile(rf"\b({words})s?\b"), countries


def countries_of_people(text: str) -> set[str | None]:
    """Countries whose people a text names: `Malian soldiers`."""
    pattern, countries = _demonyms()
    return {countries[word] for word in pattern.findall(text)}
