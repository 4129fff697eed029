"""XML as a stream of events with bounded memory: no tree, no document types, no entities.

What the zipped formats (XLSX, ODS, DOCX) are read with. Names come without their namespace prefix.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal
from xml.parsers import expat

from pipeline.intake.rows import Reason, Refused

Event = tuple[Literal["start", "end", "text"], str, dict[str, str]]

_BLOCK = 1 << 16
_SILENCE = 16 << 20  # bytes without any event: one huge token, which no honest file holds
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def events(stream: IO[bytes]) -> Iterator[Event]:
    """*(start, name, attributes)*, *(text, characters, {})* and *(end, name, {})* in document order."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    waiting: list[Event] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        waiting.append(("start", _local(name), {_local(key): value for key, value in attributes.items()}))

    def forbidden(*_: object) -> None:
        raise Refused(Reason.CORRUPT, "the file declares XML entities: save it again with an office program")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: waiting.append(("end", _local(name), {}))
    parser.CharacterDataHandler = lambda text: waiting.append(("text", text, {}))
    parser.StartDoctypeDeclHandler = forbidden
    parser.EntityDeclHandler = forbidden
    silent = 0
    try:
        while True:
            block = stream.read(_BLOCK)
            parser.Parse(block, not block)
            silent = 0 if waiting else silent + len(block)
            if silent > _SILENCE:
                raise Refused(Reason.ZIP_BOMB, "the file holds one value of many megabytes: refused")
            yield from waiting
            waiting.clear()
            if not block:
                return
    except (expat.ExpatError, *DAMAGED) as error:
        raise Refused(Reason.CORRUPT, f"the file cannot be read ({type(error).__name__}): save it again") from None


def _local(name: str) -> str:
    return name.rpartition(":")[2]


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zipped document; Refused where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DAMAGED as error:
        raise Refused(Reason.CORRUPT, f"the file cannot be read ({type(error).__name__}): save it again") from None


def part(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A part of a zipped document as a stream."""
    try:
        return archive.open(name.lstrip("/"))
    except DAMAGED as error:
        raise Refused(
            Reason.CORRUPT, f"a part of the file is missing ({type(error).__name__}): save it again"
        ) from None


def relations(archive: zipfile.ZipFile, owner: str) -> dict[str, tuple[str, str]]:
    """Of a part of an Office document: relation id to *(last word of the relation's type, part)* (ECMA-376, part 2)."""
    folder, name = posixpath.split(owner)
    index = posixpath.join(folder, "_rels", f"{name}.rels")
    if index not in archive.namelist():
        return {}
    found: dict[str, tuple[str, str]] = {}
    with part(archive, index) as stream:
        for kind, tag, attributes in events(stream):
            if kind == "start" and tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
                found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], target)
    return found


def main_part(archive: zipfile.ZipFile, *, otherwise: str) -> str:
    """The part that holds the document itself."""
    return next((p for kind, p in relations(archive, "").values() if kind == "officeDocument"), otherwise)
