"""How a sentence puts a violation: asserted, alleged, denied, negated, hypothetical or past."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from pipeline.report import ClaimStatus

ORDER: tuple[ClaimStatus, ...] = ("negated", "denied", "hypothetical", "past", "alleged")


@cache
def _patterns() -> tuple[tuple[ClaimStatus, Any], ...]:
    import re2

    options = re2.Options()
    options.case_sensitive = False
    data = tomllib.loads(files("pipeline.classify").joinpath("claims.toml").read_text(encoding="utf-8"))
    return tuple((status, re2.compile("|".join(f"(?:{p})" for p in data[status]), options)) for status in ORDER)


def claim_status(sentence: str) -> ClaimStatus:
    """The status that the wording of a sentence gives to what it reports."""
    for status, pattern in _patterns():
        if pattern.search(sentence):
            return status
    return "asserted"
