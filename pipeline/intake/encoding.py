"""Bytes to text: UTF-8 first, a byte-order mark where there is one, else the likeliest old encoding."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from pipeline.intake.rows import Reason, Refused

SAMPLE = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Decoded:
    """A document's text, and its bytes where they are not the text's UTF-8."""

    text: str
    raw: bytes | None
    flags: tuple[str, ...] = ()


def detect(sample: bytes) -> str:
    """The encoding of a file from its first bytes.

    A few lines that are not UTF-8 in a file that otherwise is do not change the verdict: those rows
    are set aside by themselves.
    """
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if b"\0" in sample[:4096] and sample[1:4096:2].count(0) > len(sample[:4096]) // 3:
        return "utf-16-le"
    good = bad = 0
    lines = sample.splitlines()
    if len(sample) >= SAMPLE:
        lines.pop()  # cut off by the sample's end
    for line in lines:
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
    if bad <= good:
        return "utf-8"
    from charset_normalizer import from_bytes

    best = from_bytes(sample[: 1 << 16]).best()
    # The identifier tells Windows code pages apart poorly on little text; Western is the likeliest.
    return (
        "cp1252"
        if best is None or best.encoding in ("ascii", "utf_8", "cp1250", "cp1252", "latin_1", "mac_roman")
        else best.encoding
    )


def decode_document(data: bytes) -> Decoded:
    """The text of a whole document; Refused where it is no text."""
    encoding = detect(data[:SAMPLE])
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Refused(Reason.UNDECODABLE, "the bytes are no text in a known encoding: save it as UTF-8") from None
    if encoding == "utf-8":
        return Decoded(text, None)
    return Decoded(text, data, ("encoding_detected",) if encoding not in ("utf-8-sig",) else ())
