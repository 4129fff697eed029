"""The working text: what the model reads, with a map from each of its characters to the original.

Removed: zero-width and bidirectional control characters. Replaced one for one: look-alike letters
inside words of another script (`Вamako` with a Cyrillic В), compatibility forms, odd spaces. Mended:
mojibake (`MÃ©naka`), where a whole text shows it. The original is never altered; each change is flagged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_HIDDEN = re.compile("[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MOJIBAKE = re.compile("[ÂÃâ][\u0080-\u00bf\u2018-\u201e\u2020-\u2022\u20ac\u2122]|Ã[ -¿]")
_WORD = re.compile(r"\w+")
_PLAIN = re.compile(
    "[\t\n\r -~\u00c0-\u024f\u0600-\u06ff\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u2022\u00a7\u00b0\u00ab\u00bb]*"
)

# Letters of other scripts that look like Latin ones (a part of Unicode's confusables that occurs in
# deliberate disguise); applied only inside words that hold Latin letters as well.
_LOOK_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧανοικυχρ",
    "ABESIJKMHOPCTYXaesijopcyxdqwhABEZHIKMNOPTYXavoikuxp",
)


@dataclass(frozen=True)
class Normalised:
    """`text` for the model; `starts` and `ends` say where each of its characters stood originally.

    They are None where nothing was changed.
    """

    text: str
    starts: Sequence[int] | None
    ends: Sequence[int] | None
    flags: tuple[str, ...] = ()

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that a span of the working text came from."""
        if self.starts is None or self.ends is None:
            return start, end
        if end <= start:
            here = self.starts[start] if start < len(self.starts) else self.ends[-1] if self.ends else 0
            return here, here
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """The working text of `text`; identity, and fast, for clean text."""
    if _PLAIN.fullmatch(text) and not _MOJIBAKE.search(text):
        return Normalised(text, None, None)
    flags: list[str] = []
    pieces = [(character, i, i + 1) for i, character in enumerate(text)]
    if _MOJIBAKE.search(text):
        pieces = _mend_mojibake(text)
        if len(pieces) != len(text):
            flags.append("mojibake")
    kept: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for character, start, end in pieces:
        if _HIDDEN.match(character):
            # A joiner between letters of scripts that need it is spelling, not disguise.
            if not (character in "\u200c\u200d" and _joins(text, start)):
                flags.append("zero_width")
                continue
        elif _BIDI.match(character):
            flags.append("bidi")
            continue
        kept.append(_plain_form(character))
        starts.append(start)
        ends.append(end)
    joined = "".join(kept)
    plain = _WORD.sub(_without_look_alikes, joined)
    if plain != joined:
        flags.append("mixed_scripts")
    return Normalised(plain, starts, ends, tuple(dict.fromkeys(flags)))


def _plain_form(character: str) -> str:
    """One character for one: compatibility forms (full-width, ligature-free) and odd spaces."""
    if character.isascii() or character in "\u2018\u2019\u201c\u201d\u2013\u2014":
        return character
    form = unicodedata.normalize("NFKC", character)
    return form if len(form) == 1 else " " if character.isspace() else character


def _without_look_alikes(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii() or not any(c.isascii() and c.isalpha() for c in word):
        return word
    return word.translate(_LOOK_ALIKE)


def _joins(text: str, offset: int) -> bool:
    """Whether a zero-width joiner stands between letters of Arabic or Indic scripts."""
    around = text[max(0, offset - 1) : offset] + text[offset + 1 : offset + 2]
    return bool(around) and all("\u0600" <= c <= "\u0dff" for c in around)


_DAMAGED = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{1,3}"
)


def _mend_mojibake(text: str) -> list[tuple[str, int, int]]:
    """*(character, start, end)* after undoing UTF-8 that was read as Windows-1252, run by run."""
    pieces: list[tuple[str, int, int]] = []
    position = 0
    for match in _DAMAGED.finditer(text):
        repaired = _repair(match.group())
        if repaired is None:
            continue
        character, length = repaired
        pieces += [(text[i], i, i + 1) for i in range(position, match.start())]
        pieces.append((character, match.start(), match.start() + length))
        position = match.start() + length
    return pieces + [(text[i], i, i + 1) for i in range(position, len(text))]


def _repair(run: str) -> tuple[str, int] | None:
    """The character that the longest decodable start of a damaged run stands for, and its length."""
    for length in range(len(run), 1, -1):
        for encoding in ("cp1252", "latin-1"):
            try:
                mended = run[:length].encode(encoding).decode("utf-8")
            except UnicodeError:
                continue
            if len(mended) == 1:
                return mended, length
    return None
