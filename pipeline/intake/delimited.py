"""CSV and TSV, streamed. A quote that is never closed costs its own line, not the lines after it."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.intake.encoding import detect_file, text_lines
from pipeline.intake.mapping import HeaderSearch, jsonable, row_from_cells
from pipeline.intake.rows import Limits, Problem, Reason, Refused, Row

DELIMITERS = ",;\t|"


def read_delimited(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """One row a report; lines are numbered as a text editor does."""
    csv.field_size_limit(limits.line_bytes)
    encoding, start = detect_file(path)
    if not start.strip("\ufeff \t\r\n"):
        raise Refused(Reason.EMPTY_TEXT, "the file is empty")
    with path.open("rb") as stream:
        lines = _Lines(text_lines(stream, encoding, limits), limits)
        delimiter, number = _delimiter(start, path.suffix.lower()), 0
        if re.match("\ufeff?sep=.\r?\n", start):  # Excel's own hint
            number += len(lines.skip())
        header = HeaderSearch(mapping)
        while True:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            try:
                for cells in reader:
                    consumed = lines.take()
                    number += len(consumed)
                    if not any(cell.strip() for cell in cells):
                        continue
                    if header.columns is None:
                        header.offer(cells)
                        continue
                    where = f"{name}:{number - len(consumed) + 1}"
                    if len(consumed) > 1 and len(cells) != len(header.columns.header):
                        # Most likely an open quote that swallowed the lines after it.
                        yield _open_quote(where, number, consumed)
                        number -= len(consumed) - 1
                        lines.push_back(consumed[1:])
                        break
                    yield row_from_cells(
                        header.columns,
                        cells,
                        locator=where,
                        line=number,
                        limits=limits,
                        source=source,
                        encoding=encoding,
                    )
                else:
                    header.close()
                    return
            except _TooLong:
                number += 1
                message = f"a line is longer than {limits.line_bytes // 2**20} MiB: this is no report"
                yield Row(f"{name}:{number}", number, {"line": number}, problem=Problem(Reason.TOO_LARGE, message))
            except (csv.Error, _Swallowed):
                consumed = lines.take()
                if not consumed:
                    return
                number += 1
                yield _open_quote(f"{name}:{number}", number, consumed)
                lines.push_back(consumed[1:])


def _open_quote(where: str, line: int, consumed: list[str]) -> Row:
    message = "a quote is opened and not closed, or a cell is far too long: mend the quotes in this line"
    return Row(where, line, jsonable(consumed[0].rstrip("\r\n")), problem=Problem(Reason.CORRUPT, message))


def _delimiter(start: str, suffix: str) -> str:
    """What parts the cells: as the file says, by its name, or the commonest outside quotes in its first line."""
    if match := re.match("\ufeff?sep=(.)\r?\n", start):
        return match[1]
    if suffix in (".tsv", ".tab"):
        return "\t"
    first = next((line for line in start.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=bare.count)


class _TooLong(Exception):
    """The next line is too long to be one."""


class _Swallowed(Exception):
    """The current row has taken more than a row can hold, or a line that is too long."""


class _Lines:
    """Lines for the CSV reader, remembering those that the current row took, so that they can be given back."""

    def __init__(self, source: Iterator[str | None], limits: Limits) -> None:
        self._source, self._most = source, limits.line_bytes
        self._waiting, self._taken, self._held = deque[str | None](), list[str](), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._source)
        if line is None:
            if self._taken:
                self._waiting.appendleft(None)
                raise _Swallowed
            raise _TooLong
        self._taken.append(line)
        self._held += len(line)
        if self._held > self._most and len(self._taken) > 1:
            raise _Swallowed
        return line

    def skip(self) -> list[str]:
        """Take a line without reading it."""
        next(self)
        return self.take()

    def take(self) -> list[str]:
        """The lines that the current row took."""
        taken, self._taken, self._held = self._taken, [], 0
        return taken

    def push_back(self, lines: list[str]) -> None:
        """Give lines back, to be read again."""
        self._waiting.extendleft(reversed(lines))
