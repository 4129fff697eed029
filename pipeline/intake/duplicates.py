"""Fingerprints: the same words whatever their dress, and nearly the same words.

MinHash (Broder 1997) over word triples, 60 permutations in 10 bands of 6: two texts that share 85% of
their triples meet in a band with probability 0.99.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from dataclasses import dataclass

import numpy as np

from pipeline.intake.normalise import normalise

BANDS, ROWS = 10, 6
_WORDS = re.compile(r"\w+")
_PRIME = np.uint64((1 << 61) - 1)
_generator = np.random.default_rng(20250214)
_A = _generator.integers(1, 1 << 31, BANDS * ROWS, dtype=np.uint64)[:, None]
_B = _generator.integers(0, 1 << 61, BANDS * ROWS, dtype=np.uint64)[:, None]
_MIX = _generator.integers(1, 1 << 62, ROWS, dtype=np.uint64) | np.uint64(1)


@dataclass(frozen=True)
class Fingerprint:
    """What tells repetitions: the hash of the normalised words, the bands to look up, the signature."""

    normalised_sha256: str
    bands: tuple[int, ...]
    signature: bytes


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of a text; case, punctuation, spacing and disguise (see `normalise`) do not matter."""
    plain = normalise(text).text.casefold()
    words = _WORDS.findall(plain if plain.isascii() else unicodedata.normalize("NFKC", plain))
    normalised = " ".join(words)
    triples = {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
    hashes = np.fromiter((zlib.crc32(t.encode("utf-8", "surrogatepass")) for t in triples), dtype=np.uint64)
    minima = ((_A * hashes[None, :] + _B) % _PRIME).min(axis=1).astype(np.uint32)
    keys = (minima.astype(np.uint64).reshape(BANDS, ROWS) * _MIX).sum(axis=1) ^ np.arange(BANDS, dtype=np.uint64)
    return Fingerprint(
        hashlib.sha256(normalised.encode("utf-8", "surrogatepass")).hexdigest(),
        tuple(int(k) for k in keys.view(np.int64)),
        minima.tobytes(),
    )


def similarity(first: bytes, second: bytes) -> float:
    """The estimated share of word triples that two texts have in common (Jaccard), from signatures."""
    return float((np.frombuffer(first, np.uint32) == np.frombuffer(second, np.uint32)).mean())
