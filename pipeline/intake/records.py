"""JSON and JSON Lines: records, one report each. Both are streamed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from pipeline.intake.encoding import BROKEN, detect_file, text_lines
from pipeline.intake.mapping import Columns, find_columns, jsonable, row_from_cells
from pipeline.intake.rows import Limits, Problem, Reason, Refused, Row

_BLANK = " \t\r\n"
_STEP = re.compile("[./]")
_BLOCK = 1 << 18


def read_jsonl(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """JSON Lines: each line an object by itself."""
    encoding, _ = detect_file(path)
    read = _Records(mapping, limits, source, encoding)
    with path.open("rb") as stream:
        for number, line in enumerate(text_lines(stream, encoding, limits), 1):
            where = f"{name}:{number}"
            if line is None:
                message = f"a line is longer than {limits.line_bytes // 2**20} MiB: this is no report"
                yield Row(where, number, {"line": number}, problem=Problem(Reason.TOO_LARGE, message))
                continue
            if not line.strip("\ufeff" + _BLANK):
                continue
            try:
                record = json.loads(line.lstrip("\ufeff"))
            except (ValueError, RecursionError):
                problem = Problem(Reason.NOT_A_RECORD, "the line is no JSON object: mend or remove it")
                yield Row(where, number, jsonable(line.rstrip("\r\n")), problem=problem)
                continue
            yield read.row(record, where, number)


def read_json(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """An array of objects, streamed; or one object, or an object that holds one array of objects."""
    encoding, start = detect_file(path)
    first = start.lstrip("\ufeff" + _BLANK)[:1]
    if not first:
        raise Refused(Reason.EMPTY_TEXT, "the file is empty")
    if first == "{" and _is_lines(start):
        yield from read_jsonl(path, name=name, mapping=mapping, limits=limits, source=source)
        return
    read = _Records(mapping, limits, source, encoding)
    try:
        with path.open(encoding=encoding, errors=BROKEN) as stream:
            elements = _elements(stream, limits) if first == "[" else _held(path, stream, limits)
            for number, record in enumerate(elements, 1):
                yield read.row(record, f"{name}[{number}]", number)
    except (ValueError, RecursionError):
        raise Refused(Reason.CORRUPT, "the file is no valid JSON: export it again, or send JSON Lines") from None


def _is_lines(start: str) -> bool:
    """Whether a `.json` file really holds JSON Lines: its first two lines are objects by themselves."""
    lines = [line for line in start[:_BLOCK].lstrip("\ufeff").splitlines() if line.strip()][:2]
    try:
        return len(lines) == 2 and isinstance(json.loads(lines[0]), dict) and lines[1].lstrip()[:1] == "{"
    except (ValueError, RecursionError):
        return False


def _held(path: Path, stream: TextIO, limits: Limits) -> list[Any]:
    """The records of a file that has to be read at once."""
    if path.stat().st_size > limits.document_bytes:
        raise Refused(Reason.TOO_LARGE, "a JSON object of this size has to be sent as JSON Lines, one report a line")
    value = json.loads(stream.read().lstrip("\ufeff"))
    if not isinstance(value, dict):
        raise Refused(Reason.NOT_A_RECORD, "the file holds no reports: send an array of objects")
    lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    return lists[0] if len(lists) == 1 else [value]


def _elements(stream: TextIO, limits: Limits) -> Iterator[Any]:
    """The elements of a JSON array, one at a time; no element may be longer than a line of JSON Lines."""
    decoder = json.JSONDecoder()
    buffer = stream.read(_BLOCK).lstrip("\ufeff" + _BLANK)[1:]
    found, separator, ended = 0, True, False
    while True:
        buffer = buffer.lstrip(_BLANK)
        if not buffer or buffer[0] == ",":
            if buffer and not separator and found:
                buffer, separator = buffer[1:], True
                continue
            more = "" if buffer else stream.read(_BLOCK)
            if not more:
                raise ValueError("the array is not closed")
            buffer = more
            continue
        if buffer[0] == "]" and (not separator or not found):
            ended = not (buffer[1:] + stream.read(_BLOCK)).strip(_BLANK)
            break
        if not separator:
            raise ValueError("a comma is missing")
        value, buffer = _next_element(decoder, buffer, stream, limits)
        found, separator = found + 1, False
        yield value
    if not ended:
        raise ValueError("there is more after the array")
    if not found:
        raise Refused(Reason.NOT_A_RECORD, "the file holds no reports: send an array of objects")


def _next_element(decoder: json.JSONDecoder, buffer: str, stream: TextIO, limits: Limits) -> tuple[Any, str]:
    """The element that the buffer begins with, reading on (twice as much each time) until it is whole."""
    while True:
        try:
            value, end = decoder.raw_decode(buffer)
            if end < len(buffer):  # a number at the buffer's end may go on
                return value, buffer[end:]
            complete = True
        except ValueError:
            value, complete = None, False
        more = stream.read(max(_BLOCK, len(buffer)))
        if not more:
            if complete:
                return value, ""
            raise ValueError("an element is broken")
        if len(buffer) > limits.line_bytes:
            raise Refused(Reason.CORRUPT, "an element is broken, or far too long: export the file again")
        buffer += more


class _Records:
    """Records to rows; the columns of records with the same keys are found once."""

    def __init__(self, mapping: Mapping[str, str], limits: Limits, source: str | None, encoding: str) -> None:
        self.mapping, self.limits, self.source, self.encoding = mapping, limits, source, encoding
        self._known: dict[tuple[str, ...], Columns | Problem] = {}
        self._paths = [name for name in mapping.values() if _STEP.search(name)]  # narrative.text, group/description

    def row(self, record: Any, where: str, line: int) -> Row:
        """A decoded record as a row."""
        if not isinstance(record, dict):
            problem = Problem(Reason.NOT_A_RECORD, "this is no object with a text")
            return Row(where, line, jsonable(record), problem=problem)
        for path in self._paths:
            _lift(record, path)
        columns = self._columns(tuple(record))
        if isinstance(columns, Problem):
            return Row(where, line, jsonable(record), problem=columns)
        cells = list(record.values())
        text, name = cells[columns.positions["text"]], columns.header[columns.positions["text"]]
        if not isinstance(text, str | None):
            within = f": if it is inside, say --map text={name}.FIELD" if isinstance(text, dict) else ""
            problem = Problem(Reason.NOT_A_RECORD, f"the text is no string{within}")
            return Row(where, line, jsonable(record), problem=problem)
        return row_from_cells(
            columns, cells, locator=where, line=line, limits=self.limits, source=self.source, encoding=self.encoding
        )

    def _columns(self, keys: tuple[str, ...]) -> Columns | Problem:
        known = self._known.get(keys)
        if known is None:
            try:
                known = find_columns(keys, self.mapping)
            except Refused as error:
                known = error.problem
            if len(self._known) < 1000:
                self._known[keys] = known
        return known


def _lift(record: dict[str, Any], path: str) -> None:
    """Move what stands at a path such as `narrative.text` or `group/description` to the top, under the path's name."""
    *steps, last = _STEP.split(path)
    inner: Any = record
    for step in steps:
        inner = inner.get(step) if isinstance(inner, dict) else None
    if path not in record and isinstance(inner, dict) and last in inner:
        record[path] = inner.pop(last)
