"""Which language a text is in, offline (py3langid, after Lui and Baldwin 2012)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHARACTERS_READ = 400  # enough to tell, and the cost stays bounded
TOGETHER = 500
"""Texts that are walked through at once; as many as a submit records in a transaction."""

_THREE_LETTERS = re.compile(r"(?:[^\W\d_][^a-zA-Z]{0,20}?){3}|[a-zA-Z]{3}")


@dataclass(frozen=True)
class _Tables:
    """py3langid's model: an automaton over bytes that finds features, and what each says for each language.

    `row` *(states)* gives the row of a state in `moves` *(rows * 256)*, `moves` the next state by byte, `found`
    *(states)* the feature that ends there, -1 for none; `weights` *(features, languages)* and `prior` *(languages)* are
    of a naive Bayes classifier. `same` are columns *(first, second)* of one language.
    """

    row: NDArray[np.int64]
    moves: NDArray[np.uint32]
    found: NDArray[np.int32]
    weights: NDArray[np.float32]
    prior: NDArray[np.float32]
    languages: Sequence[str]
    same: Sequence[tuple[int, int]]


@cache
def _tables() -> _Tables:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    loaded: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    languages = list(loaded.nb_classes)
    return _Tables(
        row=np.asarray(loaded.tk_row, np.int64) << 8,
        moves=np.frombuffer(loaded.tk_nextmove, np.uint32),
        found=np.asarray(loaded.tk_output, np.int32),
        # In half precision as it comes, every text would be made wider anew.
        weights=loaded.nb_ptc.astype(np.float32),
        prior=loaded.nb_pc.astype(np.float32),
        languages=languages,
        same=[(languages.index(name), n) for n, name in enumerate(languages) if languages.index(name) < n],
    )


def identify(text: str) -> tuple[str, float]:
    """ISO 639-1 code and confidence (0 to 1); `und` where there are hardly any letters."""
    return identify_all([text])[0]


def identify_all(texts: Sequence[str]) -> list[tuple[str, float]]:
    """The same of many texts: what py3langid says of each, in a quarter of its time."""
    found = [("und", 0.0)] * len(texts)
    readable = [n for n, text in enumerate(texts) if _THREE_LETTERS.search(text[:CHARACTERS_READ])]
    for start in range(0, len(readable), TOGETHER):
        chosen = readable[start : start + TOGETHER]
        samples = [_encoded(texts[n][:CHARACTERS_READ]) for n in chosen]
        for n, language in zip(chosen, _languages(_scores(_features(samples)), samples), strict=True):
            found[n] = language
    return found


def _encoded(sample: str) -> bytes:
    # Capitals confuse the identifier: its model has hardly seen any.
    sample = sample.lower() if sample.isupper() else sample
    return unicodedata.normalize("NFC", sample).encode("utf-8", "surrogatepass")


def _features(samples: Sequence[bytes]) -> list[NDArray[np.int32]]:
    """The features in each text, as often as they occur: the automaton steps through all texts at once."""
    tables, longest = _tables(), max(map(len, samples))
    padded = b"".join(sample.ljust(longest, b"\0") for sample in samples)
    letters = np.ascontiguousarray(np.frombuffer(padded, np.uint8).reshape(len(samples), longest).T)
    states = np.empty(letters.shape, np.uint32)
    state = np.zeros(len(samples), np.uint32)
    for at, letter in enumerate(letters):
        state = states[at] = tables.moves[tables.row[state] + letter]
    ends = tables.found[states.T]
    return [line[: len(sample)][line[: len(sample)] >= 0] for line, sample in zip(ends, samples, strict=True)]


def _scores(features: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
    """The logarithm of how likely each language is by the features of each text, *(texts, languages)*."""
    tables = _tables()
    scores = np.zeros((len(features), len(tables.prior)), np.float32)
    # One place for the weights of all texts: they are large enough for memory to be asked for anew each time.
    place = np.empty((max(map(len, features)), len(tables.prior)), np.float32)
    for score, each in zip(scores, features, strict=True):
        seen, times = np.unique(each, return_counts=True)
        if len(seen):
            weights = tables.weights.take(seen, axis=0, out=place[: len(seen)], mode="clip")
            np.add(np.log1p(times.astype(np.float32)) @ weights, tables.prior, out=score)
    return scores


def _languages(scores: NDArray[np.float32], samples: Sequence[bytes]) -> list[tuple[str, float]]:
    """The likeliest language of each text, and how likely it is, softened by the square root of the text's bytes."""
    tables = _tables()
    softened = np.sqrt(np.fromiter(map(len, samples), np.float32))[:, None]
    likely = np.exp((scores - scores.max(axis=1, keepdims=True)) / softened)
    likely /= likely.sum(axis=1, keepdims=True)
    for first, second in tables.same:
        likely[:, first] += likely[:, second]
        likely[:, second] = 0
    best = likely.argmax(axis=1)
    return [(tables.languages[n], float(line[n])) for n, line in zip(best, likely, strict=True)]


def in_latin_letters(text: str) -> bool:
    """Whether at least half of the letters are Latin ones: what is not, is not English however short it is."""
    sample = text[:CHARACTERS_READ]
    if sample.isascii():
        return True
    letters = [c for c in sample if c.isalpha()]
    return 2 * sum(c < "\u0250" or "\u1e00" <= c <= "\u1eff" for c in letters) >= len(letters)
