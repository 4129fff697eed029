"""Fingerprints: the same words whatever their dress, and nearly the same words.

MinHash (Broder 1997) over word triples, 60 permutations in 10 bands of 6: two texts that share 85% of
their triples meet in a band with probability 0.99.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.intake.normalise import normalise

BANDS, ROWS = 10, 6
TOGETHER = 1 << 16
"""So many triples are hashed at once: memory stays bounded, and half a megabyte of them in the processor's cache."""

_WORDS = re.compile(r"\w+")
_WEIGHTY = re.compile(
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|dozens?|hundreds?|thousands?|no|none|not|never|nobody|without|"
    r"die[sd]?|dying|dead|deaths?|deceased|bod(?:y|ies)|kill\w*|murder\w*|execut\w*|shot|behead\w*|wound\w*|injur\w*|"
    r"rap(?:e[sd]?|ing)|sexual\w*|tortur\w*|beat\w*|abduct\w*|kidnap\w*|hostages?|ransoms?|missing|disappear\w*|"
    r"arrest\w*|detain\w*|releas\w*|freed|escap\w*|found|burn\w*|shell\w*|bomb\w*|flee\w*|fled|displac\w*|"
    r"child(?:ren)?|boys?|girls?|wom[ae]n|pregnant|threat\w*|den(?:y|ie[sd]|ying)|confirm\w*|correct\w*"
)
_SIGNS = re.compile(r"[^\w\x00-\x7f]")
_ASCII_WORDS = bytes(n if n >= 128 or chr(n).isalnum() or chr(n) == "_" else ord(" ") for n in range(256))
_BITS = np.uint64(61)
_PRIME = np.uint64((1 << 61) - 1)
_generator = np.random.default_rng(20250214)
_A = _generator.integers(1, 1 << 31, BANDS * ROWS, dtype=np.uint64)
_B = _generator.integers(0, 1 << 61, BANDS * ROWS, dtype=np.uint64)
_MIX = _generator.integers(1, 1 << 62, ROWS, dtype=np.uint64) | np.uint64(1)


@dataclass(frozen=True)
class Fingerprint:
    """What tells repetitions: the hash of the normalised words, the bands to look up, the signature."""

    normalised_sha256: str
    bands: tuple[int, ...]
    signature: bytes


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of a text; case, punctuation, spacing and disguise (see `normalise`) do not matter."""
    return fingerprints([text])[0]


def fingerprints(texts: Iterable[str]) -> list[Fingerprint]:
    """The same of many texts, in half the time."""
    found: list[Fingerprint] = []
    digests: list[str] = []
    hashes: list[NDArray[np.uint64]] = []
    waiting = 0
    for text in texts:
        words = _words(normalise(text).text.casefold())
        normalised = b" ".join(words)
        triples = map(b" ".join, zip(words, words[1:], words[2:], strict=False)) if len(words) > 2 else [normalised]
        digests.append(hashlib.sha256(normalised).hexdigest())
        hashes.append(np.fromiter(map(zlib.crc32, triples), np.uint64))
        waiting += len(hashes[-1])
        if waiting >= TOGETHER:
            found += _signed(digests, hashes)
            digests, hashes, waiting = [], [], 0
    return found + _signed(digests, hashes)


def _signed(digests: Sequence[str], hashes: Sequence[NDArray[np.uint64]]) -> list[Fingerprint]:
    """Fingerprints from the digests of texts and the hashes of their triples."""
    if not hashes:
        return []
    signatures = _minima(hashes).astype(np.uint32)
    bands = map(tuple, _bands(signatures).tolist())
    return [
        Fingerprint(digest, keys, signature.tobytes())
        for digest, keys, signature in zip(digests, bands, signatures, strict=True)
    ]


def bands_of(signature: bytes) -> tuple[int, ...]:
    """The bands of a signature, as signed numbers of 64 bits."""
    return tuple(_bands(np.frombuffer(signature, np.uint32)).tolist()[0])


def _bands(signatures: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The bands of signatures *(texts, 60)*, *(texts, 10)*."""
    minima = signatures.astype(np.uint64).reshape(-1, BANDS, ROWS)
    keys: NDArray[np.uint64] = (minima * _MIX).sum(axis=2) ^ np.arange(BANDS, dtype=np.uint64)
    return keys.view(np.int64)


def _words(plain: str) -> list[bytes]:
    if not plain.isascii():
        plain = _SIGNS.sub(" ", unicodedata.normalize("NFKC", plain))
    return plain.encode("utf-8", "surrogatepass").translate(_ASCII_WORDS).split()


def _minima(hashes: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """The least of `(A * hash + B) % PRIME` over the hashes of each text, for each permutation, *(texts, 60)*."""
    starts = np.cumsum([0, *map(len, hashes[:-1])])
    every = np.concatenate(hashes)
    spread, high = np.empty_like(every), np.empty_like(every)
    minima = np.empty((BANDS * ROWS, len(hashes)), np.uint64)
    for a, b, least in zip(_A, _B, minima, strict=True):
        np.multiply(every, a, out=spread)
        np.add(spread, b, out=spread)
        # Modulo 2**61 - 1 without a division: the high bits are added to the low ones, and the prime is taken off where
        # the sum reaches it (where it does not, the difference is taken from 2**64 and past every sum).
        np.right_shift(spread, _BITS, out=high)
        np.bitwise_and(spread, _PRIME, out=spread)
        np.add(spread, high, out=spread)
        np.minimum(spread, np.subtract(spread, _PRIME, out=high), out=spread)
        np.minimum.reduceat(spread, starts, out=least)
    return minima.T


def similarity(first: bytes, second: bytes) -> float:
    """The estimated share of word triples that two texts have in common (Jaccard), from signatures."""
    return float((np.frombuffer(first, np.uint32) == np.frombuffer(second, np.uint32)).mean())


def tells_nothing_new(text: str, earlier: str) -> bool:
    """Whether texts that share nearly all words share all that weigh too: figures, names, negations, outcomes.

    A form that is filled in for another village and another man differs in two words of sixty. Names are words with a
    capital; in scripts without capitals any word may be one.
    """
    one, other = _WORDS.findall(text), _WORDS.findall(earlier)
    return _weighty(one) <= {w.casefold() for w in other} and _weighty(other) <= {w.casefold() for w in one}


def _weighty(words: list[str]) -> set[str]:
    return {
        word.casefold()
        for word in words
        if not word[0].islower() or not word.isalpha() or _WEIGHTY.fullmatch(word.casefold())
    }
