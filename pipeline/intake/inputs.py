"""From the paths that a monitor names to rows: each file to its reader, folders and archives opened."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pipeline.intake import archives, delimited, documents, records, sniff, tables
from pipeline.intake.mapping import jsonable
from pipeline.intake.rows import Limits, Problem, Reason, Refused, Row

_TABLES = {
    ".csv": delimited.read_delimited,
    ".tsv": delimited.read_delimited,
    ".tab": delimited.read_delimited,
    ".json": records.read_json,
    ".jsonl": records.read_jsonl,
    ".ndjson": records.read_jsonl,
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
}
FORMATS = (*_TABLES, *_DOCUMENTS, ".eml", ".zip")
_SAVE_AS = {
    ".xls": "an older Excel workbook: save it as .xlsx",
    ".xlsb": "a binary Excel workbook: save it as .xlsx",
    ".doc": "an older Word document: save it as .docx",
    ".rtf": "a rich text document: save it as .docx",
    ".odt": "an OpenDocument text: save it as .docx or .txt",
    ".msg": "a mail as Outlook saves it: forward it to the mailbox, or save it as .eml or .txt",
    ".mbox": "a whole mailbox: save the mails as .eml, one a file",
    ".html": "a web page: save it as .txt, or print it to PDF",
    ".htm": "a web page: save it as .txt, or print it to PDF",
    **dict.fromkeys(
        (".7z", ".rar", ".tar", ".gz", ".tgz"), "an archive that is not read: unpack it, or pack it as .zip"
    ),
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic"), "a picture: run text recognition on it first"),
    **dict.fromkeys((".mp3", ".ogg", ".opus", ".m4a", ".wav", ".mp4"), "a recording: write down what is said in it"),
}
_SYSTEM = frozenset({"thumbs.db", "desktop.ini"})  # what Windows leaves in folders, hidden there
_MAILS_WITHIN = 3
_MOST_ATTACHMENTS = 200
_TEXTUAL = frozenset({".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".txt", ".md", ".eml"})


def read_inputs(
    paths: Sequence[Path],
    *,
    mapping: Mapping[str, str],
    limits: Limits,
    source: str | None = None,
) -> Iterator[Row]:
    """Every row of the files, folders and archives, in a fixed order; a refused file is one row."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            for file, problem in walk(path):
                name = str(file.relative_to(path))
                if problem:
                    yield Row(jsonable(name), 1, {"file": jsonable(name)}, problem=problem)
                else:
                    yield from _file(file, name=name, mapping=mapping, limits=limits, source=source, within=())
        else:
            yield from _file(path, name=path.name, mapping=mapping, limits=limits, source=source, within=())


def spool(stdin: BinaryIO, folder: Path) -> Path:
    """Standard input as a file in `folder`, named by what its content is."""
    path = folder / "stdin"
    with path.open("wb") as stream:
        shutil.copyfileobj(stdin, stream)
    with path.open("rb") as stream:
        return path.rename(folder / f"stdin{sniff.suffix(stream.read(4096))}")


def walk(folder: Path) -> list[tuple[Path, Problem | None]]:
    """The files under a folder, sorted, hidden ones left out; with them the folders that cannot be read."""
    found: list[tuple[Path, Problem | None]] = []

    def unreadable(error: OSError) -> None:
        message = f"the folder cannot be read: {error.strerror}"
        found.append((Path(error.filename), Problem(Reason.UNREADABLE, message)))

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]  # noqa: PTH114, PTH118
        folders[:] = [name for name in folders if not name.startswith((".", "~$")) and name not in links]
        kept = [name for name in (*names, *links) if not name.startswith((".", "~$")) and name.lower() not in _SYSTEM]
        found += [(Path(parent, name), None) for name in kept]
    return sorted(found, key=lambda item: item[0])


