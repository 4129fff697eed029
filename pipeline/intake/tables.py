"""Tables, one report a row: CSV, TSV, JSON, JSON Lines, XLSX, ODS and Parquet. All are streamed."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.intake.archives import guard_zip
from pipeline.intake.encoding import SAMPLE, detect
from pipeline.intake.mapping import Columns, find_columns, jsonable, row_from_cells
from pipeline.intake.rows import Limits, Problem, Reason, Refused, Row


def read_delimited(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """CSV and TSV. A quote that is never closed costs its own line, not the lines after it."""
    csv.field_size_limit(limits.line_bytes)
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE)
        stream.seek(0)
        if not sample.strip():
            raise Refused(Reason.EMPTY_TEXT, "the file is empty")
        encoding = detect(sample)
        lines = _Lines(_text_lines(stream, encoding, limits))
        delimiter = "\t" if path.suffix.lower() in (".tsv", ".tab") else _delimiter(sample.decode(encoding, "replace"))
        columns: Columns | None = None
        number = 0
        while True:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            try:
                for cells in reader:
                    consumed = lines.take()
                    number += len(consumed)
                    if not any(cell.strip() for cell in cells):
                        continue
                    if columns is None:
                        columns = find_columns(cells, mapping)
                        continue
                    where = f"{name}:{number - len(consumed) + 1}"
                    if len(consumed) > 1 and len(cells) != len(columns.header):
                        # Most likely an open quote that swallowed the lines after it.
                        yield _open_quote(where, number, consumed)
                        number -= len(consumed) - 1
                        lines.push_back(consumed[1:])
                        break
                    yield row_from_cells(columns, cells, locator=where, line=number, limits=limits, source=source)
                else:
                    return
            except csv.Error:
                consumed = lines.take()
                if not consumed:
                    return
                where = f"{name}:{number + 1}"
                yield _open_quote(where, number + 1, consumed)
                number += 1
                lines.push_back(consumed[1:])


def _open_quote(where: str, line: int, consumed: list[str]) -> Row:
    message = "a quote is opened and not closed, or a cell is far too long: mend the quotes in this line"
    return Row(where, line, jsonable(consumed[0].rstrip("\r\n")), problem=Problem(Reason.CORRUPT, message))


class _Lines:
    """Lines for the CSV reader, remembering those that the current row took, so that they can be given back."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source, self._waiting, self._taken = source, deque[str](), list[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._source)
        self._taken.append(line)
        return line

    def take(self) -> list[str]:
        taken, self._taken = self._taken, []
        return taken

    def push_back(self, lines: list[str]) -> None:
        self._waiting.extendleft(reversed(lines))


def _text_lines(stream: BinaryIO, encoding: str, limits: Limits) -> Iterator[str]:
    """Decoded lines; bytes that do not decode stay as surrogates and mark their own row only."""
    if encoding.startswith(("utf-16", "utf-32")):
        yield from io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
        return
    first = True
    while line := stream.readline(limits.line_bytes):
        if len(line) >= limits.line_bytes and not line.endswith(b"\n"):
            raise Refused(Reason.TOO_LARGE, f"a line is longer than {limits.line_bytes // 2**20} MiB: this is no table")
        if first and encoding == "utf-8-sig":
            line = line.removeprefix(b"\xef\xbb\xbf")
        first = False
        yield line.decode("utf-8" if encoding == "utf-8-sig" else encoding, "surrogateescape")


def _delimiter(sample: str) -> str:
    first = next((line for line in sample.splitlines() if line.strip()), "")
    return max(",;\t|", key=first.count)


