"""OpenDocument spreadsheets (ISO/IEC 26300), read as a stream."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.intake.fields import Formula
from pipeline.intake.rows import Limits, Reason, Refused
from pipeline.intake.xlsx import COLUMNS, ROWS
from pipeline.intake.xmlstream import events, opened, part

_MANIFEST = "META-INF/manifest.xml"


def rows(path: Path, limits: Limits) -> Iterator[tuple[str, int, list[Any]]]:
    """*(sheet's title, row number, cells)* of every row that holds anything; repeated rows come as often as they are."""
    with opened(path) as archive:
        _refuse_encrypted(archive)
        title, number, sheet, repeated = "", 0, 0, 1
        cells: list[Any] = []
        cell: _Cell | None = None
        with part(archive, "content.xml") as stream:
            for kind, tag, attributes in events(stream):
                is_cell = tag in ("table-cell", "covered-table-cell")
                if cell is not None and not (kind == "end" and is_cell):
                    cell.take(kind, tag, attributes)
                elif kind == "start" and tag == "table":
                    sheet += 1
                    title, number = attributes.get("name") or str(sheet), 0
                elif kind == "start" and tag == "table-row":
                    cells, repeated = [], max(1, int(attributes.get("number-rows-repeated", "1")))
                elif kind == "start" and is_cell:
                    cell = _Cell(attributes)
                elif cell is not None:
                    cells += [cell.value()] * max(0, min(cell.repeated, COLUMNS - len(cells)))
                    cell = None
                elif kind == "end" and tag == "table-row":
                    while cells and cells[-1] is None:
                        cells.pop()
                    if cells and repeated > limits.archive_entries:
                        raise Refused(Reason.ZIP_BOMB, "a row is repeated more often than a table of reports can be")
                    for offset in range(1, repeated + 1) if cells else ():
                        yield title, number + offset, cells
                    number += repeated
                    if cells and number > ROWS:
                        raise Refused(Reason.TOO_LARGE, "there are more rows than a sheet can hold: split the file")


def _refuse_encrypted(archive: zipfile.ZipFile) -> None:
    if _MANIFEST in archive.namelist():
        with part(archive, _MANIFEST) as stream:
            if any(tag == "encryption-data" for kind, tag, _ in events(stream) if kind == "start"):
                raise Refused(Reason.ENCRYPTED, "the spreadsheet is password-protected: remove the password")


class _Cell:
    """A cell while it is read; comments on it are left out."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.repeated = int(attributes.get("number-columns-repeated", "1"))
        self._pieces: list[str] = []
        self._paragraphs = self._comment = 0
        self._inside = False

    def take(self, kind: str, tag: str, attributes: dict[str, str]) -> None:
        """An event inside the cell."""
        if kind == "text":
            if self._inside and not self._comment:
                self._pieces.append(tag)
        elif tag == "annotation":
            self._comment += 1 if kind == "start" else -1
        elif self._comment:
            return
        elif tag == "p":
            self._inside = kind == "start"
            if self._inside:
                self._pieces.append("\n" if self._paragraphs else "")
                self._paragraphs += 1
        elif kind == "start" and tag == "s":
            self._pieces.append(" " * min(1000, int(attributes.get("c", "1"))))
        elif kind == "start" and tag in ("tab", "line-break"):
            self._pieces.append("\t" if tag == "tab" else "\n")

    def value(self) -> Any:
        """What the cell holds: a text, a date as ISO text, a formula, or None."""
        shown: Any = self.attributes.get("date-value") or "".join(self._pieces) or None
        if formula := self.attributes.get("formula"):
            return Formula.of("=" + formula.split("=", 1)[-1], shown)
        return shown
