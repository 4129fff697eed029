"""How many people were killed, injured, abducted, detained or displaced, as the text says it.

A number counts only where the same clause holds the verb; without one, nothing is claimed. A vague plural is a lower bound,
two of what it names: `dozens` are 24 or more. `several`, `many` and `a few` name no number and are left out.
"""

from __future__ import annotations

import re
from functools import cache

from pipeline.extract.numbers import NUMBER_WORDS
from pipeline.extract.sift import Sift
from pipeline.extract.taken import Taken
from pipeline.extract.tallies import find_tallies
from pipeline.extract.toponyms import demonyms
from pipeline.report import Count

_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_WORD = rf"(?:(?:{_TENS})-(?:{_ONES})|{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})"
_FIGURE = r"\d{1,3}(?:[, ]\d{3})+|\d+(?:\.\d+)?"
_VAGUE = {
    "tens of thousands": 20_000, "hundreds of thousands": 200_000, "dozens": 24, "scores": 40, "hundreds": 200,
    "thousands": 2000, "millions": 2_000_000,
}  # fmt: skip
_PLURALS = "|".join(words.replace(" ", r"\s+") for words in _VAGUE)
_NUMBER = rf"(?:{_FIGURE}|{_WORD}|a)(?:\s+(?:dozen|hundred))?(?:\s+(?:thousand|million))?|(?:{_PLURALS})"
_WHO = (
    r"people|persons?|civilians?|men|women|children|child|boys?|girls?|man|woman|farmers?|villagers?|residents?|families|"
    r"households|students?|pupils?|teachers?|protesters?|demonstrators?|traders?|herders?|soldiers?|fighters?|journalists?|"
    r"refugees?|idps|individuals|detainees?|prisoners?|patients?|workers?|aid workers|drivers?|passengers?|others|of our people|"
    r"brothers|sisters|(?<!per )sons|daughters|relatives|activists?|lawyers|monks|priests|babies|infants|rebels|militants|gunmen|policemen|"
    r"miners?|fishermen|worshippers?|elders?|voters?|migrants?|police officers?|peacekeepers?|bodies|nurses?|doctors?|staff|youths?|"
    + "|".join(rf"{re.escape(people)}s" for people in sorted(demonyms()[1]) if people[-1] in "ni")
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|january|february|march|april|june|july|august|september|october|november|december"
_COUNT = re.compile(
    rf"(?P<bound>at least|more than|over|up to|almost|nearly|about|around|some|approximately|no fewer than|an estimated)?\s*"
    rf"(?:between\s+)?(?<![\w.,-])(?P<low>{_NUMBER})(?:\s*(?:-|–|to|and|or)\s*(?P<high>{_FIGURE}|{_WORD}))?(?![\w%])"
    rf"(?:(?<=s)\s+of(?:\s+(?:the|our|their))?)?"  # of what is only told of a vague plural: no other number ends in s
    rf"\s+(?!(?:{_MONTHS})\b)(?P<middle>(?:(?!\d[\d,.]*\s|(?:and|or|the|an?|of|few|dozen|hundred|thousand|million|hours?|days?|weeks?|months?|years?|minutes|km|in|at|on|from|to|with)\b)[\w'-]+\s+){{0,3}}?)(?P<who>{_WHO})\b",
    re.I,
)
_BARE = re.compile(
    rf"(?P<verb>killed|killing|injured|injuring|wounded|wounding|displaced|displacing|abducted|kidnapped|dead|died)\s+"
    rf"(?P<bound>at least|more than|over|about|some|up to)?\s*"
    rf"(?P<low>{_FIGURE}|{_WORD}|(?:{_PLURALS})(?!\s+of\b))(?![\w%])|"  # not "killed dozens of goats"
    rf"(?P<bound2>at least|more than|over|about|some|up to)?\s*(?<![\w.,-])(?P<low2>{_FIGURE}|{_WORD}|{_PLURALS})\s+"
    rf"(?:more )?(?:were |was |are |of them |(?:have |had )(?:been )?)?"
    rf"(?P<verb2>killed|injured|wounded|dead|displaced|fled|abducted|kidnapped|arrested|detained|kia|wia|hurt|missing)\b(?!\s*[:=|])",
    re.I,
)
_KINDS = {
    "killed": r"kill\w*|dead|died|deaths?|shot dead|executed|massacred|murdered|slaughtered|bodies|lost their lives|claimed the lives|perished|beheaded|shot|(?-i:KIA)",
    "injured": r"injur\w+|wound\w+|hurt|maimed|(?-i:WIA)",
    "abducted": r"abduct\w*|kidnap\w*|taken hostage|hostages?|took|taken|carry|carried off|seized|disappeared|missing",
    "detained": r"detain\w*|arrest\w*|jailed|imprisoned|rounded up|in custody|detention of",
    "displaced": r"displac\w*|fled|flee|fleeing|uprooted|evicted|expelled|driven from|left their homes",
}
_KIND_PATTERNS = {kind: re.compile(rf"\b(?:{words})\b", re.I) for kind, words in _KINDS.items()}
_CLAUSE_END = re.compile(r"[.;:!?\n]|,? (?:while|whereas|but|as)\b")
# "were beaten and two voters were injured": the second verb is not the first one's.
_SECOND_CLAUSE = re.compile(rf"\b(?:was|were|been)\b[^.;]*?(?P<second>\band\s+(?:\d|(?:{_WORD}|an?)\b))", re.I)
_PASSIVE = re.compile(r"\s+(?:who\s+)?(?:was|were|had|have|has|are|is)\b", re.I)
# "her three children and wounded 12 passengers": what was done to the passengers.
_AND = re.compile(r"\band\s+$", re.I)
_OTHERS = re.compile(rf"\s+(?:at least |more than |over |about |some |up to )?(?:{_FIGURE}|{_WORD}|an?)(?![\w%])", re.I)
_AS_ADJECTIVE = 50
# "Thousands of people marched, and police killed two": crowds are named so in one breath with what befell a few.
_BREATH = re.compile(r",|\b(?:and|after|before|when|where|over|against|since|following)\b", re.I)
_YEAR = re.compile(r"(?:19|20)\d\d")
_MONTH_BEFORE = re.compile(rf"\b(?:{_MONTHS})\.?,? $", re.I)
# "Those who in 2024 fled": without a noun after it that is a year.
_IN_A_YEAR = re.compile(r"\b(?:in|since|during|until)\s+$", re.I)
_NEGATED = re.compile(r"\b(?:no|not|nobody|none|without)\s+(?:\w+\s+){0,2}$", re.I)


@cache
def _sift() -> Sift:
    return Sift([_COUNT, _BARE])


def find_counts(text: str) -> list[Count]:
    """The counts that `text` states, in order; `high` is None where only a lower bound is given."""
    counts: list[Count] = []
    possible = _sift().possible(text)
    for match in _COUNT.finditer(text) if 0 in possible else ():
        start, end = match.span("low")
        if match["high"]:
            end = match.end("high")
        _add(
            counts,
            text,
            start,
            end,
            match["low"],
            match["high"],
            match["bound"],
            match["who"],
            match.span(),
            _kind(text, *match.span(), vague=_is_vague(match["low"])),
        )
    taken = Taken((c.start, c.end) for c in counts)
    for match in _BARE.finditer(text) if 1 in possible else ():
        low = "low" if match["low"] else "low2"
        start, end = match.span(low)
        if _YEAR.fullmatch(match[low]) and _IN_A_YEAR.search(text, max(0, start - 12), start):
            continue
        if taken.is_free(start, end):
            before = len(counts)
            bound = match["bound"] or match["bound2"]
            _add(
                counts,
                text,
                start,
                end,
                match[low],
                None,
                bound,
                "people",
                match.span(),
                _kind_of(match["verb"] or match["verb2"]),
            )
            if len(counts) > before:
                taken.add(start, end)
    counts += [c for c in find_tallies(text) if taken.is_free(c.start, c.end)]
    return sorted(counts, key=lambda c: c.start)


_BOUND = r"at least|more than|over|up to|almost|nearly|about|around|some|approximately|no fewer than|an estimated"
_RANGE = rf"(?P<low>{_NUMBER})(?:\s*(?:-|–|to|or|and)\s*(?P<high>{_FIGURE}|{_WORD}))?"
_LEADS = re.compile(rf"(?:(?P<bound>{_BOUND})\s+|between\s+)?(?<![\w.,-]){_RANGE}(?=\s)", re.I)
_LEADS_TO = re.compile(rf"(?:(?P<bound>{_BOUND})\s+|between\s+)?(?<![\w.,-]){_RANGE}\s+(?:of\s+(?:the\s+)?)?$", re.I)
_PLURAL = re.compile(r"(?:s|men|people|children|police|youth|idps)\b", re.I)


def number_of(text: str, start: int, end: int) -> tuple[int | None, int | None]:
    """How many an actor mentioned at `start` to `end` are, *(low, high)*; high is None where only a lower bound is given."""
    if not _PLURAL.search(text, start, end):
        return None, None
    before = max(0, start - 40)
    match = _LEADS.match(text, start, end)
    if match:
        bound = re.search(rf"(?:{_BOUND})\s+$", text[before:start], re.I)
        return _bounds(match["low"], match["high"], match["bound"] or (bound.group().strip() if bound else None))
    match = _LEADS_TO.search(text[before:start])
    if not match or match["low"].lower() == "a":
        return None, None
    first = before + match.start("low")
    if _YEAR.fullmatch(match["low"]) or _MONTH_BEFORE.search(text, max(0, first - 12), first):
        return None, None
    return _bounds(match["low"], match["high"], match["bound"])


def number_end(text: str, start: int, end: int) -> int:
    """Where the number ends that a phrase begins with, its space included; `start` where it begins with none.

    >>> "at least six women"[number_end("at least six women", 0, 18) :]
    'women'
    """
    match = _LEADS.match(text, start, end)
    if match is None or match["low"].lower() == "a":
        return start
    return match.end() + len(text[match.end() : end]) - len(text[match.end() : end].lstrip())


def _bounds(low_text: str, high_text: str | None, bound: str | None) -> tuple[int | None, int | None]:
    low, high = _value(low_text), _value(high_text) if high_text else None
    if low is None:
        return None, None
    bound = (bound or "").lower()
    if _is_vague(low_text):
        return (None, None) if bound == "up to" else (low, None)
    if bound in ("at least", "more than", "over", "no fewer than"):
        return low, None
    if bound == "up to":
        return 0, low
    return low, low if high is None or high < low else high


def _add(
    counts: list[Count], text: str, start: int, end: int, low_text: str, high_text: str | None, bound: str | None,
    who: str, span: tuple[int, int], kind: str | None,
) -> None:  # fmt: skip
    # Before its bound: "no fewer than six" denies nothing.
    before = text[max(0, span[0] - 20) : span[0]] + " " * text[span[0] : span[0] + 1].isspace()
    low, high = _bounds(low_text, high_text, bound)
    if _YEAR.fullmatch(low_text) and _MONTH_BEFORE.search(text, max(0, start - 12), start):
        return
    if kind is None or low is None or _NEGATED.search(before[-20:]):
        return
    counts.append(Count(kind, low, high, who.lower().removeprefix("of our "), start, end))


def _kind(text: str, start: int, end: int, *, vague: bool) -> str | None:
    """What happened to them: the verb nearest to the number within its clause."""
    left = max((m.end() for m in _CLAUSE_END.finditer(text, max(0, start - 120), start)), default=max(0, start - 120))
    stop = _CLAUSE_END.search(text, end, min(len(text), end + 100))
    right = stop.start() if stop else min(len(text), end + 100)
    if two := _SECOND_CLAUSE.search(text, end, right):
        right = two.start("second")
    if vague:
        left = max((m.end() for m in _BREATH.finditer(text, left, start)), default=left)
        breath = _BREATH.search(text, end, right)
        right = breath.start() if breath else right
    best: tuple[int, str] | None = None
    for kind, pattern in _KIND_PATTERNS.items():
        for match in pattern.finditer(text, left, right):
            # What follows the number tells of it more often than what stands before; least what stands within, as an
            # adjective: "two displaced women were shot".
            if match.start() >= end:
                if (vague or _AND.search(text, end, match.start())) and _OTHERS.match(text, match.end()):
                    continue
                gap = match.start() - end
            elif match.start() >= start:
                gap = _AS_ADJECTIVE
            else:
                directly = not text[match.end() : start].strip() and not _PASSIVE.match(text, end)
                gap = -1 if directly else start - match.end() + 8
            if best is None or gap < best[0]:
                best = (gap, kind)
    return best[1] if best and best[0] <= 60 else None


def _kind_of(verb: str) -> str | None:
    return next((kind for kind, pattern in _KIND_PATTERNS.items() if pattern.fullmatch(verb)), None)


def _is_vague(words: str) -> bool:
    return " ".join(words.lower().split()) in _VAGUE


def _value(words: str) -> int | None:
    words = " ".join(words.lower().split())
    factor = 1
    for name, size in (("million", 1_000_000), ("thousand", 1000), ("hundred", 100), ("dozen", 12)):
        if words.endswith(" " + name):
            words, factor = words.removesuffix(" " + name).strip(), factor * size
    if words in _VAGUE:
        return _VAGUE[words]
    if words == "a":
        return factor if factor > 1 else 1
    if words in NUMBER_WORDS:
        return NUMBER_WORDS[words] * factor
    if "-" in words:
        parts = [NUMBER_WORDS.get(part) for part in words.split("-")]
        return sum(p for p in parts if p is not None) * factor
    try:
        return int(float(words.replace(",", "").replace(" ", "")) * factor)
    except (ValueError, OverflowError):  # a row of digits may be larger than any number of people
        return None
