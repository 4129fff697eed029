"""Which column holds what: by name, or as the monitor says with `--map text=Narrative`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pipeline.intake.fields import BadField, check_text, parse_country, parse_date, parse_language
from pipeline.intake.rows import Candidate, Limits, Problem, Reason, Refused, Row

FIELDS = ("text", "id", "report_date", "source", "country", "language")


@cache
def _names() -> dict[str, dict[str, list[str]]]:
    source = files("pipeline.intake").joinpath("columns.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def _key(name: object) -> str:
    return re.sub(r"[\s_\-.]+", "_", str(name).strip().lstrip("\ufeff").casefold()).strip("_")


@dataclass(frozen=True)
class Columns:
    """The position of each field in a table's rows; the other columns are metadata."""

    header: tuple[str, ...]
    positions: Mapping[str, int]

    def record(self, cells: Sequence[Any]) -> dict[str, Any]:
        """A row's cells by column name; cells beyond the header are kept under `+1`, `+2`."""
        named = dict(zip(self.header, cells, strict=False))
        return named | {f"+{n}": cell for n, cell in enumerate(cells[len(self.header) :], 1) if cell not in ("", None)}


def find_columns(header: Sequence[object], mapping: Mapping[str, str]) -> Columns:
    """The columns of a table; Refused with what to write where no column is clearly the text."""
    names = tuple(str(name).strip().lstrip("\ufeff") if name is not None else "" for name in header)
    keys = [_key(name) for name in names]
    positions: dict[str, int] = {}
    for field, column in mapping.items():
        if field not in FIELDS:
            raise Refused(Reason.UNKNOWN_COLUMNS, f"--map {field}=…: fields are {', '.join(FIELDS)}")
        if _key(column) not in keys:
            raise Refused(Reason.UNKNOWN_COLUMNS, f"there is no column {column!r}; columns: {_listed(names)}")
        positions[field] = keys.index(_key(column))
    for field, aliases in _names()["aliases"].items():
        for alias in aliases:
            if field not in positions and alias in keys and keys.index(alias) not in positions.values():
                positions[field] = keys.index(alias)
    if "text" not in positions:
        offers = [names[keys.index(o)] for o in _names()["offers"]["text"] if o in keys]
        advice = " or ".join(f"--map text={_quoted(o)}" for o in offers) or "--map text=COLUMN"
        raise Refused(
            Reason.UNKNOWN_COLUMNS,
            f"no column is called text: say which one holds the reports, with {advice}; columns: {_listed(names)}",
        )
    return Columns(names, positions)


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _listed(names: Sequence[str]) -> str:
    shown = [name for name in names if name]
    return ", ".join(name[:40] for name in shown[:12]) + (" …" if len(shown) > 12 else "") or "none"


def row_from_cells(
    columns: Columns, cells: Sequence[Any], *, locator: str, line: int, limits: Limits, source: str | None
) -> Row:
    """A row of a table as a candidate, or with the problem of its first bad field."""
    record = columns.record(cells)
    content = jsonable(record)

    def cell(field: str) -> Any:
        position = columns.positions.get(field)
        return cells[position] if position is not None and position < len(cells) else None

    given = cell("id")
    external_id = str(given).strip() or None if given is not None else None
    if external_id:
        external_id = external_id.encode("utf-8", "backslashreplace").decode()
    if len(cells) > len(columns.header) and any(str(c).strip() for c in cells[len(columns.header) :] if c is not None):
        problem = Problem(
            Reason.RAGGED_ROW, "the row has more cells than the table has columns: quote texts that hold commas"
        )
        return Row(locator, line, content, problem=problem, external_id=external_id)
    taken = set(columns.positions.values())
    try:
        candidate = Candidate(
            text=check_text(cell("text"), limits),
            external_id=external_id,
            report_date=parse_date(cell("report_date")),
            source=_words(cell("source")) or source,
            country=parse_country(cell("country")),
            language=parse_language(cell("language")),
            metadata={
                name: jsonable(value)
                for position, (name, value) in enumerate(zip(columns.header, cells, strict=False))
                if position not in taken and name and value not in ("", None)
            },
        )
    except BadField as error:
        return Row(locator, line, content, problem=error.problem, external_id=external_id)
    return Row(locator, line, content, candidate=candidate, external_id=external_id)


def _words(value: Any) -> str | None:
    return str(value).strip().encode("utf-8", "replace").decode() or None if value is not None else None


def jsonable(value: Any) -> Any:
    """A value as JSON can hold it; bytes that were no text are spelt out, never dropped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Mapping):
        return {jsonable(str(k)): jsonable(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [jsonable(v) for v in value]
    return jsonable(str(value))
