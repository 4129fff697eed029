"""Which column holds what: by name, or as the monitor says with `--map text=Narrative`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pipeline.intake.days import is_ambiguous, parse_date
from pipeline.intake.encoding import is_guess, original_bytes
from pipeline.intake.fields import BadField, Formula, check_text, field_text, parse_country, parse_language
from pipeline.intake.mended import OURS, REASON, unguarded
from pipeline.intake.rows import Candidate, Limits, Problem, Reason, Refused, Row

FIELDS = ("text", "id", "report_date", "source", "country", "language")
MOST_COLUMNS = 16_384
_HEADER_WITHIN = 10  # rows; above it may stand a title or two
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@cache
def _names() -> dict[str, dict[str, list[str]]]:
    source = files("pipeline.intake").joinpath("columns.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def _key(name: object) -> str:
    plain = unicodedata.normalize("NFC", str(name).strip().lstrip("\ufeff").casefold())
    return re.sub(r"[\s_\-.]+", "_", plain).strip("_")


@dataclass(frozen=True)
class Columns:
    """The position of each field in a table's rows; the other columns, at `others`, are metadata.

    `mended`: the table is one that we wrote to be mended, and its cells are guarded as we guard them.
    """

    header: tuple[str, ...]
    positions: Mapping[str, int]
    others: tuple[tuple[int, str], ...]
    mended: bool = False

    def record(self, cells: Sequence[Any]) -> dict[str, Any]:
        """A row's cells by column name; cells beyond the header are kept under `+1`, `+2`."""
        named = dict(zip(self.header, cells, strict=False))
        return named | {f"+{n}": cell for n, cell in enumerate(cells[len(self.header) :], 1) if cell not in ("", None)}


def find_columns(header: Sequence[object], mapping: Mapping[str, str]) -> Columns:
    """The columns of a table; Refused with what to write where no column is clearly the text."""
    if len(header) > MOST_COLUMNS:
        raise Refused(Reason.UNKNOWN_COLUMNS, f"more than {MOST_COLUMNS:,} columns: this is no table of reports")
    names = _distinct(header)
    if mended := REASON in names:
        names = tuple(unguarded(name) for name in names)
    keys = ["" if name in OURS else _key(name) for name in names]
    positions: dict[str, int] = {}
    for field, column in mapping.items():
        if field not in FIELDS:
            raise Refused(Reason.UNKNOWN_COLUMNS, f"--map {field}=…: fields are {', '.join(FIELDS)}")
        if _key(column) not in keys:
            raise Refused(Reason.UNKNOWN_COLUMNS, f"there is no column {column!r}; columns: {_listed(names)}")
        positions[field] = keys.index(_key(column))
    written = [_key(cell) for cell in header]
    for field, aliases in _names()["aliases"].items():
        for alias in aliases:
            if field not in positions and alias in keys and keys.index(alias) not in positions.values():
                positions[field] = keys.index(alias)
                if field == "text" and written.count(alias) > 1:
                    raise Refused(
                        Reason.UNKNOWN_COLUMNS,
                        _which_text([names[at] for at, key in enumerate(written) if key == alias]),
                    )
    if "text" not in positions:
        advice = " or ".join(f"--map text={_quoted(o)}" for o in _offers(names, keys)) or "--map text=COLUMN"
        raise Refused(
            Reason.UNKNOWN_COLUMNS,
            f"no column is called text: say which one holds the reports, with {advice}; columns: {_listed(names)}",
        )
    taken = set(positions.values())
    others = tuple((at, name) for at, name in enumerate(names) if at not in taken and name not in OURS)
    return Columns(names, positions, others, mended)


def _distinct(header: Sequence[object]) -> tuple[str, ...]:
    """Column names as one can tell them apart: a second `note` is `note (2)`, a nameless third column `column 3`."""
    names: dict[str, None] = {}
    for number, cell in enumerate(header, 1):
        name = jsonable(str(cell).strip().lstrip("\ufeff")) if cell is not None else ""
        name = name or f"column {number}"
        names[name if name not in names else f"{name} ({number})"] = None
    return tuple(names) if len(names) == len(header) else tuple(f"column {n}" for n in range(1, len(header) + 1))


def _which_text(names: Sequence[str]) -> str:
    one, other = (f"--map text={_quoted(name)}" for name in names[:2])
    return f"more than one column is called {names[0]}: say which one holds the reports, with {one} or {other}"


def _offers(names: Sequence[str], keys: Sequence[str]) -> list[str]:
    """The columns whose name says that they may hold the report, the likeliest first; no cell that may be a report."""
    words = [re.split(r"[\W_]+", key) for key in keys]
    offers, others = _names()["offers"]["text"], set(_names()["offers"]["other"])
    found = [
        name for offer in offers for name, of in zip(names, words, strict=True) if offer in of and not others & {*of}
    ]
    return [name for name in dict.fromkeys(found) if _is_name(name) and name[0] != "_"]  # Kobo's own: _notes


