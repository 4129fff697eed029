"""Excel workbooks (ECMA-376, SpreadsheetML), read as a stream; formulas are seen as formulas, never computed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.intake.fields import Formula
from pipeline.intake.rows import Reason, Refused
from pipeline.intake.xmlstream import events, main_part, opened, part, relations

ROWS, COLUMNS = 1_048_576, 16_384  # what a sheet can hold
_SHARED_BYTES = 384 << 20  # memory for a workbook's texts
_DATE_STYLES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))  # built-in number formats
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Z]{1,3})\d{1,7}")


@dataclass(frozen=True)
class _Book:
    texts: list[str]
    date_styles: frozenset[int]
    epoch: datetime


def sheets(path: Path) -> Iterator[tuple[str, Iterator[tuple[int, list[Any]]]]]:
    """Title, and *(row number, cells)*, of each worksheet; a sheet's rows are to be read before the next sheet."""
    with opened(path) as archive:
        workbook = main_part(archive, otherwise="xl/workbook.xml")
        related = relations(archive, workbook)
        parts = {kind: name for kind, name in related.values() if kind in ("sharedStrings", "styles")}
        titles: list[tuple[str, str]] = []
        epoch = datetime(1899, 12, 30)
        with part(archive, workbook) as stream:
            for kind, tag, attributes in events(stream):
                if kind == "start" and tag == "workbookPr" and attributes.get("date1904") in ("1", "true"):
                    epoch = datetime(1904, 1, 1)
                elif kind == "start" and tag == "sheet":
                    relation, target = related.get(attributes.get("id", ""), ("", ""))
                    if relation == "worksheet":
                        titles.append((attributes.get("name", ""), target))
        if not titles:
            raise Refused(Reason.CORRUPT, "the workbook holds no sheet that can be read: save it again as .xlsx")
        book = _Book(
            _shared_texts(archive, parts["sharedStrings"]) if "sharedStrings" in parts else [],
            _date_styles(archive, parts["styles"]) if "styles" in parts else frozenset(),
            epoch,
        )
        for title, target in titles:
            yield title, _rows(archive, target, book)


def _shared_texts(archive: zipfile.ZipFile, name: str) -> list[str]:
    texts: list[str] = []
    pieces: list[str] = []
    size = phonetic = 0
    taking = False
    with part(archive, name) as stream:
        for kind, tag, _ in events(stream):
            if kind == "text":
                if taking and not phonetic:
                    pieces.append(tag)
            elif tag == "t":
                taking = kind == "start"
            elif tag == "rPh":  # how a Japanese word is pronounced, beside the word
                phonetic += 1 if kind == "start" else -1
            elif tag == "si" and kind == "end":
                texts.append(_unescaped("".join(pieces)))
                size += len(texts[-1]) + 60
                pieces.clear()
                if size > _SHARED_BYTES:
                    raise Refused(Reason.TOO_LARGE, "the workbook holds too much text: split it, or send CSV")
    return texts


def _unescaped(text: str) -> str:
    """Text with Excel's `_x000D_` undone."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _date_styles(archive: zipfile.ZipFile, name: str) -> frozenset[int]:
    """The cell styles that show a number as a date."""
    dates = set(_DATE_STYLES)
    styles: set[int] = set()
    inside, number = False, 0
    with part(archive, name) as stream:
        for kind, tag, attributes in events(stream):
            if kind == "text":
                continue
            if tag == "cellXfs":
                inside = kind == "start"
            elif kind == "start" and tag == "numFmt" and _shows_date(attributes.get("formatCode", "")):
                dates.add(int(attributes.get("numFmtId", "-1")))
            elif kind == "start" and tag == "xf" and inside:
                if int(attributes.get("numFmtId", "0")) in dates:
                    styles.add(number)
                number += 1
    return frozenset(styles)


def _shows_date(code: str) -> bool:
    bare = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.', "", code.split(";")[0])
    return bool(re.search(r"[dy]|mmm|m[/-]", bare, re.I)) and "general" not in bare.casefold()


def _rows(archive: zipfile.ZipFile, name: str, book: _Book) -> Iterator[tuple[int, list[Any]]]:
    """The rows that hold anything, with their numbers."""
    number = column = 0
    cells: list[Any] = []
    kind_of_cell, style = "n", 0
    formula: list[str] | None = None
    pieces: list[str] = []
    taking: list[str] | None = None
    phonetic = False
    with part(archive, name) as stream:
        for kind, tag, attributes in events(stream):
            if kind == "text":
                if taking is not None and not phonetic:
                    taking.append(tag)
            elif tag in ("v", "t"):
                taking = pieces if kind == "start" else None
            elif tag == "rPh":
                phonetic = kind == "start"
            elif tag == "f":
                formula = formula or []
                taking = formula if kind == "start" else None
            elif tag == "c" and kind == "start":
                column = _column(attributes.get("r", "")) or column + 1
                if column > COLUMNS:
                    raise Refused(Reason.CORRUPT, "a row has more cells than a sheet can hold: save it again")
                kind_of_cell, style = attributes.get("t", "n"), int(attributes.get("s", "0"))
                pieces, formula = [], None
            elif tag == "c":
                value = _value("".join(pieces), kind_of_cell, style, book)
                if formula is not None:
                    value = Formula.of("=" + "".join(formula), value)
                elif kind_of_cell == "e":
                    value = Formula.of("".join(pieces), None)
                if value is not None:
                    cells += [None] * (column - len(cells))
                    cells[column - 1] = value
            elif tag == "row" and kind == "start":
                number = int(attributes.get("r", number + 1))
                cells, column = [], 0
                if not 0 < number <= ROWS:
                    raise Refused(Reason.CORRUPT, "there are more rows than a sheet can hold: save it again")
            elif tag == "row" and cells:
                yield number, cells


def _column(reference: str) -> int:
    """The number of a cell's column, from 1: 28 for `AB7`; 0 where the reference says nothing."""
    match = _REFERENCE.fullmatch(reference)
    number = 0
    for letter in match[1] if match else "":
        number = number * 26 + ord(letter) - 64
    return number


def _value(text: str, kind: str, style: int, book: _Book) -> Any:
    if not text:
        return None
    if kind == "s":
        return book.texts[int(text)]
    if kind == "n":
        number = float(text)
        if style in book.date_styles:
            return _day(number, book.epoch) or text
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if kind == "b":
        return text == "1"
    return _unescaped(text)


def _day(number: float, epoch: datetime) -> Any:
    """The date of a spreadsheet's day number (the year 1900 counts as a leap year there); None where it has none."""
    if not 0 < number < 2_958_466:
        return None
    day = epoch + timedelta(days=number + (1 if number < 60 and epoch.year == 1899 else 0))
    return day if number % 1 else day.date()
