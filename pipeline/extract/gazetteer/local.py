"""Places of one's own, from a CSV table: camps, front-line villages, names that no gazetteer has.

Columns: `name`, `lat`, `lon` required; `country` (ISO 3166-1 alpha-2), `kind` (place or district), `names`
(further ones, between semicolons), `population`, `geonames_id` optional. An id that is given replaces
GeoNames' entry.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from pipeline.errors import ConfigurationError
from pipeline.extract.gazetteer.file import Entry, append

COLUMNS = ("name", "lat", "lon", "country", "kind", "names", "population", "geonames_id")
_FIRST_OWN_ID = -1_000_000_000
# A person who lists a place means it: it comes before an unlisted one of unknown size.
_POPULATION = 1_000


def read_places(path: Path) -> Iterator[Entry]:
    """The places of a table; raises ConfigurationError with the line at what is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = reader.fieldnames or []
            if missing := [c for c in COLUMNS[:3] if c not in columns]:
                raise ConfigurationError(
                    f"{path}: the column {missing[0]} is missing; it has {', '.join(columns) or 'none'}"
                )
            if unknown := [c for c in columns if c not in COLUMNS]:
                raise ConfigurationError(f"{path}: no column {unknown[0]} is known; there are {', '.join(COLUMNS)}")
            for row in reader:
                try:
                    yield _entry(row)
                except ValueError as error:
                    raise ConfigurationError(f"{path}:{reader.line_num}: {error}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(
            f"{path}: it cannot be read as a CSV table in UTF-8 ({type(error).__name__})"
        ) from error


def add_places(table: Path, *, base: Path, out: Path) -> int:
    """A copy of the gazetteer `base` with the places of a table, at `out` (which may be `base`); how many were added."""
    entries = list({entry.id: entry for entry in read_places(table)}.values())  # a line may stand twice
    partial = out.with_name(out.name + ".partial")
    shutil.copyfile(base, partial)
    append(partial, entries)
    partial.replace(out)
    return len(entries)


def _entry(row: dict[str, str]) -> Entry:
    name, kind = (row["name"] or "").strip(), (row.get("kind") or "place").strip()
    lat, lon = _number(row["lat"], "lat", 90), _number(row["lon"], "lon", 180)
    country = (row.get("country") or "").strip().upper()
    if not name:
        raise ValueError("the name is missing")
    if kind not in ("place", "district"):
        raise ValueError(f"kind is place or district, not {kind}")
    if country and not (len(country) == 2 and country.isalpha()):
        raise ValueError(f"country is an ISO code of two letters such as ML, not {country}")
    others = [other.strip() for other in (row.get("names") or "").split(";") if other.strip()]
    given = (row.get("geonames_id") or "").strip()
    # The same place in a later table keeps its id, and so replaces itself.
    ident = int(given) if given else _FIRST_OWN_ID - crc32(f"{name}|{country}|{lat:.3f}|{lon:.3f}".encode())
    return Entry(
        ident, name, kind, "", country or None, None, lat, lon, int(row.get("population") or _POPULATION), others
    )


def _number(written: str | None, column: str, most: int) -> float:
    try:
        value = float((written or "").strip())
    except ValueError:
        value = most + 1.0
    if abs(value) > most:
        raise ValueError(f"{column} is a number from -{most} to {most} in degrees, not {written!r}")
    return value
