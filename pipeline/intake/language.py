"""Which language a text is in, offline (py3langid, after Lui and Baldwin 2012)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

CHARACTERS_READ = 400  # enough to tell, and the cost stays bounded

_THREE_LETTERS = re.compile(r"(?:[^\W\d_][^a-zA-Z]{0,20}?){3}|[a-zA-Z]{3}")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def identify(text: str) -> tuple[str, float]:
    """ISO 639-1 code and confidence (0 to 1); `und` where there are hardly any letters."""
    sample = text[:CHARACTERS_READ]
    if not _THREE_LETTERS.search(sample):
        return "und", 0.0
    # Capitals confuse the identifier: its model has hardly seen any.
    language, confidence = _identifier().classify(sample.lower() if sample.isupper() else sample)
    return str(language), float(confidence)


def in_latin_letters(text: str) -> bool:
    """Whether at least half of the letters are Latin ones: what is not, is not English however short it is."""
    letters = [c for c in text[:CHARACTERS_READ] if c.isalpha()]
    return 2 * sum(c < "\u0250" or "\u1e00" <= c <= "\u1eff" for c in letters) >= len(letters)
