"""Spans of actors as the labelling guide draws them, made of the encoder's pieces.

>>> [text[t.start : t.end] for t in mend_spans(text, tags, heads=heads)]               # doctest: +SKIP
['Fighters of the Northern Accord']

The encoder reads word pieces and now and then stops in the middle of a word or of a name. A mention is the noun phrase
without its article, so pieces that touch are joined, names are completed to their last capital, and what only leads in
or follows (a bullet, a clock time, `who took part`) is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from pipeline.extract.bounds import DANGLING, NOT_A_NAME, Heads, goes_on, trimmed
from pipeline.extract.numbers import NUMBER_WORDS
from pipeline.extract.toponyms import demonyms
from pipeline.report import Tag

_JOINS = re.compile(r"(?:-\s?|\s|\s?['’]s?\s?|\s(?P<word>of|for)(?:\sthe)?\s|,\d{3}\s)")
_NAME = r"(?:[^\W\d_a-z][\w'’.-]*[\w’'])"
_OF_NAME = re.compile(rf" (?P<word>of|for) (?:the |a )?{_NAME}(?: {_NAME})*")
_MORE_NAME = re.compile(rf"(?: {_NAME})+")
_LESS_NAME = re.compile(rf"(?:{_NAME} )+$")
_MODIFIER = re.compile(
    # "activists alleged security ..." and "fighting displaced people": a verb.
    r"\b(?:(?:(?<![a-z]s )(?<![a-z]g )(?<!\) )(?<!, )(?:alleged|suspected|displaced)|unidentified|unknown|masked|armed|young|de facto|internally|former|affiliated|independent|"
    r"municipal|electoral|regional|provincial|national|local|opposition|public|joint|media|military|security|police|"
    r"government|border|polling|aid|humanitarian|child|women|boda|party|religious|community) )+$",
    re.I,
)
# After an article or a number the noun phrase has begun: `the night` nurse, `four old` persons. A time or a clause is none.
_BEGUN = re.compile(
    rf"(?<![\w-])(?:the|an?|several|many|{'|'.join(w for w in NUMBER_WORDS if w not in ('zero', 'one'))})\s+"
    r"(?P<word>(?!(?:the|and|or|of|in|on|at|by|to|from|for|with|who|that|as|but|than|other|same|more|where|when|while|years?|"
    r"night|day|week|month|time|moment|hour|way|place|period|end|km|hundred|thousand|million|dozen)\s)"
    rf"(?!(?:{'|'.join(NUMBER_WORDS)})(?:-\w+)?\s)"
    r"(?!\w+(?:ed|ly|[^s']s)\s)[a-z][a-z'’-]*\s+)$"
)
_INITIALS = re.compile(r"(?<![\w.])(?:[A-Z]\.){2,}|(?<![\w.])(?:[A-Z]\.)+[A-Z](?!\w)")
_APART = re.compile(r"[,;:.]?\s+(?=\w)")
_REST_OF_WORD = re.compile(r"(?<=\w)(?:-[A-Z0-9][\w-]*|['’](?!s\b)[a-z]\w+)")
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
_SEPARATE = re.compile(r",?\s+(?:and|&|et|y|v|vs)\s+(?:the\s+|a\s+|an\s+)?", re.I)
# `Presidential Pardon Commission (PPC` names one body twice.
_ABBREVIATED = re.compile(r"(?P<name>\w.*\w) \((?P<short>[A-Z][A-Za-z-]*[A-Z])\)?")
# A whole name: `Taliban and Afghan National Security Forces` are two, `Ministry of Health and Sports` is one.
_BODY = re.compile(
    r"^[A-Z].*(?<!\w)(?:[A-Z]{3,}|Taliban|Hamas|Hezbollah|(?:[A-Z]\w+ )+(?:Bloc|Front|Forces?|Army|Movement|Party|Council|Commission|Committee|Union|"
    r"Police|Guards?|Brigade|Mission|Agency|Resistance|Column|Coalition|Alliance|League|Network|Association|Bde))$|"
    r"^(?:[A-Z]{3,}|Taliban|Hamas|Hezbollah)$|^[A-Z]\w+ of (?:the )?[A-Z]\w+$"
)


def mend_spans(text: str, tags: Sequence[Tag], *, heads: Heads) -> list[Tag]:
    """Tags of actors with the bounds of the guide, in order, none overlapping; empty ones are left out."""
    mended: list[Tag] = []
    whole = [_whole_words(text, tag) for tag in tags]
    for tag in _joined(text, sorted(whole, key=lambda t: t.start)):
        for part in _split(text, trimmed(text, _widened(text, tag, heads), heads), heads):
            if part.start < part.end and (not mended or part.start >= mended[-1].end):
                mended.append(part)
    return mended


def _whole_words(text: str, tag: Tag) -> Tag:
    """The encoder reads pieces of words: `gun` of `gunmen`, `CJTF` of `CJTF-OIR`, `S` of `U.S.`."""
    start, end = tag.start, tag.end
    if apart := _APART.match(text, start, end):
        start = apart.end()
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
    return joint is not None and (joint["word"] != "for" or goes_on(text, end))


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
        while words and words[0].casefold() in NOT_A_NAME:
            words = words[1:]
        if words and all(word.casefold() not in NOT_A_NAME for word in words):
            start = start - len(" ".join(words)) - 1
    if before := _MODIFIER.search(text, max(0, start - 40), start):
        start = before.start()
    if cased and text[start : start + 1].islower() and (before := _BEGUN.search(text, max(0, start - 45), start)):
        start = before.start("word")
    if before := _people_before().search(text, max(0, start - 40), start):
        start = before.start()
    if _NUMBER_GOES_ON.match(text, start) and (before := _NUMBER_BEGINS.search(text, max(0, start - 30), start)):
        start = before.start()
    if cased and text[start:end].rsplit(" ", 1)[-1][:1].isupper() and (more := _MORE_NAME.match(text, end)):
        end = more.end()
    while cased and (more := _OF_NAME.match(text, end)) and (more["word"] == "of" or goes_on(text, end)):
        end = more.end()
    if text[end : end + 1] == " " and (more := heads.anywhere.match(text, end + 1)):
        end = more.end()
    if not DANGLING.search(text[start:end]) and (more := _HEAD_FOLLOWS.match(text, end)):
        end = more.end()
    if (pair := _PAIR.search(text, max(0, start - 14), end + 15)) and pair.start() < end and start < pair.end():
        start, end = min(start, pair.start()), max(end, pair.end())
    if _GROUP_HEADS.search(text, start, end) and (more := _OF_GROUP.match(text, end)):
        end = more.end()
    if more := _KNOWN_BY.match(text, end):
        end = more.end()
    return replace(tag, start=start, end=end)


def _split(text: str, tag: Tag, heads: Heads) -> list[Tag]:
    """`police and protesters` are two actors: of two types. `women and children` and a name with `and` are one."""
    surface = text[tag.start : tag.end]
    if abbreviated := _ABBREVIATED.fullmatch(surface):
        return [
            replace(tag, start=tag.start + first, end=tag.start + last)
            for first, last in (abbreviated.span("name"), abbreviated.span("short"))
        ]
    between = list(_SEPARATE.finditer(surface))
    if len(between) != 1:
        return [tag]
    left, right = surface[: between[0].start()], surface[between[0].end() :]
    one, other = heads.last.search(left), heads.last.search(right)
    two_types = one and other and heads.types[one["head"].casefold()] != heads.types[other["head"].casefold()]
    if not two_types and not (_BODY.search(left) and _BODY.search(right)):
        return [tag]
    middle = tag.start + between[0].end()
    return [replace(tag, end=tag.start + between[0].start()), replace(tag, start=middle)]
