"""Rows that were set aside as a file, to be mended and submitted again as it is: XLSX or CSV for a spreadsheet, JSON Lines for programs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from pipeline.errors import MonitorError
from pipeline.intake.mended import COLUMNS, guarded
from pipeline.intake.xlsx import COLUMNS as MOST_COLUMNS
from pipeline.intake.xlsx import ROWS as MOST_ROWS
from pipeline.results import quarantine_lines, set_aside

MOST_CHARACTERS = 32_767  # in a cell of a sheet
SetAside = tuple[Mapping[str, Any], Mapping[str, str]]
_BEYOND = re.compile(r"\+\d+")
_SPELT = re.compile(r"_x[0-9A-Fa-f]{4}_")


def write_set_aside(connection: Connection, batches: Sequence[str], path: Path) -> int:
    """Write the rows of batches that were set aside, in the form that the file's ending names; how many."""
    if path.suffix in _TABLES:
        return write_mend(lambda: (row for batch in batches for row in set_aside(connection, batch)), path)
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for count, line in enumerate((line for batch in batches for line in quarantine_lines(connection, batch)), 1):  # noqa: B007
            stream.write(line)
    return count


def write_mend(rows: Callable[[], Iterable[SetAside]], path: Path) -> int:
    """Write the rows under the columns that they came with, ours last; how many. `rows` is gone through twice.

    Cells that a row had beyond its columns stand beyond these again: it is whole only once they are moved where they belong.
    """
    named = (name for content, _ in rows() for name in content if not _BEYOND.fullmatch(name))
    columns = tuple(dict.fromkeys(named))
    count = 0
    with _TABLES[path.suffix](path) as write:
        write([guarded(name) for name in (*columns, *COLUMNS)])
        for count, (content, why) in enumerate(rows(), 1):  # noqa: B007
            beyond = [value for name, value in content.items() if _BEYOND.fullmatch(name)]
            own = (why["where"], why["reason"], why["message"])
            write([guarded(_cell(v)) for v in (*(content.get(name) for name in columns), *own, *beyond)])
    return count


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


Write = Callable[[Sequence[Any]], object]


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:  # Excel takes it for UTF-8 by the mark
        yield csv.writer(stream).writerow


@contextmanager
def _xlsx(path: Path) -> Iterator[Write]:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("mend")
    written = 0

    def write(cells: Sequence[Any]) -> None:
        nonlocal written
        written += 1
        too_long = any(isinstance(cell, str) and len(cell) > MOST_CHARACTERS for cell in cells)
        if too_long or written > MOST_ROWS or len(cells) > MOST_COLUMNS:
            raise MonitorError("there is more than a sheet of Excel can hold: take .csv or .jsonl")
        sheet.append([_spelt(cell) if isinstance(cell, str) else cell for cell in cells])

    yield write
    book.save(path)


def _spelt(text: str) -> str:
    """Text as a workbook holds it: a carriage return spelt `_x000D_`, what looks like such a spelling guarded."""
    return _SPELT.sub(lambda match: "_x005F" + match[0], text).replace("\r", "_x000D_")


_TABLES = {".csv": _csv, ".xlsx": _xlsx}
ENDINGS = (".jsonl", *_TABLES)
"""The forms of such a file, the usual one of programs first."""
