"""Masking: a text in which only words that are known to name nobody are left.

>>> mask("Soldiers beat Amina Diallo (+223 76 12 34 56) in Gao.", key=bytes(32), known=[(49, 52)]).text
'Soldiers beat [name-ug4gnhgr] ([phone-pjefq2fp]) in Gao.'

It fails closed: a word stays where it is on a list (words.toml), or in a span that was found to be a place or an
organisation; every other word is masked, capital or not, in any script. The same name gets the same pseudonym under the
same key (HMAC-SHA256, RFC 2104, 40 bits shown), and another under another key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import tomllib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from pipeline.extract.coordinates import find_coordinates
from pipeline.extract.organisations import load_organisations

Span = tuple[int, int]
APOSTROPHES = "'’ʼ`´"
COARSE_DIGITS = 1  # of a degree: about 11 km
# Each begins where a run of its letters begins and takes it whole, so that no text costs more than its length.
_PATTERNS = (
    ("link", re.compile(r"(?:https?|ftp|file|tg|wa)[:][^\s<>\"]+|\bwww\.[^\s<>\"]+|(?<![\w-])[\w-]++(?:\.[\w-]++){0,30}\.[a-z]{2,12}/[^\s<>\"]*", re.I)),
    ("email", re.compile(r"(?<![^\s@<>()\[\],;:\"])[^\s@<>()\[\],;:\"]++(?:@|\s?[(\[]at[)\]]\s?)[^\s@<>()\[\],;:\"]+", re.I)),
    ("handle", re.compile(r"[@#][\w.-]+")),
    ("link", re.compile(r"(?<![a-z0-9-])[a-z0-9-]++(?:\.[a-z0-9-]++){0,30}\.(?:com|org|net|info|int|gov|edu|io|me|co|ly|app|tv|[a-z]{2})\b", re.I)),
    ("coordinates", re.compile(r"[-+−]?\d{1,3}(?:\.\d{3,}|,\d{4,})°?|[-+−]?\d{1,3}\.\d{2}\s?[,;/]\s?[-+−]?\d{1,3}\.\d{2}(?!\d)|\d{1,3}\s?[°º][\d\s.,'’′″\"”NSEWO]*")),
)  # fmt: skip
_DATE = re.compile(r"(?<!\d)(?:\d{4}-\d{2}-\d{2}|\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}))(?!\d)")
_THOUSANDS = re.compile(r"(?<![\d,.])(?:[1-9]\d{0,2}|[1-9],\d{3}),\d{3}(?!,?\d)")
_NUMBER = re.compile(r"(?:\+\s?)?\(?\d(?:[\s().\-/–,]{0,3}\d){4,}")
_MEASURE = re.compile(r"\d{1,4}(?:st|nd|rd|th|km|m|cm|mm|kg|g|am|pm|h|hrs|hours|s)", re.I)
_SENTENCE = re.compile(r"(?:^|[.!?:;…\n\r]|\s[-–—•*]|^[-–—•*])[\s\"'“”‘’«»(\[*•–—-]*$")
_BETWEEN = re.compile(r"[ \t]{1,3}|[ \t]?[-‐–'’][ \t]?")
_AFTER_SHORT = re.compile(r"\.[ \t]{0,2}")
_ENDINGS = (("s", ""), ("es", ""), ("ed", ""), ("ed", "e"), ("d", ""), ("ing", ""), ("ing", "e"), ("ly", ""))


@dataclass(frozen=True)
class Words:
    """The lists of words.toml."""

    frame: frozenset[str]
    large: frozenset[str]
    names: frozenset[str]
    before: frozenset[str]
    inner: frozenset[str]
    common: frozenset[str]

    def is_common(self, word: str) -> bool:
        """A word of the list, or one with an ending."""
        if word in self.common or word in self.frame or word in self.large:
            return True
        stems = (word[: -len(end)] + back for end, back in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2)
        return any(stem in self.common for stem in stems)


@cache
def words() -> Words:
    listed = tomllib.loads(files("pipeline.custody").joinpath("words.toml").read_text(encoding="utf-8"))
    return Words(**{name: frozenset(text.split()) for name, text in listed.items()})


@cache
def acronyms() -> frozenset[str]:
    """Organisations of the lexicon that are written in capitals, in one word."""
    found = (
        alias for entities in load_organisations().by_key.values() for o in entities for alias in (o.name, *o.aliases)
    )
    return frozenset(alias for alias in found if alias.isalpha() and alias.isupper())


@dataclass(frozen=True)
class Masked:
    """A masked text, and where the edits are: `edits` are *(start, end, new start, new end)* in order."""

    text: str
    edits: tuple[tuple[int, int, int, int], ...]

    def span(self, start: int, end: int) -> Span:
        """Where a span of the original lies now; a mask that it touches is in it as a whole."""
        return self._moved(start, to_end=False), self._moved(end, to_end=True)

    def kept(self, start: int, end: int) -> bool:
        """Whether nothing of a span of the original was masked."""
        return not any(first < end and start < last for first, last, _, _ in self.edits)

    def _moved(self, at: int, *, to_end: bool) -> int:
        number = bisect_right(self.edits, (at, -1, 0, 0) if to_end else (at, 1 << 62, 0, 0)) - 1
        if number < 0:
            return at
        _, end, new_start, new_end = self.edits[number]
        if at < end:
            return new_end if to_end else new_start
        return at - end + new_end


@dataclass
class _Token:
    start: int
    end: int
    word: str
    held: bool = False  # in a span that vouches for it
    passes: bool = False
    large: bool = False
    frame: bool = False


def pseudonym(kind: str, value: str, *, key: bytes) -> str:
    """`kind-` and 8 characters that tell the same value again, to those who know neither it nor the key."""
    digest = hmac.digest(key, f"{kind}\n{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{kind}-{base64.b32encode(digest[:5]).decode().lower()}"


def mask(text: str, *, key: bytes, known: Sequence[Span] = (), figures: Sequence[Span] = ()) -> Masked:
    """Mask every word that is not known to name nobody.

    `known` are spans of places and organisations that were looked up; `figures` are spans of dates and of numbers of
    people, in which digits stay.
    """
    everything = list(_tokens(text))
    taken = _joined(_patterns(text, figures, key))
    # A word that is partly in one of them goes with it as a whole.
    taken = _joined(
        [*taken, *((t.start, t.end, taken[n][2]) for t in everything if (n := _touched(t, taken)) is not None)]
    )
    tokens = [token for token in everything if _touched(token, taken) is None]
    _judge(text, tokens, known, figures)
    edits, parts, at, size = [], [], 0, 0
    for start, end, instead in sorted([*taken, *_groups(text, tokens, key)]):
        parts += [text[at:start], instead]
        size += start - at
        edits.append((start, end, size, size + len(instead)))
        size, at = size + len(instead), end
    return Masked("".join((*parts, text[at:])), tuple(edits))


def _joined(found: Iterable[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Parts that overlap as one, told as the one that was found first."""
    parts: list[tuple[int, int, int, str]] = []
    for start, end, rank, instead in sorted((start, end, rank, s) for rank, (start, end, s) in enumerate(found)):
        if parts and start < parts[-1][1]:
            first, last, other, told = parts.pop()
            parts.append((first, max(last, end), *min((other, told), (rank, instead))))
        else:
            parts.append((start, end, rank, instead))
    return [(start, end, instead) for start, end, _, instead in parts]


