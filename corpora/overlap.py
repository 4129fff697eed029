"""Words in a row that two texts share: how we see that a test text, or a part of it, was trained on.

>>> sorted(shared({"a": "they came at dawn and burnt the market down"}, ["he said they came at dawn and burnt the mill"]))
['a']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

WORDS = 7


def shared(texts: Mapping[str, str], others: Iterable[str], *, words: int = WORDS) -> set[str]:
    """Keys of the texts that have `words` words in a row in common with any of `others`, case and marks aside."""
    known: set[tuple[str, ...]] = set()
    for other in others:
        known |= _runs(other, words)
    return {key for key, text in texts.items() if not known.isdisjoint(_runs(text, words))}


def _runs(text: str, words: int) -> set[tuple[str, ...]]:
    found = re.findall(r"\w+", text.casefold())
    return {tuple(found[start : start + words]) for start in range(len(found) - words + 1)}
