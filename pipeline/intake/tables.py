"""Spreadsheets and Parquet, one report a row, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from pipeline.intake.archives import guard_zip
from pipeline.intake.mapping import HeaderSearch, find_columns, jsonable, row_from_cells
from pipeline.intake.rows import Limits, Reason, Refused, Row

_PARQUET_BATCH = 256  # rows held at once


def read_xlsx(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """Every sheet of a workbook that has rows."""
    guard_zip(path, limits)
    from pipeline.intake.xlsx import sheets

    for title, rows in sheets(path):
        yield from _table_rows(rows, f"{name}!{title}", mapping, limits, source)


def read_ods(path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None) -> Iterator[Row]:
    """Every sheet of an OpenDocument spreadsheet that has rows."""
    guard_zip(path, limits)
    from pipeline.intake import ods

    for title, sheet in groupby(ods.rows(path, limits), key=itemgetter(0)):
        rows = ((number, cells) for _, number, cells in sheet)
        yield from _table_rows(rows, f"{name}!{title}", mapping, limits, source)


def _table_rows(
    rows: Iterable[tuple[int, list[Any]]], name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """The rows of a sheet, each with its number; a sheet without a column of texts is one row with that problem."""
    header = HeaderSearch(mapping)
    number, first = 1, list[Any]()
    try:
        for number, cells in rows:
            first = first or cells
            if not any(cell is not None and str(cell).strip() for cell in cells):
                continue
            if header.columns is None:
                header.offer(cells)
                continue
            where = f"{name}:{number}"
            yield row_from_cells(header.columns, cells, locator=where, line=number, limits=limits, source=source)
        header.close()
    except Refused as error:
        content = jsonable(first) if header.columns is None else {"sheet": name, "after_row": number}
        yield Row(name, number, content, problem=error.problem)


def read_parquet(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None
) -> Iterator[Row]:
    """Parquet, a few rows at a time; what it would unpack to is looked at first."""
    import pyarrow.parquet as pq

    try:
        # Limits on what the file's own directory may take; a stream buffer, so that no whole column is held.
        file = pq.ParquetFile(
            path,
            buffer_size=1 << 20,
            pre_buffer=False,
            thrift_string_size_limit=limits.document_bytes,
            thrift_container_size_limit=1_000_000,
        )
        _refuse_parquet_bomb(file.metadata, path.stat().st_size, limits)
        columns = find_columns(file.schema_arrow.names, mapping)
        number = 0
        for batch in file.iter_batches(batch_size=_PARQUET_BATCH):
            for record in batch.to_pylist():
                number += 1
                where = f"{name}:{number}"
                cells = list(record.values())
                yield row_from_cells(columns, cells, locator=where, line=number, limits=limits, source=source)
    except Refused:
        raise
    except Exception as error:  # pyarrow raises its own kinds, and Python's for values that Python cannot hold
        raise Refused(
            Reason.CORRUPT, f"the Parquet file cannot be read ({type(error).__name__}): write it again"
        ) from None


def _refuse_parquet_bomb(metadata: Any, packed: int, limits: Limits) -> None:
    largest = max((metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups)), default=0)
    total = sum(metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups))
    if largest > limits.unpacked_bytes or total > max(10 * 2**20, packed * limits.unpacked_ratio):
        raise Refused(Reason.ZIP_BOMB, f"unpacks to {total // 2**20:,} MiB: refused unread")
    # A few bytes can stand for a value repeated without end.
    if metadata.num_rows > max(100_000, packed):
        raise Refused(Reason.ZIP_BOMB, f"claims {metadata.num_rows:,} rows: refused unread")