def _touched(token: _Token, parts: Sequence[tuple[int, int, str]]) -> int | None:
    """The number of the first part that a word touches; the parts are in order and apart."""
    number = bisect_right(parts, token.start, key=lambda part: part[1])
    return number if number < len(parts) and parts[number][0] < token.end else None


def _patterns(text: str, figures: Sequence[Span], key: bytes) -> Iterator[tuple[int, int, str]]:
    """What is no word but tells of somebody: links, addresses, numbers, coordinates."""
    for point in find_coordinates(text):
        yield point.start, point.end, f"[near {point.lat:.{COARSE_DIGITS}f}, {point.lon:.{COARSE_DIGITS}f}]"
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            instead = kind if kind == "coordinates" else pseudonym(kind, match[0].casefold(), key=key)
            yield match.start(), match.end(), f"[{instead}]"
    dated = re.sub(_DATE, lambda m: "|" * len(m[0]), text)
    plain = re.sub(_THOUSANDS, lambda m: "|" * len(m[0]), dated)
    for match in _NUMBER.finditer(plain):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) > 7 or not any(start <= match.start() and match.end() <= end for start, end in figures):
            instead = pseudonym("phone" if len(digits) > 6 else "number", digits, key=key)
            yield match.start(), match.end(), f"[{instead}]"


def _tokens(text: str) -> Iterator[_Token]:
    """Words: letters, digits, marks and what cannot be seen; without apostrophes at their edges and without `'s`."""
    start: int | None = None
    for at, character in enumerate(text + " "):
        if _in_word(character):
            start = at if start is None else start
        elif start is not None:
            yield from _token(text, start, at)
            start = None


