"""Numbers in words."""

from __future__ import annotations

_TO_NINETEEN = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
""".split()  # noqa: SIM905 -- a list of twenty lines says no more
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}

NUMBER_WORDS = {word: number for number, word in enumerate(_TO_NINETEEN)} | _TENS
"""Zero to nineteen, and the tens."""
