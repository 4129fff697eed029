"""A gazetteer from a GeoNames dump that the user has: `allCountries`, and `alternateNamesV2` beside it.

Streams line by line, commits every twenty thousand, and goes on where it was stopped. Format:
GeoNames' readme.txt ("The main 'geoname' table", "The table 'alternate names'"). A line that is none is
left out and counted; a file of which more than one line in a hundred is none is refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from pipeline.errors import ConfigurationError
from pipeline.extract.gazetteer.bundled import divisions
from pipeline.extract.gazetteer.file import Entry, GazetteerWriter

_PLACE_COLUMNS, _NAME_COLUMNS = 15, 4  # that are read, of 19 and 10
_CLASSES = frozenset("AHLPSTRV")
# What GeoNames keeps as alternate names and is none: links, codes of post, airports and railways.
_NO_NAMES = frozenset({"link", "wkdt", "post", "iata", "icao", "faac", "unlc", "tcid", "phon", "piny", "abbr"})
_COUNTRIES = frozenset({"PCLI", "PCLD", "PCLF", "PCLS", "PCLIX"})
_LONGEST_NAME = 60
_FEW, _BAD_SHARE = 10, 0.01  # bad lines that a table may have


@dataclass(frozen=True)
class Imported:
    """What an import made: places in the file, and lines that were no rows, with the first line numbers."""

    places: int
    bad_lines: int
    first_bad: tuple[str, ...]


def import_geonames(
    dump: Path,
    *,
    out: Path,
    alternates: Path | None = None,
    local: Path | None = None,
    countries: Collection[str] = (),
    report: Callable[[int, int], None] | None = None,
) -> Imported:
    """Build a gazetteer from a dump (`allCountries.zip`, `ML.txt`), with the names of `alternates` and own places.

    Countries and subdivisions come from the installed packages. `report` is told lines and bytes read.
    Raises ConfigurationError where a file is no such table, OperatorError where the disk is full or another
    import is at work; run again, it goes on.
    """
    from pipeline.extract.gazetteer.local import read_places

    own = list(read_places(local)) if local else []
    inputs = _fingerprint([path for path in (dump, alternates) if path], sorted(countries))
    bad: list[str] = []
    counts = {"bad": 0}

    def rows(path: Path, columns: int, start: int) -> Iterator[tuple[list[str], int]]:
        yield from _rows(path, columns, start, bad, counts, report)

    with GazetteerWriter(out, inputs=inputs) as writer:
        if writer.position("divisions") is None:
            writer.add(((entry, 0) for entry in divisions()), step="divisions")
        start = writer.position("dump") or 0
        writer.add(_places(rows(dump, _PLACE_COLUMNS, start), frozenset(countries)), step="dump")
        if alternates:
            start = writer.position("alternates") or 0
            writer.add_names(_names(rows(alternates, _NAME_COLUMNS, start)), step="alternates")
        if writer.position("local") is None:
            writer.add(((entry, 0) for entry in own), step="local")
        places = writer.finish()
    return Imported(places, counts["bad"], tuple(bad))


def _places(rows: Iterable[tuple[list[str], int]], countries: frozenset[str]) -> Iterator[tuple[Entry, int]]:
    """Populated places, divisions and named features."""
    for row, position in rows:
        class_, code, iso2 = row[6], row[7], row[8]
        if class_ not in _CLASSES or code == "PCLH" or (countries and iso2 not in countries):
            continue
        # A country's entry takes the place of the package's, which has no point; the package's names stay.
        kind = "country" if code in _COUNTRIES else "district" if code.startswith(("ADM", "PCL")) else "place"
        others = [name for name in (row[2], *row[3].split(",")) if name and len(name) <= _LONGEST_NAME]
        yield (
            Entry(int(row[0]), row[1], kind, f"{class_}.{code}", iso2 or None, row[10] or None, float(row[4]),
                  float(row[5]), int(row[14] or 0), others),
            position,
        )  # fmt: skip


def _names(rows: Iterable[tuple[list[str], int]]) -> Iterator[tuple[int, str, int]]:
    for row, position in rows:
        if row[2] not in _NO_NAMES and len(row[3]) <= _LONGEST_NAME:
            yield int(row[1]), row[3], position


def _is_place(row: Sequence[str]) -> bool:
    lat, lon = float(row[4]), float(row[5])
    return int(row[0]) > 0 and bool(row[1]) and abs(lat) <= 90 and abs(lon) <= 180 and int(row[14] or 0) >= 0


def _is_name(row: Sequence[str]) -> bool:
    return int(row[1]) > 0 and bool(row[3])


def _rows(
    path: Path,
    columns: int,
    start: int,
    bad: list[str],
    counts: dict[str, int],
    report: Callable[[int, int], None] | None,
) -> Iterator[tuple[list[str], int]]:
    """Rows of a table from a byte on, each with the position after it."""
    good: Callable[[Sequence[str]], bool] = _is_place if columns == _PLACE_COLUMNS else _is_name
    table = "GeoNames table of 19 columns" if columns == _PLACE_COLUMNS else "table of alternate names"
    with _opened(path) as stream:
        if start:
            stream.seek(start)
        position, wrong, number = start, 0, 0
        for number, line in enumerate(stream, 1):
            position += len(line)
            try:
                row = line.decode("utf-8").rstrip("\r\n").split("\t")
                accepted = len(row) >= columns and good(row)
            except ValueError:  # no number, or no UTF-8
                accepted = False
            if accepted:
                yield row, position
            else:
                wrong += 1
                counts["bad"] += 1
                if len(bad) < 5:
                    bad.append(f"{path.name}: line {number}" + (f" after byte {start:,}" if start else ""))
                if (number == 1 and not start) or wrong > max(_FEW, number * _BAD_SHARE):
                    raise ConfigurationError(
                        f"{path}: this is no {table}, see line {number}: take it from a GeoNames dump"
                    )
            if report and number % 50_000 == 0:
                report(number, position)
        if position == 0:
            raise ConfigurationError(f"{path}: the file is empty")


def _fingerprint(paths: Sequence[Path], countries: Sequence[str]) -> str:
    """What tells these inputs from others: names, sizes and times of change."""
    if missing := next((path for path in paths if not path.is_file()), None):
        raise ConfigurationError(f"{missing}: there is no such file")
    facts = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return "inputs " + sha256(repr((facts, list(countries))).encode()).hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The table as bytes; of an archive, the one table in it that is no readme."""
    if path.suffix.lower() != ".zip":
        with path.open("rb") as stream:
            yield stream
        return
    try:
        with zipfile.ZipFile(path) as archive:
            listed = [info for info in archive.infolist() if info.filename.endswith(".txt")]
            # `alternateNamesV2.zip` holds the codes of languages too.
            tables = [i for i in listed if not any(w in i.filename.lower() for w in ("readme", "languagecodes"))]
            if len(tables) != 1:
                raise ConfigurationError(f"{path}: there is no GeoNames table in this archive")
            with archive.open(tables[0]) as member:
                yield member
    except zipfile.BadZipFile as error:
        raise ConfigurationError(f"{path}: the archive is damaged ({error}): fetch it again") from error
