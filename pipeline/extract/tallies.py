"""Counts that no sentence holds: labels of a table or a list, nouns for deaths and arrests, a toll that rose, short forms.

>>> [(c.kind, c.low) for c in find_tallies("KIA: 4, WIA: 6. The toll rose from 12 to 15.")]
[('killed', 4), ('injured', 6), ('killed', 15)]
"""

from __future__ import annotations

import re
from functools import cache

from pipeline.extract.numbers import NUMBER_WORDS
from pipeline.extract.sift import Sift
from pipeline.extract.taken import Taken
from pipeline.report import Count

_WORD = "|".join(sorted((word for word in NUMBER_WORDS if word != "zero"), key=len, reverse=True))
_FIGURE = r"\d{1,3}(?:[, ]\d{3})+|\d{1,7}"
_KIND_OF = {
    "killed": "killed|kia|dead|deaths?|death toll|fatalit(?:y|ies)|lives",
    "injured": "injured|inj|wounded|wdd|wia|hurt|injuries",
    "abducted": "abducted|abd|kidnapped|missing|abductions?|kidnappings?",
    "detained": "detained|arrested|arr|arrests?|detentions?",
    "displaced": "displaced|evicted",
}
_LABELS = "killed|kia|dead|deaths|fatalities|injured|wounded|wia|abducted|kidnapped|missing|detained|arrested|displaced"
_LABELLED = re.compile(
    rf"(?<!\w)(?P<what>{_LABELS})(?: \(?(?:people|persons|civilians|total)\)?)?[ \t]*[:=|][ \t]*(?P<number>{_FIGURE})(?![\w%:/])",
    re.I,
)
_BOUND = r"(?:(?P<bound>at least|more than|over|up to)\s+)?"
_NOUN = re.compile(
    rf"{_BOUND}(?<![\w.,-])(?P<number>{_FIGURE}|{_WORD})\s+(?:(?:civilian|confirmed|reported|further|more|new|arbitrary)\s+){{0,2}}"
    r"(?P<what>deaths|fatalities|injuries|arrests|detentions|abductions|kidnappings|lives(?=\s+(?:were |have been )?lost))(?!\w)",
    re.I,
)
_LIVES = re.compile(
    rf"(?<!\w)claim(?:ed|ing|s) (?:the (?P<what>lives) of )?{_BOUND}(?P<number>{_FIGURE}|{_WORD})(?:\s+(?P<who>people|civilians|lives))(?!\w)",
    re.I,
)
_TOLL = re.compile(
    rf"(?<!\w)(?:(?P<what>death) toll|(?<!road )toll|(?:number of )(?:the )?(?P<of>{_LABELS}))\s+(?:[a-z]+\s+){{0,4}}?(?:(?:from\s+)?(?:{_FIGURE}|{_WORD})\s+)?(?:to|at|reached|is|was)\s+"
    rf"{_BOUND}(?P<number>{_FIGURE}|{_WORD})(?![\w%])",
    re.I,
)
_SHORT_WHO = {
    "civ": "civilians", "civs": "civilians", "pers": "people", "pax": "people", "hh": "households", "hhs": "households", "sf": "soldiers",
    "terr": "fighters", "mil": "soldiers",
}  # fmt: skip
_SHORT = re.compile(
    rf"(?<![\w.,-])(?P<number>{_FIGURE})\s?(?:x\s?|\+\s?|(?P<plus>plus)\s)?(?P<who>{'|'.join(_SHORT_WHO)})?s?\s?(?:were |was )?"
    r"(?P<what>killed|kia|injured|inj|wounded|wdd|wia|dead|abducted|abd|arrested|arr|detained|displaced|missing|hurt)(?![\w:=|])",
    re.I,
)
_PATTERNS = (_LABELLED, _TOLL, _NOUN, _LIVES, _SHORT)
# Who died of an illness was not killed.
_ILLNESS = re.compile(
    r"\b(?:cases?|covid\S*|coronavirus|cholera|ebola|evd|measles|cfr|fatality ratio|recover(?:ed|ies)|virus|disease|outbreak|malaria|"
    r"overdoses?|drugs?|malnutrition|starvation|population per)\b",
    re.I,
)
_NEAR = 90  # characters
_NEGATED = re.compile(r"\b(?:no|not|without|of)\s+$", re.I)


@cache
def _sift() -> Sift:
    return Sift(_PATTERNS)


def find_tallies(text: str) -> list[Count]:
    """The counts of lists, tables, short forms and tolls, in order; of a toll that changed the latest figure."""
    counts: list[Count] = []
    taken = Taken()
    for number in _sift().possible(text):
        for match in _PATTERNS[number].finditer(text):
            start, end = match.span("number")
            if _NEGATED.search(text, max(0, match.start() - 10), match.start()) or not match["number"].strip("0"):
                continue
            if _is_of_illness(text, match):
                continue
            if taken.is_free(start, end):
                taken.add(start, end)
                counts.append(_count(match, start, end))
    return sorted(counts, key=lambda c: c.start)


def _is_of_illness(text: str, match: re.Match[str]) -> bool:
    """Whether deaths are told of in one breath with cases of an illness."""
    if not re.search("death|fatalit", match.group(), re.I):
        return False
    return _ILLNESS.search(text, max(0, match.start() - _NEAR), match.end() + _NEAR) is not None


def _count(match: re.Match[str], start: int, end: int) -> Count:
    groups = match.groupdict()
    what = (groups.get("what") or groups.get("of") or "killed").lower()
    kind = next(kind for kind, words in _KIND_OF.items() if re.fullmatch(words, what) or what == "death")
    written = groups["number"].lower()
    value = NUMBER_WORDS[written] if written in NUMBER_WORDS else int(re.sub(r"[, ]", "", written))
    bound = (groups.get("bound") or "").lower()
    low, high = (
        (0, value)
        if bound == "up to"
        else (value, None if bound or "+" in match.group() or groups.get("plus") else value)
    )
    who = (groups.get("who") or "people").lower()
    return Count(kind, low, high, _SHORT_WHO.get(who, "people" if who == "lives" else who), start, end)