def _file(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None, within: tuple[str, ...],
    day: date | None = None,
) -> Iterator[Row]:  # fmt: skip
    """The rows of one file; always at least one, so that no file goes missing silently.

    `day` is when the mail that it came with was sent: the report date of a document, which has no other.
    """
    name = jsonable(name)
    received = False
    try:
        for row in _rows(path, name=name, mapping=mapping, limits=limits, source=source, within=within, day=day):
            received = True
            yield row
        problem = Problem(Reason.EMPTY_TEXT, "the file holds no reports")
    except Refused as error:
        problem, received = error.problem, False
    except OSError as error:
        problem, received = Problem(Reason.UNREADABLE, f"cannot be read: {error.strerror}"), False
    except Exception as error:  # a reader's own fault must not cost the files after this one
        problem = Problem(Reason.CORRUPT, f"the file cannot be read ({type(error).__name__}): export it again")
        received = False
    if not received:
        yield Row(name, 1, {"file": name, **_size(path)}, problem=problem)


def _rows(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None, within: tuple[str, ...],
    day: date | None,
) -> Iterator[Row]:  # fmt: skip
    about = path.lstat()
    if stat.S_ISLNK(about.st_mode):
        raise Refused(Reason.SYMBOLIC_LINK, "a symbolic link: name the file itself")
    if not stat.S_ISREG(about.st_mode):
        raise Refused(Reason.UNREADABLE, "no regular file: copy its content into a file")
    if about.st_size > limits.file_bytes:
        raise Refused(Reason.TOO_LARGE, f"the file is larger than {limits.file_bytes // 2**20:,} MiB: split it")
    suffix = path.suffix.lower()
    if suffix in _TEXTUAL:
        with path.open("rb") as stream:
            kind = sniff.kind(stream.read(64))
        if kind is not None:
            raise Refused(
                Reason.UNKNOWN_FORMAT, f"the name ends in {suffix}, the content is {kind}: give it its own name"
            )
    if suffix in _TABLES:
        yield from _TABLES[suffix](path, name=name, mapping=mapping, limits=limits, source=source)
    elif suffix in _DOCUMENTS:
        for row in _DOCUMENTS[suffix](path, name=name, limits=limits, source=source):
            yield documents.dated(row, day)
    elif suffix == ".eml":
        yield from _mail(path, name=name, mapping=mapping, limits=limits, source=source, within=within)
    elif suffix == ".zip" and ".zip" not in within:
        yield from _archive(path, name=name, mapping=mapping, limits=limits, source=source, within=within, day=day)
    elif suffix == ".zip":
        raise Refused(Reason.NESTED_ARCHIVE, "an archive within an archive: unpack it first")
    else:
        mend = _SAVE_AS.get(suffix, f"not one of {', '.join(FORMATS)}: export it as one of them")
        raise Refused(Reason.UNKNOWN_FORMAT, mend)


def _size(path: Path) -> dict[str, int]:
    try:
        return {"bytes": path.lstat().st_size}
    except OSError:
        return {}


def _mail(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None, within: tuple[str, ...]
) -> Iterator[Row]:
    """The mail's own text, and the rows of what was attached to it; a mail that only carries files is no report."""
    if within.count(".eml") == _MAILS_WITHIN:
        raise Refused(Reason.NESTED_ARCHIVE, "a mail within mails within mails: save it by itself")
    mail = documents.read_email(path, limits)
    if mail.written or not mail.files:
        yield documents.email_row(mail, name=name, limits=limits, source=source)
    if len(mail.files) > _MOST_ATTACHMENTS:
        raise Refused(
            Reason.TOO_LARGE, f"more than {_MOST_ATTACHMENTS} attachments: save them and hand them in as files"
        )
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        for number, file in enumerate(mail.files):
            suffix = re.sub(r"[^.\w]", "", PurePosixPath(file.name).suffix.lower())[:20]
            saved = Path(folder, f"{number}{suffix}")
            saved.write_bytes(file.content)
            yield from _file(
                saved, name=f"{name}!{file.name}", mapping=mapping, limits=limits, source=source,
                within=(*within, ".eml"), day=mail.day,
            )  # fmt: skip


def _archive(
    path: Path, *, name: str, mapping: Mapping[str, str], limits: Limits, source: str | None, within: tuple[str, ...],
    day: date | None,
) -> Iterator[Row]:  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        for entry, unpacked in archives.entries(path, limits, Path(folder)):
            inner = jsonable(f"{name}!{entry}")
            if isinstance(unpacked, Refused):
                yield Row(inner, 1, {"file": inner}, problem=unpacked.problem)
            else:
                yield from _file(
                    unpacked, name=inner, mapping=mapping, limits=limits, source=source, within=(*within, ".zip"),
                    day=day,
                )  # fmt: skip