def date_offers(names: Sequence[str]) -> list[str]:
    """The columns that may hold the report date, by their names."""
    words = {name: re.split(r"[\W_]+", _key(name)) for name in names}
    return [name for name, of in words.items() if set(_names()["offers"]["report_date"]) & {*of} and _is_name(name)]


def _is_name(cell: object) -> bool:
    """Whether a cell looks like a column's name, and not like something of a report."""
    name = str(cell).strip()
    return len(name) <= 40 and len(name.split()) <= 4 and bool(re.match(r"[^\W\d]", name))


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _listed(names: Sequence[str]) -> str:
    """The names for a message; a table without a header has reports there, which no message may quote."""
    shown = [name for name in names if _is_name(name)]
    if len(shown) < len(names) / 2:
        return "the first line does not look like column names: put them there"
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


class HeaderSearch:
    """Finds the header of a table: its first row, or one below a title; below other rows where `--map` names its text.

    Without that a row with several cells is never passed over: it may be a report.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.columns: Columns | None = None
        self._mapping, self._seen, self._titles = mapping, 0, 0
        self._refused: list[tuple[int, int, Refused]] = []  # how likely the row is the header, its cells, what is wrong

    def offer(self, cells: Sequence[Any]) -> None:
        """The next row above the first report; Refused where there is no header so far down."""
        self._seen += 1
        filled = [cell for cell in cells if cell is not None and str(cell).strip()]
        named = len(filled) > 1 and all(map(_is_name, filled))
        try:
            found = find_columns(cells, self._mapping)
        except Refused as error:
            offers = named and "text=COLUMN" not in error.problem.message
            self._refused.append(((len(filled) > 1) + named + offers, len(filled) if named else 0, error))
            self._titles += len(filled) < 2
        else:
            if "text" in self._mapping or self._titles == self._seen - 1:
                self.columns = found
                return
            if named:
                text = _quoted(found.header[found.positions["text"]])
                below = f"the header seems to stand below other rows: if so, say --map text={text}"
                raise Refused(Reason.UNKNOWN_COLUMNS, below)
        if self._seen == _HEADER_WITHIN:
            self.close()

    def close(self) -> None:
        """After the last row: Refused where there was no header, with what is wrong with the likeliest row."""
        if self.columns is None and self._refused:
            raise max(self._refused, key=lambda refused: refused[:2])[2]


def row_from_cells(
    columns: Columns,
    cells: Sequence[Any],
    *,
    locator: str,
    line: int,
    limits: Limits,
    source: str | None,
    encoding: str = "utf-8",
) -> Row:
    """A row of a table as a candidate, or with the problem of its first bad field."""
    if columns.mended:
        cells = [unguarded(cell) for cell in cells]
    content = jsonable(columns.record(cells))
    width = len(cells)
    positions = columns.positions

    def cell(field: str) -> Any:
        position = positions.get(field)
        value = cells[position] if position is not None and position < width else None
        return value.value if isinstance(value, Formula) else value

    external_id = _identifier(cell("id"))
    beyond = cells[len(columns.header) :]
    if beyond and any(str(c).strip() for c in beyond if c is not None):
        problem = Problem(
            Reason.RAGGED_ROW, "the row has more cells than the table has columns: quote texts that hold commas"
        )
        return Row(locator, line, content, problem=problem, external_id=external_id)
    try:
        text = check_text(cells[positions["text"]] if positions["text"] < width else None, limits)
        day = cell("report_date")
        flags = ("encoding_detected",) if is_guess(encoding) and not text.isascii() else ()
        candidate = Candidate(
            text=text,
            external_id=external_id,
            report_date=parse_date(day),
            source=jsonable(field_text(cell("source"))) or source,
            country=parse_country(cell("country")),
            language=parse_language(cell("language")),
            metadata={
                name: jsonable(cells[at])
                for at, name in columns.others
                if at < width and cells[at] is not None and cells[at] != "" and cells[at] == cells[at]
            },
            raw=original_bytes(text, encoding),
            flags=(*flags, "ambiguous_date") if is_ambiguous(day) else flags,
        )
    except BadField as error:
        return Row(locator, line, content, problem=error.problem, external_id=external_id)
    return Row(locator, line, content, candidate=candidate, external_id=external_id)


def _identifier(value: Any) -> str | None:
    """The submitter's id as text; a whole number stays one, though its column came as decimals."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return jsonable(field_text(value)) or None


def jsonable(value: Any) -> Any:
    """A value as JSON and every database can hold it; bytes that were no text are spelt out, never dropped."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return str(value)
        spelt = value.encode("utf-8", "backslashreplace").decode()
        return _CONTROL.sub(lambda match: match[0] if match[0] == "\r" else f"\\x{ord(match[0]):02x}", spelt)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Mapping):
        return {jsonable(str(k)): jsonable(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return jsonable(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, Sequence):
        return [jsonable(v) for v in value]
    return jsonable(str(value))
