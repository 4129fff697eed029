"""What a file is by its first bytes: for standard input, and to tell a file whose name says something else."""

from __future__ import annotations

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS = (
    (b"PK\x03\x04", "zip"),
    (b"%PDF", "pdf"),
    (b"PAR1", "parquet"),
    (_OLE, "an old Office file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a packed file"),
    (b"7z\xbc\xaf\x27\x1c", "a packed file"),
    (b"Rar!\x1a\x07", "a packed file"),
    (b"BZh9", "a packed file"),
    (b"\xfd7zXZ\x00", "a packed file"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "a database"),
)


def kind(head: bytes) -> str | None:
    """What the bytes give away; None for text and for what is not known."""
    return next((name for start, name in _KINDS if head.startswith(start)), None)


def suffix(head: bytes) -> str:
    """The file name suffix that standard input should have had; a document of its own where it is no table."""
    found = kind(head)
    if found == "zip":
        inside = ((b"xl/", ".xlsx"), (b"word/", ".docx"), (b"opendocument.spreadsheet", ".ods"))
        return next((name for mark, name in inside if mark in head), ".zip")
    if found in ("pdf", "parquet"):
        return f".{found}"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        return ".json"
    if start.startswith(b"{"):
        return ".jsonl"
    first = start.split(b"\n", 1)[0]
    return ".tsv" if b"\t" in first else ".csv" if b"," in first or b";" in first else ".txt"
