"""Coordinates written in a text: decimal degrees, degrees with minutes and seconds, MGRS and UTM (WGS 84).

>>> [(c.text, c.lat, c.lon) for c in find_coordinates("Shelling at 36°12'N, 37°09'E, grid 37S CA 33 07.")]
[("36°12'N, 37°09'E", 36.2, 37.15), ('37S CA 33 07', 36.1985, 37.1486)]

Latitude comes first, as in the field's notations, unless the letters or the words say otherwise. Two bare
numbers are coordinates only where each has at least four decimals, or a word such as `GPS` says so; `7.62, 5.56` is ammunition.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Lock

from mgrs import MGRS
from mgrs.core import MGRSError

from pipeline.extract.sift import Sift


@dataclass(frozen=True)
class Coordinates:
    """A point in degrees, and how large the square is that the notation leaves open (metres)."""

    start: int
    end: int
    text: str
    lat: float
    lon: float
    precision_m: float


_APOSTROPHE = "['’′´`]"
_DEGREE, _MINUTE, _SECOND = (
    r"(?:[°º]|deg\b\.?)",
    rf"(?:{_APOSTROPHE}|min\b\.?)",
    rf"(?:[\"”″]|{_APOSTROPHE}{{2}}|sec\b\.?)",
)
_NUMBER = r"\d{1,2}(?:[.,]\d+)?\s?"
_ANGLE = rf"\d{{1,3}}(?:[.,]\d+)?\s?{_DEGREE}?(?:\s?{_NUMBER}{_MINUTE}(?:\s?{_NUMBER}{_SECOND})?)?"
_BETWEEN = r"\s{0,2}[,;/]?\s{0,2}"
_NS, _EW = "(?:North|South|N|S)", "(?:East|West|E|W|O)"
_BARE = r"[-+−]?\d{1,3}\.\d{4,}"
_SHORTER = r"[-+−]?\d{1,3}\.\d{2,}"
_FORMS = tuple(
    (name, re.compile(pattern, flags))
    for name, pattern, flags in (
        ("angle", rf"(?<![\w.])(?P<lat>{_ANGLE})\s?(?P<ns>{_NS})\b{_BETWEEN}(?P<lon>{_ANGLE})\s?(?P<ew>{_EW})\b", 0),
        ("angle", rf"\b(?P<ns>{_NS})\s?(?P<lat>{_ANGLE}){_BETWEEN}(?P<ew>{_EW})\s?(?P<lon>{_ANGLE})(?![\w])", 0),
        ("angle", rf"(?<![\w.])(?P<lon>{_ANGLE})\s?(?P<ew>{_EW})\b{_BETWEEN}(?P<lat>{_ANGLE})\s?(?P<ns>{_NS})\b", 0),
        ("packed", r"\b(?P<lat>\d{4}(?:\d\d)?)\s?(?P<ns>[NS])\s?[,/]?\s?(?P<lon>\d{5}(?:\d\d)?)\s?(?P<ew>[EW])\b", 0),
        ("words", rf"\blat(?:itude)?\b[\s.:=]{{0,3}}(?P<lat>[-+−]?{_ANGLE}){_BETWEEN}(?:and\s)?"
                  rf"lon(?:g(?:itude)?)?\b[\s.:=]{{0,3}}(?P<lon>[-+−]?{_ANGLE})", re.I),
        ("words", rf"\b(?:coordinates?|gps|coords?|position|geo)\b[\s.:=(]{{0,3}}(?P<lat>{_SHORTER}){_BETWEEN}(?P<lon>{_SHORTER})(?!\w)", re.I),
        ("words", rf"\bPOINT\s?\((?P<lon>{_BARE}) (?P<lat>{_BARE})\)", re.I),
        ("words", rf"(?<![\w.,-])(?P<lat>{_BARE})°?(?:\s?[,;/]\s?|\s)(?P<lon>{_BARE})°?(?![\w.%]|,\d)", 0),
        ("mgrs", r"\b(?P<zone>\d{1,2}[C-HJ-NP-X])\s?(?P<square>[A-HJ-NP-Z]{2})\s?(?P<digits>\d{2,5}\s\d{2,5}\b|(?:\d{2}){2,5}\b)", 0),
        ("utm", r"\b(?:UTM\s)?(?:zone\s)?(?P<zone>\d{1,2})\s?(?P<band>[C-HJ-NP-X])[\s,]{1,2}(?P<east>\d{6})(?:\.\d+)?\s?m?E?[\s,]{1,2}"
                r"(?P<north>\d{6,8})(?:\.\d+)?\s?m?N?\b", re.I),
    )
)  # fmt: skip
_METRES_PER_DEGREE = 111_200.0
_BAND_S_NORTHINGS = (3_500_000, 4_500_000)  # metres, 32 to 40 degrees north


@cache
def _sift() -> Sift:
    return Sift([pattern for _, pattern in _FORMS])


def find_coordinates(text: str) -> list[Coordinates]:
    """Coordinates in order of their place in the text, none overlapping; impossible ones are left out."""
    found: list[Coordinates] = []
    for number in _sift().possible(text):
        name, pattern = _FORMS[number]
        for match in pattern.finditer(text):
            if any(match.start() < other.end and match.end() > other.start for other in found):
                continue
            if (point := _READERS[name](match)) is not None:
                lat, lon, precision_m = point
                if abs(lat) <= 90 and abs(lon) <= 180:
                    found.append(
                        Coordinates(
                            match.start(), match.end(), match.group(), round(lat, 5), round(lon, 5), precision_m
                        )
                    )
    return sorted(found, key=lambda c: c.start)


Point = tuple[float, float, float]


def _angles(match: re.Match[str]) -> Point | None:
    if not re.search(r"[.,°º'’′]|deg", match["lat"] + match["lon"]):  # `section 12 N 4 E`
        return None
    lat, lon = _degrees(match["lat"]), _degrees(match["lon"])
    if lat is None or lon is None:
        return None
    south, west = match["ns"].upper().startswith("S"), match["ew"].upper()[0] in "WO"
    return -lat[0] if south else lat[0], -lon[0] if west else lon[0], max(lat[1], lon[1])


def _packed(match: re.Match[str]) -> Point | None:
    """`1326N 00207E`: degrees, minutes and, where there are two digits more, seconds."""

    def angle(digits: str, width: int) -> tuple[float, float]:
        parts = [int(digits[:width]), *(int(digits[i : i + 2]) for i in range(width, len(digits), 2))]
        unit = _METRES_PER_DEGREE / 60 ** (len(parts) - 1)
        return sum(part / 60**i for i, part in enumerate(parts)), unit

    (lat, lat_m), (lon, lon_m) = angle(match["lat"], 2), angle(match["lon"], 3)
    return -lat if match["ns"] == "S" else lat, -lon if match["ew"] == "W" else lon, max(lat_m, lon_m)


def _signed(match: re.Match[str]) -> Point | None:
    lat, lon = _degrees(match["lat"]), _degrees(match["lon"])
    return (lat[0], lon[0], max(lat[1], lon[1])) if lat and lon else None


def _degrees(written: str) -> tuple[float, float] | None:
    """Degrees of `36°12'30"` or `-1.68`, and the size in metres of the last place written."""
    sign = -1.0 if written[:1] in "-−" else 1.0
    numbers = re.findall(r"\d+(?:[.,]\d+)?", written)
    values = [float(number.replace(",", ".")) for number in numbers]
    if len(values) > 3 or any(value >= 60 for value in values[1:]):
        return None
    decimals = len(re.split("[.,]", numbers[-1])[1]) if re.search("[.,]", numbers[-1]) else 0
    size = _METRES_PER_DEGREE / 60 ** (len(values) - 1) / 10**decimals
    return sign * sum(value / 60**i for i, value in enumerate(values)), size


@cache
def _grid() -> tuple[MGRS, Lock]:
    # The C library under it keeps the zone in static variables: one conversion at a time.
    return MGRS(), Lock()


def _mgrs(match: re.Match[str]) -> Point | None:
    digits = match["digits"].split()
    if len(digits) == 2 and len(digits[0]) != len(digits[1]):
        return None
    return _from_grid(match["zone"].zfill(3), match["square"], "".join(digits))


def _from_grid(zone: str, square: str, digits: str) -> Point | None:
    """The middle of the square that a grid reference names."""
    half = len(digits) // 2
    middle = digits[:half] + "5" + digits[half:] + "5" if half < 5 else digits
    grid, lock = _grid()
    try:
        with lock:
            lat, lon = grid.toLatLon(f"{zone}{square}{middle}")
    except MGRSError:
        return None
    return round(lat, 4 if half < 5 else 5), round(lon, 4 if half < 5 else 5), 10.0 ** (5 - half)


def _utm(match: re.Match[str]) -> Point | None:
    """The letter is the latitude band. `S` is a northern band, but many write it for the hemisphere: the northing tells."""
    band, northing = match["band"].upper(), float(match["north"])
    northern = _BAND_S_NORTHINGS[0] < northing < _BAND_S_NORTHINGS[1] if band == "S" else band >= "N"
    grid, lock = _grid()
    try:
        with lock:
            square = grid.UTMToMGRS(int(match["zone"]), "N" if northern else "S", float(match["east"]), northing, 5)
            lat, lon = grid.toLatLon(square)
    except MGRSError:
        return None
    return lat, lon, 1.0


_READERS: dict[str, Callable[[re.Match[str]], Point | None]] = {
    "angle": _angles,
    "packed": _packed,
    "words": _signed,
    "mgrs": _mgrs,
    "utm": _utm,
}
