"""The working text: what the model reads, with a map from each of its characters to the original.

>>> normalise("Вamako").text, normalise("Вamako").flags
('Bamako', ('mixed_scripts',))

Removed: zero-width and bidirectional control characters. Replaced: look-alike letters inside words of
another script, letters in disguise (full-width, mathematical, presentation forms, the ligatures of
PDFs), letters written as base and accent, odd spaces. Mended: mojibake (`MÃ©naka`). Left: superscripts
and fractions, which would change figures (`12²` is no 122). The original is never altered.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipeline.intake.mojibake import mend, suspicious

_HIDDEN = "\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff\U000e0000-\U000e007f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SPACES = "\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DISGUISED = (
    "\ufb00-\ufb06\ufb1d-\ufb4f\ufb50-\ufdfc\ufe70-\ufefc\uff01-\uff5e\U0001d400-\U0001d7ff\u24b6-\u24e9"
    "\u2102\u210a-\u2113\u2115\u2119-\u211d\u2124\u2128\u212a-\u212d\u212f-\u2131\u2133\u2134\uf900-\ufaff"
)
_MARKS = "\u0300-\u036f\u0653-\u0655"

_INVISIBLE = re.compile(f"[{_HIDDEN}{_BIDI}]")
_IS_BIDI = re.compile(f"[{_BIDI}]")
_IS_DISGUISED = re.compile(f"[{_DISGUISED}]")
_FORMS = re.compile(f"[^\\W\\d_][{_MARKS}]+|[\u1100-\u11ff]{{2,}}|[{_SPACES}]|[{_DISGUISED}]")
_OTHER_SCRIPT = re.compile("[\u0370-\u052f\u0531-\u058f]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_WORD = re.compile(r"\w+")

# Letters and signs that need no further look, where a whole text is of them: Latin; Cyrillic; Arabic.
_SIGNS = "\u00a7\u00ab\u00b0\u00bb\u2013\u2014\u2018\u2019\u201c-\u201e\u2022\u2026"
_COMMON = f"\t\n\r -@\\[-`{{-~{_SIGNS}"
_PLAIN = re.compile(f"[{_COMMON}\u0400-\u045f]*|[{_COMMON}\u060c\u061b\u061f-\u0652\u0660-\u06d5]*")
_PLAIN_LATIN = re.compile(f"[{_SIGNS}\u00c0-\u024f]*")  # beside ASCII
_ASCII = bytes(range(128))

Edit = tuple[int, int, str]  # start, end (half open) and what stands there instead


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
    whole = Normalised(text, None, None)
    if text.isascii() or _is_plain(text):
        return whole
    flags: list[str] = []
    working = _edited(whole, mend(text), flags, "mojibake")
    working = _edited(working, _invisible(working.text, flags), flags)
    working = _edited(working, _forms(working.text), flags)
    unmixed = _edited(working, _mixed_words(working.text, flags), flags)
    if unmixed is not working:  # a letter that changed script may now belong to the accent after it
        unmixed = _edited(unmixed, _forms(unmixed.text), flags)
    return Normalised(unmixed.text, unmixed.starts, unmixed.ends, tuple(dict.fromkeys(flags)))


def _is_plain(text: str) -> bool:
    # Most texts that are not ASCII are but for a few characters, which are quickly had by themselves. What is damaged in
    # the text is damaged in these, since only characters beside each other tell it.
    beyond = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
    if _PLAIN_LATIN.fullmatch(beyond):
        return not (suspicious(beyond) and suspicious(text))
    return _PLAIN.fullmatch(text) is not None


def _edited(before: Normalised, edits: Iterator[Edit], flags: list[str], flag: str | None = None) -> Normalised:
    """`before` with the edits made, which come in order and do not overlap; `before` itself where none come."""
    text, position = before.text, 0
    parts: list[str] = []
    starts, ends = array("I"), array("I")
    old_starts: Sequence[int] = range(len(text)) if before.starts is None else before.starts
    old_ends: Sequence[int] = range(1, len(text) + 1) if before.ends is None else before.ends
    for start, end, replacement in edits:
        parts += (text[position:start], replacement)
        starts.extend(old_starts[position:start])
        ends.extend(old_ends[position:start])
        starts.extend([old_starts[start]] * len(replacement))
        ends.extend([old_ends[end - 1]] * len(replacement))
        position = end
    if not parts:
        return before
    if flag:
        flags.append(flag)
    starts.extend(old_starts[position:])
    ends.extend(old_ends[position:])
    return Normalised("".join(parts) + text[position:], starts, ends)


def _invisible(text: str, flags: list[str]) -> Iterator[Edit]:
    for match in _INVISIBLE.finditer(text):
        character, start = match.group(), match.start()
        if character in "\u200c\u200d" and _joins(text, start):
            continue
        flags.append("bidi" if _IS_BIDI.match(character) else "zero_width")
        yield start, start + 1, ""


def _joins(text: str, offset: int) -> bool:
    """Whether a joiner is spelling, not disguise: between letters of Arabic or Indic scripts, or within an emoji."""
    before, after = text[max(0, offset - 1) : offset], text[offset + 1 : offset + 2]
    if not before or not after:
        return False
    if all("\u0600" <= c <= "\u0dff" and unicodedata.category(c)[0] in "LM" for c in (before, after)):
        return True
    return all(unicodedata.category(c) in ("So", "Sk") or c == "\ufe0f" for c in (before, after))


def _forms(text: str) -> Iterator[Edit]:
    """Characters in their plain form: one for one, or a ligature as its letters, or letter and accent as one."""
    for match in _FORMS.finditer(text):
        found = match.group()
        if found.isspace():
            plain = " "
        else:
            plain = unicodedata.normalize("NFKC" if _IS_DISGUISED.match(found) else "NFC", found)
        if plain != found:
            yield match.start(), match.end(), plain


def _mixed_words(text: str, flags: list[str]) -> Iterator[Edit]:
    if not _OTHER_SCRIPT.search(text) or not _LATIN.search(text):
        return
    for match in _WORD.finditer(text):
        word = match.group()
        if word.isascii() or not _LATIN.search(word) or not _OTHER_SCRIPT.search(word):
            continue
        flags.append("mixed_scripts")
        for offset, (old, new) in enumerate(zip(word, _one_script(word), strict=True), match.start()):
            if old != new:
                yield offset, offset + 1, new


def _one_script(word: str) -> str:
    """The word in the script that it passes for, letter for letter; itself where that is not clear."""
    to_latin, to_cyrillic = _tables()
    if all(ord(c) in to_latin for c in word if _OTHER_SCRIPT.match(c)):
        return word.translate(to_latin)
    if all(ord(c) in to_cyrillic for c in word if _LATIN.match(c)):
        return word.translate(to_cyrillic)
    return word


@cache
def _tables() -> tuple[dict[int, int], dict[int, int]]:
    source = files("pipeline.intake").joinpath("lookalikes.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    to_latin: dict[int, int] = {}
    for script in data["latin"]:
        to_latin |= str.maketrans(script["letters"], script["latin"])
    return to_latin, str.maketrans(data["cyrillic"]["latin"], data["cyrillic"]["letters"])
