"""ZIP archives, and the guard that every zipped format passes before a parser sees it."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipeline.intake.rows import Limits, Reason, Refused

_RATIO_FROM = 10 * 2**20  # small files compress well without being bombs


def guard_zip(path: Path, limits: Limits) -> None:
    """Refuse bombs by what the directory declares; costs no unpacking."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        with path.open("rb") as stream:
            if stream.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
                raise Refused(Reason.ENCRYPTED, "the file is password-protected: remove the password") from None
        raise Refused(Reason.CORRUPT, "the file is damaged: save or export it again") from None
    if len(entries) > limits.archive_entries:
        raise Refused(Reason.ZIP_BOMB, f"more than {limits.archive_entries:,} entries: split the archive")
    declared = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    if declared > limits.unpacked_bytes or (declared > _RATIO_FROM and declared / packed > limits.unpacked_ratio):
        raise Refused(Reason.ZIP_BOMB, f"unpacks to {declared // 2**20:,} MiB: refused unread")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused(Reason.ENCRYPTED, "the file is password-protected: remove the password")


def entries(path: Path, limits: Limits, folder: Path) -> Iterator[tuple[str, Path | Refused]]:
    """Each file of an archive, unpacked into `folder` one at a time; or why it was refused."""
    guard_zip(path, limits)
    with zipfile.ZipFile(path) as archive:
        for number, entry in enumerate(archive.infolist()):
            name = PurePosixPath(entry.filename.replace("\\", "/"))
            if entry.is_dir() or name.name.startswith((".", "~$")) or "__MACOSX" in name.parts:
                continue
            if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
                yield str(name.name), Refused(Reason.PATH_ESCAPES, "the entry's path leads out of the archive")
                continue
            if stat.S_ISLNK(entry.external_attr >> 16):
                yield str(name), Refused(Reason.SYMBOLIC_LINK, "the entry is a symbolic link")
                continue
            if name.suffix.lower() in (".zip", ".7z", ".rar", ".gz", ".tar", ".tgz"):
                yield str(name), Refused(Reason.NESTED_ARCHIVE, "an archive within an archive: unpack it first")
                continue
            target = folder / f"{number}{name.suffix.lower()}"
            try:
                _unpack(archive, entry, target, limits)
            except Refused as error:
                yield str(name), error
                continue
            except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError):
                yield str(name), Refused(Reason.CORRUPT, "the entry is damaged: make the archive again")
                continue
            yield str(name), target
            target.unlink(missing_ok=True)


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, limits: Limits) -> None:
    """Unpack an entry; the declared size may lie, so what comes out is counted."""
    written = 0
    with archive.open(entry) as packed, target.open("wb") as out:
        while block := packed.read(1 << 20):
            written += len(block)
            if written > limits.unpacked_bytes:
                raise Refused(Reason.ZIP_BOMB, "the entry unpacks to more than it declares")
            out.write(block)
