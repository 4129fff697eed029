"""OpenDocument spreadsheets, read as a stream of XML events with entities switched off."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.intake.rows import Limits, Reason, Refused

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_REPEATED_CELLS = 256  # sheets declare thousands of empty columns to the right


def sheets(path: Path, limits: Limits) -> Iterator[tuple[str, Iterator[list[Any]]]]:
    """Title and rows of each sheet; repeated rows are given once each, empty ones once."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    try:
        with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
            title = ""
            rows: list[list[Any]] = []
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                if event == "start" and element.tag == f"{_TABLE}table":
                    title, rows = element.get(f"{_TABLE}name", ""), []
                elif event == "end" and element.tag == f"{_TABLE}table-row":
                    rows += _repeat(_cells(element), int(element.get(f"{_TABLE}number-rows-repeated", 1)), limits)
                    element.clear()
                elif event == "end" and element.tag == f"{_TABLE}table":
                    yield title, iter(rows)
                    element.clear()
    except (DefusedXmlException, ParseError, KeyError, zipfile.BadZipFile, ValueError, EOFError, OSError):
        raise Refused(Reason.CORRUPT, "the spreadsheet cannot be read: save it again") from None


def _repeat(cells: list[Any], times: int, limits: Limits) -> list[list[Any]]:
    if not any(cell not in (None, "") for cell in cells):
        return [cells]
    if times > limits.archive_entries:
        raise Refused(Reason.ZIP_BOMB, "a row is repeated more often than a sheet can hold")
    return [cells] * times


def _cells(row: Any) -> list[Any]:
    cells: list[Any] = []
    for cell in row:
        if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        repeated = min(int(cell.get(f"{_TABLE}number-columns-repeated", 1)), _REPEATED_CELLS)
        cells += [_value(cell)] * repeated
    while cells and cells[-1] in (None, ""):
        cells.pop()
    return cells


def _value(cell: Any) -> Any:
    if formula := cell.get(f"{_TABLE}formula"):
        return "=" + formula.split("=", 1)[-1]
    if cell.get(f"{_OFFICE}value-type") == "date":
        return cell.get(f"{_OFFICE}date-value")
    paragraphs = ["".join(p.itertext()) for p in cell.iter(f"{_TEXT}p")]
    return "\n".join(paragraphs) or None
