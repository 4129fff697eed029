"""Where a mention of an actor begins and ends: what leads in and what follows is cut off.

>>> text[t.start : t.end] for t in (trimmed(text, tag, heads),)                      # doctest: +SKIP
'Libyan Red Crescent'                                                               # of `A lorry of the Libyan Red Crescent loaded`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.extract.numbers import NUMBER_WORDS
from pipeline.report import Tag

# Determiners, bullets, clock times and small words that stand before a noun phrase.
_LEAD = re.compile(
    r"(?:[\s\"'“”‘’«»(\[*•–—:;,.-]+|\d{1,2}(?:[:.]\d\d)?\s?[ap]\.?m\.?\s+|\d{1,2}:\d\d\s+|\d{4,6}[A-Z]\s+|"
    # The case is told: `UN patrol` has no French article.
    r"(?:[Tt]he|THE|[Aa]n?|AN|[Ss]ome|[Tt]h[eo]se|[Tt]h(?:is|at)|said|by|[Ll](?:es?|a|['’])|[Dd]es|[Uu]ne?|[Ee]l|[Ll][oa]s|[Uu]n[oa]s?|"
    r"[Oo]ur|own|[Tt]heir|[Hh](?:is|er)|[Ii]ts|[Mm]y|[Yy]our|same|and|with|to|are|were|we (?:are|r))"
    r"(?:\s+|(?<=['’])))+"
)
# What they travel in, how many they are, or what is theirs: the actor is who that is of.
_CARRIER = re.compile(
    r"^(?:[Cc]onvoys?|[Cc]olumns?|[Ll]orry|[Ll]orries|[Tt]rucks?|[Vv]ehicles?|[Cc]ars?|[Aa]mbulances?|[Bb]uses|[Bb]oats?|[Pp]ositions|"
    r"[Ll]etters?|[Aa]rtillery|[Gg]uns|[Dd]rones?|[Rr]ockets|[Hh]owitzers|[Uu]nits|[Ee]lements|[Bb]ands|[Ee]scorts?|[Tt]eams|[Tt]otals?|"
    r"[Nn]umbers?|[Oo]rders?|[Tt]ents|[Cc]ounts?|[Aa]udits?|[Mm]ajority|[Mm]ost|(?:[Hh]uman )?[Rr]ights|[Nn]eeds|[Bb]odies|[Rr]equests?|[Ss]tatements?)"
    r" of (?:the |an? |these |those |about |some |our |their )?(?:same )?(?=\S)"
)
# What belongs to an actor and is none: `army helicopters`, `the OCHA sub-office`, `the prosecutor's count`.
_BELONGINGS = re.compile(
    r"(?:['’]s?)? (?:(?:food|needs|security|rapid) )*(?:helicopters?|lorry|lorries|trucks?|technicals?|convoys?|cordons?|garrisons?|sub-offices?|"
    r"assessments?|(?<!military )operations|assistance|count|period|[Ff]lash [Uu]pdates?|reports?|statements?)$"
)
_AFTER_HEAD = re.compile(r" (?:up there|there|here|opposite|nearby|inside|outside|alone|on duty|in charge)$")
# `rebel group Heirs of the Mangrove`: the name is the mention.
_CALLED = re.compile(
    r"^(?:[A-Za-z-]+ )?(?:gangs?|groups?|factions?|militias?|parties|party|organi[sz]ations?|companies|company) (?=[A-Z][\w-]+ [A-Za-z]|[A-Z]{3,})",
)
_NEXT_PHRASE = re.compile(r" (?:the|an?|its|their|his|her|our|this|these|those|them|him|it) ")
_LAST_WORD = re.compile(r" (?!\w+(?:[eo]rs?|ists?|ians?|men|ees?|staff)$)[a-z]{3,}$")
_RELATIVE = re.compile(r"\s+(?:who|whom|whose|which)\b.*$", re.S)
DANGLING = re.compile(r"(?:\s+(?:and|or|of|for|from|in|on|at|by|with|the|a|an|to))+$", re.I)
_TRAILING = re.compile(r"[\s\"“”'‘’«»(\[,;:–—*•-]+$|(?<!\b[A-Z])\.[\s\"“”'‘’«»(\[,;:.–—*•-]*$")
_OWNS = re.compile(r"['’]s$")
# `Mothers for Justice` and `the ministry for women` are called so; `the militia for two days` is not.
_FOR = re.compile(r"\s+for\s+(?:the\s+|an?\s+)?(?P<word>[\w'’-]+)", re.I)
_OFFICE = re.compile(r"\b(?:minist(?:ry|er)|commission(?:er)?|directorate|department|cent(?:re|er))$", re.I)
_SPEAKS = re.compile(r"\b(?:spokes[a-z]+|representatives?|envoy)$", re.I)
_CAPITAL = re.compile(r"(?<!\S)[^\W\d_a-z]\S*$")
NOT_A_NAME = {
    "the", "a", "an", "in", "on", "at", "by", "of", "and", "but", "when", "while", "after", "before", "some", "these", "those",
    "this", "that", "one", "two", "three", "several", "many", "other", "all", "both", "his", "her", "their", "our", "my", "its",
    "according", "reports", "as", "for", "from", "if", "no", "not", "he", "she", "they", "we", "it", "local", "since",
    "meanwhile", "later", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february",
    "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "with", "where",
}  # fmt: skip
_VERB = re.compile(r"\s+[a-z]{2,}(?:ing|ed)$")


@dataclass(frozen=True)
class Heads:
    """The head nouns of the lexicon as patterns, one anywhere and one at the end of a phrase, and their types."""

    anywhere: re.Pattern[str]
    last: re.Pattern[str]
    types: Mapping[str, str]

    def ends(self, phrase: str) -> bool:
        """Whether a phrase that ends here is whole: on a head noun or on a name."""
        return bool(self.last.search(phrase) or _CAPITAL.search(phrase))


def goes_on(text: str, end: int) -> bool:
    """Whether a phrase that ends here goes on over a `for`: a name does over another, an office over what it is for."""
    if not (follows := _FOR.match(text, end)):
        return False
    word = _OWNS.sub("", follows["word"])
    if word.casefold() in NOT_A_NAME or word.casefold() in NUMBER_WORDS or word[0].isdigit():
        return False
    before = text[max(0, end - 30) : end]
    if word[0].isupper():
        return any(pattern.search(before) for pattern in (_CAPITAL, _OFFICE, _SPEAKS))
    return _OFFICE.search(before) is not None and not word.endswith("ing")


def trimmed(text: str, tag: Tag, heads: Heads) -> Tag:
    """The tag without what leads in, belongs to the actor, or follows it."""
    surface = text[tag.start : tag.end]
    start = _begins(surface)
    kept = _RELATIVE.sub("", surface[start:])
    for more in _FOR.finditer(kept):
        if not goes_on(text, tag.start + start + more.start()):
            kept = kept[: more.start()]
            break
    kept = _TRAILING.sub("", DANGLING.sub("", _TRAILING.sub("", kept)))
    kept = _OWNS.sub("", kept)
    follows = _NEXT_PHRASE.match(text, tag.start + start + len(kept)) is not None
    kept = _without_verb(kept, heads, follows=follows)
    if (owned := _BELONGINGS.search(kept)) and heads.ends(kept[: owned.start()]):
        kept = kept[: owned.start()]
    kept = _AFTER_HEAD.sub("", kept)
    if kept.endswith(")") and "(" not in kept:
        kept = _TRAILING.sub("", kept[:-1])
    return replace(tag, start=tag.start + start, end=tag.start + start + len(kept))


def _without_verb(kept: str, heads: Heads, *, follows: bool) -> str:
    """`Police` of `Police watch the bridge`: a noun phrase ends before the next one, which `follows`."""
    verb = _VERB.search(kept) or (_LAST_WORD.search(kept) if follows and not heads.last.search(kept) else None)
    return kept[: verb.start()] if verb and heads.ends(kept[: verb.start()]) else kept


def _begins(surface: str) -> int:
    """Where the noun phrase begins in it: after articles, and after what carries or counts the actor."""
    start = 0
    for pattern in (_LEAD, _CARRIER, _LEAD, _CALLED):
        lead = pattern.match(surface[start:])
        if lead and start + lead.end() < len(surface):
            start += lead.end()
    return start
