"""Where a place lies that is told from another: `9 km south-east of`, `the road between`, `the outskirts of`.

English, French and Spanish; distances in figures or words, in kilometres and miles.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pipeline.extract.numbers import NUMBER_WORDS

_DIRECTION = {
    "north": 0, "nord": 0, "norte": 0, "n": 0, "east": 90, "est": 90, "este": 90, "e": 90,
    "south": 180, "sud": 180, "sur": 180, "s": 180, "west": 270, "ouest": 270, "oeste": 270, "w": 270, "o": 270,
}  # fmt: skip
_POINT = "(?:north|south|east|west|nord|norte|ouest|oeste|sud|sur|este|est)"
_COMPASS = rf"{_POINT}(?:ern)?(?:[\s-]?(?:and\s)?{_POINT}(?:ern)?){{0,2}}(?:wards?)?|[NSEW]{{1,3}}\b"
_TOWARDS = r"(?:to\s(?:the\s)?|au\s|à\sl['’]|al\s|a\sl['’]|\(?)?"
_OF = r"\s(?:of|from|de|du|del|d['’])\s?(?:the\s|la\s|el\s)?(?:(?:town|city|village|ville|ciudad|pueblo|aldea)\s(?:of|de)\s)?"
_DISTANCE = re.compile(
    rf"(?P<km>\d{{1,3}}(?:[.,]\d{{1,2}})?|[a-zé]+(?:[- ][a-z]+)?)\s?(?P<unit>km|kms|kilom[eè]t(?:re|er)s?|kil[oó]metros?|mi|miles?|millas?)\.?"
    rf"(?:\s+away)?(?:\s+{_TOWARDS}(?P<direction>{_COMPASS})\)?)?,?{_OF}$",
    re.I,
)
_SIDE = re.compile(rf"(?:\b(?:{_COMPASS})\s(?:of|du|de|del)\s|\b(?:near|around|outside|beyond|towards?)\s|"
                   r"\b(?:outskirts|vicinity|suburbs|environs|surroundings|north|south|east|west)\sof\s|\bnot\sfar\sfrom\s|"
                   r"\bprès\sde\s|\bcerca\sde\s|\baux\senvirons\sde\s|\bautour\sde\s)(?:the\s(?:town|city|village)\sof\s|the\s)?$", re.I)  # fmt: skip
_ROAD = r"(?:road|highway|route|axis|track|motorway|corridor|carretera|axe|line|stretch|area|section|path|bridge)"
_BETWEEN = re.compile(rf"\b{_ROAD}\s(?:between|linking|connecting|entre|from|de)\s(?:the\s)?$", re.I)
_MILE_KM = 1.609344
_KM_PER_DEGREE = 111.2
SPAN_KM = 300.0  # ends of a road further apart than this say nothing of where on it


@dataclass(frozen=True)
class Offset:
    """How far from the named place, and in which direction (degrees from north; None where it is not said)."""

    km: float
    bearing: float | None


def offset_before(before: str) -> Offset | None:
    """What the words before a name say: a distance, or only that the place is near (0 km)."""
    if (match := _DISTANCE.search(before)) and (km := _amount(match["km"])) is not None:
        km *= _MILE_KM if match["unit"].lower().startswith("mi") else 1.0
        return Offset(km, _bearing(match["direction"]) if match["direction"] else None)
    return Offset(0.0, None) if _SIDE.search(before) else None


def is_road_before(before: str) -> bool:
    """`the road between`, `la route de`: the name that follows is one end of it."""
    return bool(_BETWEEN.search(before))


def joins_ends(between: str) -> bool:
    """What stands between the two ends of a road."""
    return between.strip().lower() in {"and", "to", "et", "à", "y", "a", "-", "–", "—", "with"}


def moved(lat: float, lon: float, offset: Offset) -> tuple[float, float]:
    """The point at that distance; the same point where the direction is not told."""
    if offset.bearing is None:
        return lat, lon
    angle = math.radians(offset.bearing)
    return (
        round(lat + offset.km * math.cos(angle) / _KM_PER_DEGREE, 4),
        round(lon + offset.km * math.sin(angle) / (_KM_PER_DEGREE * max(0.1, math.cos(math.radians(lat)))), 4),
    )


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance (haversine)."""
    p1, p2 = math.radians(lat1), math.radians(lat2)
    h = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(h)))


def _bearing(direction: str) -> float:
    words = re.findall(_POINT, direction.lower()) or [c for c in direction.lower() if c in _DIRECTION]
    x = sum(math.sin(math.radians(_DIRECTION[word])) for word in words)
    y = sum(math.cos(math.radians(_DIRECTION[word])) for word in words)
    return math.degrees(math.atan2(x, y)) % 360


def _amount(written: str) -> float | None:
    if written[0].isdigit():
        return float(written.replace(",", "."))
    known = [NUMBER_WORDS[word] for word in re.split("[- ]", written.lower()) if word in NUMBER_WORDS]
    return float(sum(known)) if known else None
