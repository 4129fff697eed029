"""Spans of actors as the labelling guide draws them, made of the encoder's pieces.

>>> [text[t.start : t.end] for t in mend_spans(text, tags, heads=heads)]               # doctest: +SKIP
['Fighters of the Northern Accord']

The encoder reads word pieces and now and then stops in the middle of a word or of a name. A mention is the noun phrase
without its article, so pieces that touch are joined, names are completed to their last capital, and what only leads in
or follows (a bullet, a clock time, `who took part`) is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from pipeline.extract.numbers import NUMBER_WORDS
from pipeline.extract.toponyms import demonyms
from pipeline.report import Tag

_LEAD = re.compile(
    r"(?:[\s\"'“”‘’«»(\[*•–—:;,.-]+|\d{1,2}(?:[:.]\d\d)?\s?[ap]\.?m\.?\s+|\d{1,2}:\d\d\s+|"
    # The case is told: `UN patrol` has no French article.
    r"(?:[Tt]he|THE|[Aa]n?|AN|[Ss]ome|[Tt]h[eo]se|[Tt]h(?:is|at)|said|by|[Ll](?:es?|a|['’])|[Dd]es|[Uu]ne?|[Ee]l|[Ll][oa]s|[Uu]n[oa]s?)"
    r"(?:\s+|(?<=['’])))+"
)
_RELATIVE = re.compile(r"\s+(?:who|whom|whose|which)\b.*$", re.S)
_DANGLING = re.compile(r"(?:\s+(?:and|or|of|for|from|in|on|at|by|with|the|a|an|to))+$", re.I)
_TRAILING = re.compile(r"[\s\"“”'‘’«»(\[,;:–—*•-]+$|(?<!\b[A-Z])\.[\s\"“”'‘’«»(\[,;:.–—*•-]*$")
_JOINS = re.compile(r"(?:-\s?|\s|\s?['’]s?\s?|\s(?P<word>of|for)(?:\sthe)?\s|,\d{3}\s)")
_NAME = r"(?:[^\W\d_a-z][\w'’.-]*[\w’'])"
_OF_NAME = re.compile(rf" (?P<word>of|for) (?:the |a )?{_NAME}(?: {_NAME})*")
# `Mothers for Justice` and `the ministry for women` are called so; `the militia for two days` is not.
_FOR = re.compile(r"\s+for\s+(?:the\s+|an?\s+)?(?P<word>[\w'’-]+)", re.I)
_OFFICE = re.compile(r"\b(?:minist(?:ry|er)|commission(?:er)?|directorate|department|cent(?:re|er))$", re.I)
_SPEAKS = re.compile(r"\b(?:spokes[a-z]+|representatives?|envoy)$", re.I)
_CAPITAL = re.compile(r"(?<!\S)[^\W\d_a-z]\S*$")
_MORE_NAME = re.compile(rf"(?: {_NAME})+")
_LESS_NAME = re.compile(rf"(?:{_NAME} )+$")
_NOT_A_NAME = {
    "the", "a", "an", "in", "on", "at", "by", "of", "and", "but", "when", "while", "after", "before", "some", "these", "those",
    "this", "that", "one", "two", "three", "several", "many", "other", "all", "both", "his", "her", "their", "our", "my", "its",
    "according", "reports", "as", "for", "from", "if", "no", "not", "he", "she", "they", "we", "it", "local", "since",
    "meanwhile", "later", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february",
    "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "with", "where",
}  # fmt: skip
_MODIFIER = re.compile(
    r"\b(?:(?:unidentified|unknown|suspected|alleged|masked|armed|displaced|young|former|affiliated|independent|"
    r"municipal|electoral|regional|provincial|national|local|opposition|public|joint|media|military|security|police|"
    r"government|border|polling|aid|humanitarian|child|women|boda|party|religious|community) )+$",
    re.I,
)
_OWNS = re.compile(r"['’]s$")
_INITIALS = re.compile(r"(?<![\w.])(?:[A-Z]\.){2,}|(?<![\w.])(?:[A-Z]\.)+[A-Z](?!\w)")
_REST_OF_WORD = re.compile(r"(?<=\w)(?:-[A-Z0-9][\w-]*|['’](?!s\b)[a-z]\w+)")
_VERB = re.compile(r"\s+[a-z]{2,}(?:ing|ed)$")
# A number is whole: `300 inhabitants` of `2,300 inhabitants` would say that they are three hundred.
_PEOPLES = (
    "Arab",
    "Christian",
    "Jewish",
    "Kurdish",
    "Muslim",
    "Palestinian",
    "Rohingya",
    "Roma",
    "Sunni",
    "Shia",
    "Uyghur",
    "Yazidi",
)
_NUMBER_GOES_ON = re.compile(r"\d|(?:hundred|thousand|million)\b", re.I)
_NUMBER_BEGINS = re.compile(
    rf"(?<![\w.,])(?:\d{{1,3}}(?:,\d{{3}})*,|(?:several|a|\d+|{'|'.join(NUMBER_WORDS)}) )$", re.I
)
# The head of a phrase that the encoder left at its first noun: `police inspector`, `refugee leaders`; `women and girls`.
_HEAD_FOLLOWS = re.compile(
    r" (?:counsel|escorts?|leaders?|inspectors?|assembly|commanders?|delegates?|delegation|detachments?|groups?|officers?|"
    r"chiefs?|members|observers?|agents?|section|wing|branch|team)(?!\w)"
)
_PAIR = re.compile(
    r"(?<!\w)(?:women|men|girls|boys|children|patients) and (?:women|men|girls|boys|children|infants|babies|relatives)(?!\w)",
    re.I,
)
# What they ride, wear or carry tells who they are: `men on motorcycles`, `a gang in green caps`, `men with rifles`.
_KNOWN_BY = re.compile(
    r" (?:on|in|wearing) (?:(?!the |a |an )[\w-]+ ){0,3}?(?:motor(?:cycle|bike)s?|motos?|bikes?|horse(?:back|s)|camels?|pick-?ups?|"
    r"technicals?|vehicles?|hilux|subarus?|uniforms?|balaclavas?|masks?|hoods?|tracksuits?|caps?|fatigues|camouflage|"
    r"plain clothes|civilian clothes|boots|overalls|headbands?|turbans?|t-shirts?|scarves|scarf|vests?)(?!\w)|"
    r" with (?:the )?(?:[a-z-]+ )?(?:rifles?|shotguns?|guns?|pistols?|weapons|firearms|kalashnikovs|machetes?|pangas|spears|knives|"
    r"sticks|clubs|whips)(?!\w)",
    re.I,
)
# Whose residents and members they are: `residents of the camp`.
_OF_GROUP = re.compile(
    r" of (?:the|our|their|both|all) (?:(?:upper|lower|old|new|displaced|local|host|same|neighbouring|nearby|"
    r"mining|fishing|opposition|ruling|farming) )?[a-z-]{3,}(?: (?:camp|town|village|quarter|committee|community|force|group))?(?!\w)"
)
_GROUP_HEADS = re.compile(
    r"(?:residents?|members?|villagers|people|elders|inhabitants|leaders|supporters|followers|relatives|families)$",
    re.I,
)
_SEPARATE = re.compile(r",?\s+(?:and|&|et|y)\s+(?:the\s+|a\s+|an\s+)?", re.I)


@dataclass(frozen=True)
class Heads:
    """The head nouns of the lexicon as patterns, one anywhere and one at the end of a phrase, and their types."""

    anywhere: re.Pattern[str]
    last: re.Pattern[str]
    types: Mapping[str, str]


def mend_spans(text: str, tags: Sequence[Tag], *, heads: Heads) -> list[Tag]:
    """Tags of actors with the bounds of the guide, in order, none overlapping; empty ones are left out."""
    mended: list[Tag] = []
    whole = [_whole_words(text, tag) for tag in tags]
    for tag in _joined(text, sorted(whole, key=lambda t: t.start)):
        for part in _split(text, _trimmed(text, _widened(text, tag, heads), heads), heads):
            if part.start < part.end and (not mended or part.start >= mended[-1].end):
                mended.append(part)
    return mended


def _whole_words(text: str, tag: Tag) -> Tag:
    """The encoder reads pieces of words: `gun` of `gunmen`, `CJTF` of `CJTF-OIR`, `S` of `U.S.`."""
    start, end = tag.start, tag.end
    while start > 0 and (
        text[start - 1].isalnum() or (text[start - 1] == "-" and text[start - 2 : start - 1].isalnum())
    ):
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    if more := _REST_OF_WORD.match(text, end):
        end = more.end()
    for initials in _INITIALS.finditer(text, max(0, start - 8), end + 8):
        if initials.start() < end and start < initials.end():
            start, end = min(start, initials.start()), max(end, initials.end())
    return replace(tag, start=start, end=end)


def _joined(text: str, tags: Sequence[Tag]) -> list[Tag]:
    """Pieces of one phrase together: the surer piece tells type and role."""
    joined: list[Tag] = []
    for tag in tags:
        last = joined[-1] if joined else None
        if last and (tag.start <= last.end or _joins(text, last.end, tag.start)):
            surer = tag if tag.type_score > last.type_score else last
            joined[-1] = replace(surer, start=last.start, end=max(last.end, tag.end))
        else:
            joined.append(tag)
    return joined


def _joins(text: str, end: int, start: int) -> bool:
    """Whether what stands between two pieces holds one phrase together."""
    joint = _JOINS.fullmatch(text, end, start)
    return joint is not None and (joint["word"] != "for" or _goes_on(text, end))


def _goes_on(text: str, end: int) -> bool:
    """Whether a phrase that ends here goes on over a `for`: a name does over another, an office over what it is for."""
    if not (follows := _FOR.match(text, end)):
        return False
    word = _OWNS.sub("", follows["word"])
    if word.casefold() in _NOT_A_NAME or word.casefold() in NUMBER_WORDS or word[0].isdigit():
        return False
    before = text[max(0, end - 30) : end]
    if word[0].isupper():
        return any(pattern.search(before) for pattern in (_CAPITAL, _OFFICE, _SPEAKS))
    return _OFFICE.search(before) is not None and not word.endswith("ing")


@cache
def _people_before() -> re.Pattern[str]:
    """Whose they are, right before: `Nigerian refugees`, `Mozambican and Rwandan forces`."""
    people = "|".join(re.escape(word) for word in sorted({*demonyms()[1], *_PEOPLES}, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:(?:{people})(?:,? and |, | ))+$")


def _widened(text: str, tag: Tag, heads: Heads) -> Tag:
    start, end = tag.start, tag.end
    cased = not text.isupper()
    if cased and text[start:end][:1].isupper() and (before := _LESS_NAME.search(text, max(0, start - 60), start)):
        words = before.group().split()
        while words and words[0].casefold() in _NOT_A_NAME:
            words = words[1:]
        if words and all(word.casefold() not in _NOT_A_NAME for word in words):
            start = start - len(" ".join(words)) - 1
    if before := _MODIFIER.search(text, max(0, start - 40), start):
        start = before.start()
    if before := _people_before().search(text, max(0, start - 40), start):
        start = before.start()
    if _NUMBER_GOES_ON.match(text, start) and (before := _NUMBER_BEGINS.search(text, max(0, start - 30), start)):
        start = before.start()
    if cased and text[start:end].rsplit(" ", 1)[-1][:1].isupper() and (more := _MORE_NAME.match(text, end)):
        end = more.end()
    while cased and (more := _OF_NAME.match(text, end)) and (more["word"] == "of" or _goes_on(text, end)):
        end = more.end()
    if text[end : end + 1] == " " and (more := heads.anywhere.match(text, end + 1)):
        end = more.end()
    if not _DANGLING.search(text[start:end]) and (more := _HEAD_FOLLOWS.match(text, end)):
        end = more.end()
    if (pair := _PAIR.search(text, max(0, start - 14), end + 15)) and pair.start() < end and start < pair.end():
        start, end = min(start, pair.start()), max(end, pair.end())
    if _GROUP_HEADS.search(text, start, end) and (more := _OF_GROUP.match(text, end)):
        end = more.end()
    if more := _KNOWN_BY.match(text, end):
        end = more.end()
    return replace(tag, start=start, end=end)


def _trimmed(text: str, tag: Tag, heads: Heads) -> Tag:
    surface = text[tag.start : tag.end]
    lead = _LEAD.match(surface)
    start = lead.end() if lead and lead.end() < len(surface) else 0
    kept = _RELATIVE.sub("", surface[start:])
    for more in _FOR.finditer(kept):
        if not _goes_on(text, tag.start + start + more.start()):
            kept = kept[: more.start()]
            break
    kept = _TRAILING.sub("", _DANGLING.sub("", _TRAILING.sub("", kept)))
    kept = _OWNS.sub("", kept)
    if (verb := _VERB.search(kept)) and heads.last.search(kept[: verb.start()]):
        kept = kept[: verb.start()]
    if kept.endswith(")") and "(" not in kept:
        kept = _TRAILING.sub("", kept[:-1])
    return replace(tag, start=tag.start + start, end=tag.start + start + len(kept))


def _split(text: str, tag: Tag, heads: Heads) -> list[Tag]:
    """`police and protesters` are two actors: of two types. `women and children` and a name with `and` are one."""
    surface = text[tag.start : tag.end]
    between = list(_SEPARATE.finditer(surface))
    if len(between) != 1:
        return [tag]
    left, right = surface[: between[0].start()], surface[between[0].end() :]
    one, other = heads.last.search(left), heads.last.search(right)
    if not one or not other or heads.types[one["head"].casefold()] == heads.types[other["head"].casefold()]:
        return [tag]
    middle = tag.start + between[0].end()
    return [replace(tag, end=tag.start + between[0].start()), replace(tag, start=middle)]