def _in_word(character: str) -> bool:
    """A letter, a digit, an apostrophe, or what a word could be disguised with: marks, signs that show nothing or a letter."""
    if character.isascii():
        return character.isalnum() or character in "_'`" or (not character.isprintable() and character not in "\t\n\r")
    if character in APOSTROPHES or character.isalnum() or unicodedata.category(character)[0] in "MC":
        return True
    drawn = unicodedata.normalize("NFKD", character)  # letters in circles and squares
    return any(c.isalnum() for c in drawn) or "REGIONAL INDICATOR" in unicodedata.name(character, "")


def _token(text: str, start: int, end: int) -> Iterator[_Token]:
    while start < end and text[start] in APOSTROPHES:
        start += 1
    while start < end and text[end - 1] in APOSTROPHES:
        end -= 1
    if end - start > 2 and text[end - 1] in "sS" and text[end - 2] in APOSTROPHES:
        end -= 2
    if start < end:
        word = unicodedata.normalize("NFC", text[start:end]).translate(
            str.maketrans(APOSTROPHES, "'" * len(APOSTROPHES))
        )
        yield _Token(start, end, word)


def _judge(text: str, tokens: Sequence[_Token], known: Sequence[Span], figures: Sequence[Span]) -> None:
    """Decide which words stay."""
    lists = words()
    for number, token in enumerate(tokens):
        word = token.word.lower()
        token.large = token.word != word
        token.frame = word in lists.frame
        token.held = token.word in acronyms() or _inside(token, known)
        begins = bool(_SENTENCE.search(text, max(0, token.start - 12), token.start))
        previous = (
            tokens[number - 1].word.lower().rstrip(".") if number and _close(text, tokens[number - 1], token) else ""
        )
        if word.isdigit():
            token.passes = len(word) <= 4 or _inside(token, figures) or bool(_THOUSANDS.fullmatch(word))
        elif not word.isalpha() and any(c.isdigit() for c in word):
            token.passes = bool(_MEASURE.fullmatch(word)) or (_inside(token, figures) and word.isascii())
        elif previous in lists.before and (token.large or previous in ("alias", "aka", "nicknamed")):
            token.passes = word in lists.large and word not in lists.names
        elif token.held:
            token.passes = True
        elif token.large and len(word) == 1 and text[token.end : token.end + 1] == ".":
            token.passes = False  # an initial
        elif not token.large:
            token.passes = lists.is_common(word) and (len(word) > 1 or word in "ai")
        elif word in lists.large:
            token.passes = word not in lists.names or _inside(token, figures)  # `June` is a month only in a date
        elif begins or (token.word.isupper() and len(word) > 1):
            token.passes = lists.is_common(word) and word not in lists.names and (len(word) > 1 or word in "ai")
    _spread(text, tokens, lists, figures)


def _spread(text: str, tokens: Sequence[_Token], lists: Words, figures: Sequence[Span]) -> None:
    """A large word beside a masked large one is a part of the name, unless it frames the sentence or is an office."""
    for order in (tokens, tokens[::-1]):
        for before, token in pairwise(order):
            if before.passes or not before.large or not token.passes or not token.large or token.frame:
                continue
            word = token.word.lower()
            is_office = word in lists.large and word not in lists.names and not token.held
            first, second = (before, token) if before.start < token.start else (token, before)
            if not is_office and not _inside(token, figures) and _close(text, first, second):
                token.passes = False


def _groups(text: str, tokens: Sequence[_Token], key: bytes) -> Iterator[tuple[int, int, str]]:
    """Masked words that stand together get one pseudonym."""
    inner = words().inner
    at = 0
    while at < len(tokens):
        if tokens[at].passes:
            at += 1
            continue
        last = at
        for following in range(at + 1, len(tokens)):
            if not _close(text, tokens[following - 1], tokens[following]):
                break
            if not tokens[following].passes:
                last = following
            elif tokens[following].word.lower() not in inner:
                break
        group = tokens[at : last + 1]
        kind = "name" if any(token.large for token in group) else "word"
        spelt = " ".join(_folded(token.word) for token in group)
        # A name is the same name however it is written; a `word` in small letters may be that name.
        yield group[0].start, group[-1].end, f"[{kind}{pseudonym('', spelt, key=key)}]"
        at = last + 1


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if c.isalnum())


def _inside(token: _Token, spans: Sequence[Span]) -> bool:
    return any(start <= token.start and token.end <= end for start, end in spans)


def _close(text: str, before: _Token, token: _Token) -> bool:
    """Whether two words stand together: `Amina Diallo`, `Abd-al`, `Col. Musa`, `A. Diallo`."""
    if _BETWEEN.fullmatch(text, before.end, token.start):
        return True
    short = len(before.word) == 1 or before.word.lower() in words().before
    return short and bool(_AFTER_SHORT.fullmatch(text, before.end, token.start))