def read_jsonl(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """JSON Lines: each line an object by itself."""
    with path.open("rb") as stream:
        for number, line in enumerate(_bounded_lines(stream, limits), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError):
                content = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
                problem = Problem(Reason.NOT_A_RECORD, "the line is no JSON object: mend or remove it")
                yield Row(f"{name}:{number}", number, content, problem=problem)
                continue
            yield _record_row(record, f"{name}:{number}", number, mapping, limits, source)


def _bounded_lines(stream: BinaryIO, limits: Limits) -> Iterator[bytes]:
    while line := stream.readline(limits.line_bytes):
        if len(line) >= limits.line_bytes and not line.endswith(b"\n"):
            raise Refused(Reason.TOO_LARGE, f"a line is longer than {limits.line_bytes // 2**20} MiB")
        yield line


def read_json(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """A JSON array of objects, or one object."""
    if path.stat().st_size > limits.document_bytes:
        raise Refused(Reason.TOO_LARGE, "a JSON array of this size has to be sent as JSON Lines, one object a line")
    try:
        value = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Refused(Reason.CORRUPT, "the file is no valid JSON: export it again, or send JSON Lines") from None
    if isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        value = lists[0] if len(lists) == 1 else [value]
    if not isinstance(value, list) or not value:
        raise Refused(Reason.NOT_A_RECORD, "the file holds no reports: send an array of objects")
    for number, record in enumerate(value, 1):
        yield _record_row(record, f"{name}[{number}]", number, mapping, limits, source)


def _record_row(
    record: Any, where: str, line: int, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Row:
    if not isinstance(record, dict):
        return Row(where, line, jsonable(record), problem=Problem(Reason.NOT_A_RECORD, "this is no object with a text"))
    try:
        columns = find_columns(list(record), mapping)
    except Refused as error:
        return Row(where, line, jsonable(record), problem=error.problem)
    if not isinstance(record[columns.header[columns.positions["text"]]], str | None):
        problem = Problem(Reason.NOT_A_RECORD, "the text is no string")
        return Row(where, line, jsonable(record), problem=problem)
    return row_from_cells(columns, list(record.values()), locator=where, line=line, limits=limits, source=source)


def read_xlsx(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """Every sheet of a workbook that has rows; formulas are seen as formulas, never computed."""
    guard_zip(path, limits)
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
        sheets = workbook.worksheets
    except Exception as error:  # openpyxl raises many kinds on a damaged file
        raise Refused(Reason.CORRUPT, f"the workbook cannot be read ({type(error).__name__}): save it again") from None
    try:
        for sheet in sheets:
            rows = _sheet_rows(sheet)
            yield from _table_rows(rows, f"{name}!{sheet.title}", mapping, limits, source)
    finally:
        workbook.close()


def _sheet_rows(sheet: Any) -> Iterator[list[Any]]:
    try:
        for row in sheet.iter_rows():
            yield ["=" + str(c.value).lstrip("=") if c.data_type == "f" else c.value for c in row]
    except Refused:
        raise
    except Exception as error:
        raise Refused(
            Reason.CORRUPT, f"the sheet cannot be read to its end ({type(error).__name__}): save it again"
        ) from None


def read_ods(path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None) -> Iterator[Row]:
    """Every sheet of an OpenDocument spreadsheet."""
    guard_zip(path, limits)
    from pipeline.intake.ods import sheets

    for title, rows in sheets(path, limits):
        yield from _table_rows(rows, f"{name}!{title}", mapping, limits, source)


def read_parquet(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """Parquet, a batch of rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        columns = find_columns(file.schema_arrow.names, mapping)
        number = 0
        for batch in file.iter_batches(batch_size=1000):
            for record in batch.to_pylist():
                number += 1
                yield row_from_cells(
                    columns,
                    list(record.values()),
                    locator=f"{name}:{number}",
                    line=number,
                    limits=limits,
                    source=source,
                )
    except (pa.ArrowException, OSError) as error:
        raise Refused(Reason.CORRUPT, f"the Parquet file cannot be read ({type(error).__name__})") from None


def _table_rows(
    rows: Iterable[list[Any]], name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    columns: Columns | None = None
    for number, cells in enumerate(rows, 1):
        if not any(cell is not None and str(cell).strip() for cell in cells):
            continue
        if columns is None:
            try:
                columns = find_columns(cells, mapping)
            except Refused as error:
                yield Row(name, number, jsonable(list(cells)), problem=error.problem)
                return
            continue
        yield row_from_cells(columns, cells, locator=f"{name}:{number}", line=number, limits=limits, source=source)
