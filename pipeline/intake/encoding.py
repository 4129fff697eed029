"""Bytes to text: UTF-8 first, a byte-order mark where there is one, else the likeliest old encoding."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.intake.rows import Limits, Reason, Refused

SAMPLE = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNICODE = frozenset({"utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"})
# The identifier tells these apart poorly on little text; Windows' Western code page is the likeliest of them.
_WESTERN = frozenset(
    {"ascii", "utf_8", "cp1250", "cp1252", "cp1254", "latin_1", "iso8859_15", "mac_roman", "hp_roman8"}
)
# Unicode shows itself by a mark, by zeros or by being UTF-8, and the others have no bytes above 127: guessed from such
# bytes they are never right.
_NOT_GUESSED = [
    "utf_7", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be", "hz", "iso2022_kr", "iso2022_jp",
    "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_3", "iso2022_jp_ext",
]  # fmt: skip


@dataclass(frozen=True)
class Decoded:
    """A document's text, and its bytes where they are not the text's UTF-8."""

    text: str
    raw: bytes | None
    flags: tuple[str, ...] = ()


def is_guess(encoding: str) -> bool:
    """Whether an encoding that `detect` gave could be another one."""
    return encoding not in _UNICODE


def detect(sample: bytes) -> str:
    """The encoding of a file from its first bytes.

    A few lines that are not UTF-8 in a file that otherwise is do not change the verdict: those rows
    are set aside by themselves.
    """
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    head = sample[:4096]
    if b"\0" in head:
        if head[1::2].count(0) > len(head) // 3:
            return "utf-16-le"
        if head[0::2].count(0) > len(head) // 3:
            return "utf-16-be"
    lines = sample.splitlines()
    if len(sample) >= SAMPLE and len(lines) > 1:
        lines.pop()  # cut off by the sample's end
    strange = [line for line in lines if not line.isascii()]
    good = sum(_is_utf8(line) for line in strange)
    if len(strange) - good <= good:
        return "utf-8"
    from charset_normalizer import from_bytes

    best = from_bytes(b"\n".join(strange)[: 1 << 16], cp_exclusion=_NOT_GUESSED).best()
    return "cp1252" if best is None or best.encoding in _WESTERN else best.encoding


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def detect_file(path: Path) -> tuple[str, str]:
    """A file's encoding and the start of its text. Reads on where the start is ASCII and tells nothing."""
    with path.open("rb") as stream:
        start = block = stream.read(SAMPLE)
        while block.isascii() and len(block) == SAMPLE:
            block = stream.read(SAMPLE)
    # A later block may begin within a character: its first line does not count.
    sample = start if block is start or block.isascii() else block.partition(b"\n")[2]
    encoding = detect(sample)
    return encoding, start.decode(encoding, "replace")


def decode_document(data: bytes) -> Decoded:
    """The text of a whole document; Refused where it is no text."""
    encoding = detect(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Refused(Reason.UNDECODABLE, "the bytes are no text in a known encoding: save it as UTF-8") from None
    if encoding == "utf-8":
        return Decoded(text, None)
    return Decoded(text, data, ("encoding_detected",) if is_guess(encoding) else ())


def _broken(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no character, as lone surrogates that mark their row: also those that are ASCII in another encoding."""
    assert isinstance(error, UnicodeDecodeError)
    strange = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) if byte >= 0x80 else "\udcff" for byte in strange), error.end


BROKEN = "sitrep.broken"
codecs.register_error(BROKEN, _broken)


def text_lines(stream: BinaryIO, encoding: str, limits: Limits) -> Iterator[str | None]:
    """The lines of a file with their ends; None for a line that is too long to be one (it is skipped).

    Bytes that do not decode, wherever in the file, become surrogates and so mark their own row only.
    """
    text = io.TextIOWrapper(stream, encoding=encoding, errors=BROKEN, newline="")
    most = limits.line_bytes
    while line := text.readline(most):
        if len(line) < most or line.endswith(("\n", "\r")):
            yield line
            continue
        while (rest := text.readline(most)) and len(rest) == most and not rest.endswith(("\n", "\r")):
            pass
        yield None


def original_bytes(text: str, encoding: str) -> bytes | None:
    """The bytes that `text` was decoded from, where they are not its UTF-8."""
    if encoding in ("utf-8", "utf-8-sig") or text.isascii():
        return None
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None
