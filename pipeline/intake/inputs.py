"""From the paths that a monitor names to rows: each file to its reader, folders and archives opened."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from pipeline.intake import archives, documents, tables
from pipeline.intake.rows import Limits, Problem, Reason, Refused, Row

_TABLES = {
    ".csv": tables.read_delimited,
    ".tsv": tables.read_delimited,
    ".tab": tables.read_delimited,
    ".json": tables.read_json,
    ".jsonl": tables.read_jsonl,
    ".ndjson": tables.read_jsonl,
    ".xlsx": tables.read_xlsx,
    ".xlsm": tables.read_xlsx,
    ".ods": tables.read_ods,
    ".parquet": tables.read_parquet,
}
_DOCUMENTS = {
    ".txt": documents.read_text,
    ".md": documents.read_text,
    ".docx": documents.read_docx,
    ".pdf": documents.read_pdf,
    ".eml": documents.read_email,
}
FORMATS = (*_TABLES, *_DOCUMENTS, ".zip")


def read_inputs(
    paths: Sequence[Path],
    *,
    mapping: Mapping[str, str],
    limits: Limits,
    source: str | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[Row]:
    """Every row of the files, folders and archives, in a fixed order; a refused file is one row."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            for file in sorted(path.rglob("*")):
                hidden = any(part.startswith((".", "~$")) for part in file.relative_to(path).parts)
                if not hidden and (file.is_symlink() or file.is_file()):
                    name = str(file.relative_to(path))
                    yield from _file(file, name=name, mapping=mapping, limits=limits, source=source, depth=0)
        else:
            yield from _file(path, name=path.name, mapping=mapping, limits=limits, source=source, depth=0)


def _file(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None, depth: int
) -> Iterator[Row]:
    try:
        if path.is_symlink():
            raise Refused(Reason.SYMBOLIC_LINK, "a symbolic link: name the file itself")
        if path.stat().st_size > limits.file_bytes:
            raise Refused(Reason.TOO_LARGE, f"the file is larger than {limits.file_bytes // 2**20:,} MiB: split it")
        suffix = path.suffix.lower()
        if suffix in _TABLES:
            yield from _TABLES[suffix](path, name=name, mapping=mapping, limits=limits, source=source)
        elif suffix in _DOCUMENTS:
            yield from _DOCUMENTS[suffix](path, name=name, limits=limits, source=source)
        elif suffix == ".zip" and depth == 0:
            yield from _archive(path, name=name, mapping=mapping, limits=limits, source=source)
        else:
            raise Refused(Reason.UNKNOWN_FORMAT, f"not one of {', '.join(FORMATS)}: export it as one of them")
    except Refused as error:
        yield Row(name, 1, {"file": name}, problem=error.problem)
    except OSError as error:
        yield Row(name, 1, {"file": name}, problem=Problem(Reason.UNREADABLE, f"cannot be read: {error.strerror}"))


def _archive(path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        for entry, unpacked in archives.entries(path, limits, Path(folder)):
            inner = f"{name}!{entry}"
            if isinstance(unpacked, Refused):
                yield Row(inner, 1, {"file": inner}, problem=unpacked.problem)
            else:
                yield from _file(unpacked, name=inner, mapping=mapping, limits=limits, source=source, depth=1)
