"""ZIP archives, and the guard that every zipped format passes before a parser sees it."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipeline.intake.rows import Limits, Reason, Refused
from pipeline.intake.xmlstream import DAMAGED

_RATIO_FROM = 10 * 2**20  # small files compress well without being bombs
_ENTRY_BYTES = 1024  # of an archive's directory, for an entry; an honest one takes about a hundred
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of old Office files and of encrypted new ones
# Other methods unpack without a bound on what comes out at once.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".jar")


def guard_zip(path: Path, limits: Limits, *, encrypted: bool = False) -> None:
    """Refuse bombs by what the directory declares; costs no unpacking. Encrypted entries too, unless allowed.

    Python's reader never gives out more than an entry declares, so that the declared sizes bound the real ones.
    """
    _refuse_huge_directory(path, limits)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (*DAMAGED, struct.error, MemoryError):
        raise _not_a_zip(path) from None
    if len(entries) > limits.archive_entries:
        raise Refused(Reason.ZIP_BOMB, f"more than {limits.archive_entries:,} entries: split the archive")
    declared = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    if declared > limits.unpacked_bytes or (declared > _RATIO_FROM and declared / packed > limits.unpacked_ratio):
        raise Refused(Reason.ZIP_BOMB, f"unpacks to {declared // 2**20:,} MiB: refused unread")
    if not encrypted and any(entry.flag_bits & 1 for entry in entries):
        raise Refused(Reason.ENCRYPTED, "the file is password-protected: remove the password")
    if not encrypted and any(entry.compress_type not in _METHODS for entry in entries):
        raise Refused(Reason.CORRUPT, "the file is packed in an unusual way: save it again")


def _refuse_huge_directory(path: Path, limits: Limits) -> None:
    """Millions of empty entries would fill the memory before they can be counted."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - (1 << 16) - 22))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return
    directory = struct.unpack("<I", tail[at + 12 : at + 16])[0]
    large = tail.rfind(b"PK\x06\x06")  # the record of large archives, which counts instead where it is there
    if directory == 0xFFFFFFFF and large >= 0 and len(tail) >= large + 48:
        directory = struct.unpack("<Q", tail[large + 40 : large + 48])[0]
    if min(directory, size) > limits.archive_entries * _ENTRY_BYTES:
        raise Refused(Reason.ZIP_BOMB, f"more than {limits.archive_entries:,} entries: split the archive")


def _not_a_zip(path: Path) -> Refused:
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
    if not head.startswith(_OLE):
        return Refused(Reason.CORRUPT, "the file is damaged: save or export it again")
    if any(name.encode("utf-16-le") in head for name in ("Workbook", "WordDocument")):
        return Refused(Reason.CORRUPT, "the file is in an old Office format: save it as .xlsx or .docx")
    return Refused(Reason.ENCRYPTED, "the file is password-protected: remove the password")


def entries(path: Path, limits: Limits, folder: Path) -> Iterator[tuple[str, Path | Refused]]:
    """Each file of an archive, unpacked into `folder` one at a time; or why it was refused."""
    guard_zip(path, limits, encrypted=True)
    with zipfile.ZipFile(path) as archive:
        for number, entry in enumerate(archive.infolist()):
            name = PurePosixPath(entry.filename.replace("\\", "/"))
            if entry.filename.endswith("/") or "__MACOSX" in name.parts:
                continue
            if any(part.startswith((".", "~$")) and part != ".." for part in name.parts):
                continue
            problem = _refused(entry, name)
            if problem is not None:
                yield str(name), problem
                continue
            target = folder / f"{number}{name.suffix.lower()[:20]}"
            try:
                _unpack(archive, entry, target, limits)
            except Refused as error:
                yield str(name), error
                continue
            except (*DAMAGED, struct.error):
                yield str(name), Refused(Reason.CORRUPT, "the entry is damaged: make the archive again")
                continue
            yield str(name), target
            target.unlink(missing_ok=True)


def _refused(entry: zipfile.ZipInfo, name: PurePosixPath) -> Refused | None:
    """Why an entry is not even unpacked, if so."""
    if not name.parts:
        return Refused(Reason.CORRUPT, "an entry has no name: make the archive again")
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        return Refused(Reason.PATH_ESCAPES, "the entry's path leads out of the archive")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return Refused(Reason.SYMBOLIC_LINK, "the entry is a link, no file: put the file itself into the archive")
    if name.suffix.lower() in _ARCHIVES:
        return Refused(Reason.NESTED_ARCHIVE, "an archive within an archive: unpack it first")
    if entry.flag_bits & 1:
        return Refused(Reason.ENCRYPTED, "the entry is password-protected: make the archive without a password")
    if entry.compress_type not in _METHODS:
        return Refused(Reason.CORRUPT, "the entry is packed in an unusual way: make a plain ZIP (deflate)")
    return None


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, limits: Limits) -> None:
    """Unpack an entry; the declared size may lie, so what comes out is counted."""
    written = 0
    with archive.open(entry) as packed, target.open("wb") as out:
        while block := packed.read(1 << 20):
            written += len(block)
            if written > min(entry.file_size, limits.unpacked_bytes):
                raise Refused(Reason.ZIP_BOMB, "the entry unpacks to more than it declares")
            out.write(block)
