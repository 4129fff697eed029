"""Actors: type from the head noun and the encoder, role from the encoder and the sentence, known names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.extract.bounds import Heads
from pipeline.extract.counts import number_of
from pipeline.extract.mentions import mend_spans
from pipeline.extract.organisations import Organisations, load_organisations
from pipeline.report import Actor, Tag

# The encoder's type stands where it is surer than this; else the head noun's, where there is one.
SURE = 0.5
# "Shot by" and "according to" tell the role where the encoder is not surer than this.
SURE_OF_ROLE = 0.9
# A phrase of several words is the same actor wherever it stands, where the encoder is this sure of one.
SURE_OF_AGAIN = 0.8
_PHRASE = re.compile(r"[^\W\d_][\w'’-]+(?: [\w'’-]+){1,6}")
# A single word in small letters that is no head noun (`queue`, `armed`) is an actor only where the encoder is this sure.
SURE_OF_WORD = 0.7


@dataclass(frozen=True)
class Lexicon:
    """Types by head noun; keys are casefolded."""

    pattern: re.Pattern[str]
    heads: Heads
    types: dict[str, str]


@cache
def load_lexicon(path: Path | None = None) -> Lexicon:
    """The lexicon at `path`, or the one that ships with Sitrep."""
    source = path or files("pipeline.extract").joinpath("actors.toml")
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
        types = {head.casefold(): type_ for type_, heads in data["heads"].items() for head in heads}
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigurationError(f"{source}: not a valid lexicon of actors: {error}") from error
    words = "|".join(re.escape(head) for head in sorted(types, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?P<head>{words})(?:e?s)?(?!\w)", re.I)
    last = re.compile(rf"(?<!\w)(?P<head>{words})(?:e?s)?$", re.I)
    return Lexicon(pattern, Heads(pattern, last, types), types)


@dataclass(frozen=True)
class _Context:
    """What an actor is told apart by."""

    text: str
    lexicon: Lexicon
    organisations: Organisations
    report_date: date | None
    country: str | None


def find_actors(
    text: str,
    *,
    tags: Sequence[Tag],
    lexicon: Lexicon | None = None,
    report_date: date | None = None,
    country: str | None = None,
) -> list[Actor]:
    """The actors of `text`: the encoder's mentions, or where it gave none, the lexicon's phrases."""
    lexicon = lexicon or load_lexicon()
    context = _Context(text, lexicon, load_organisations(), report_date, country)
    tagged = [tag for tag in tags if tag.kind == "A"]
    if not tags:
        tagged = [
            Tag(*match.span(), "A", 0.0)
            for match in lexicon.pattern.finditer(text)
            if lexicon.types[match["head"].casefold()] in _CLEAR_WITHOUT_TAGS
        ]
    tagged += _again(text, tagged, tags)
    others = [tag for tag in tags if tag.kind == "P"]  # what was taken for a date may be `M23`
    tagged += [
        Tag(start, end, "A", 1.0)
        for start, end in context.organisations.mentioned(text)
        if all(end <= other.start or start >= other.end for other in others)
    ]
    return [_actor(tag, context) for tag in mend_spans(text, tagged, heads=lexicon.heads) if _likely(tag, context)]


def _again(text: str, tagged: Sequence[Tag], tags: Sequence[Tag]) -> list[Tag]:
    """Where a phrase of several words that the encoder is sure of stands again, untagged: `Northern Accord`."""
    again: dict[tuple[int, int], Tag] = {}
    for tag in tagged:
        words = text[tag.start : tag.end]
        if tag.score < SURE_OF_AGAIN or text.count(words) < 2 or not _PHRASE.fullmatch(words):
            continue
        for match in re.finditer(rf"(?<![\w-]){re.escape(words)}(?![\w-])", text):
            if all(match.end() <= other.start or match.start() >= other.end for other in tags):
                again[match.span()] = replace(tag, start=match.start(), end=match.end(), role=None, role_score=0.0)
    return list(again.values())


# A camp is a place, though its name holds those who live in it: `Jenin refugee camp`.
_CAMP = re.compile(
    r"^(?!.*\s(?:of|in|from|at|near)\s).*\b(?:refugee|displacement|displaced|idp|idps) (?:camp|site|settlement)s?$",
    re.I,
)
_NO_ACTOR = {"armed", "forced", "displaced", "alleged"}  # of `Armed clashes`
_BELONGS = re.compile(
    r"\b(?:members?|elements?|fighters?|combatants?|soldiers?|troops|officers?|agents?|commanders?|patrol|unit|"
    r"(?i:gen|general|brig|col|colonel|lt|lieutenant|maj|major|capt|captain|sgt|sergeant|cpl|corporal)\b\.?(?: [A-Z]\S*)*)"
    r" of (?:the )?(?P<name>\S.*)$"
)
# Without the encoder only heads that are hardly ever anything else.
_CLEAR_WITHOUT_TAGS = {"state_forces", "police", "non_state_armed_group", "peacekeepers", "media", "judiciary"}


def _likely(tag: Tag, context: _Context) -> bool:
    surface = context.text[tag.start : tag.end]
    if not any(map(str.isalpha, surface)) or _CAMP.match(surface) or surface.casefold() in _NO_ACTOR:
        return False
    if " " in surface or not surface.islower() or context.lexicon.pattern.search(surface):
        return True
    return tag.score >= SURE_OF_WORD


def _actor(tag: Tag, context: _Context) -> Actor:
    surface = context.text[tag.start : tag.end]
    known = context.organisations.named(
        surface,
        type_=tag.type if tag.type_score >= SURE else None,
        country=context.country,
        day=context.report_date,
    )
    type_ = known.type if known else _type_by_organisation(surface, context) or _type(surface, tag, context.lexicon)
    role = tag.role if tag.role and tag.role_score >= SURE else _role(context.text, tag.start, tag.end, type_, tag.role)
    if tag.role_score < SURE_OF_ROLE:
        role = _told_role(context.text[max(0, tag.start - 70) : tag.start]) or role
    low, high = number_of(context.text, tag.start, tag.end)
    return Actor(tag.start, tag.end, surface, type_, role, known.name if known else None, low, high)


def _type_by_organisation(surface: str, context: _Context) -> str | None:
    """The type of the organisation whose members they are: `three members of the ELN` are fighters, whoever ELN is."""
    if not (belongs := _BELONGS.search(surface)):
        return None
    known = context.organisations.named(belongs["name"], country=context.country, day=context.report_date)
    return known.type if known else None


def _type(surface: str, tag: Tag, lexicon: Lexicon) -> str:
    if tag.type and tag.type_score >= SURE:
        return tag.type
    # The last head noun before a preposition is the head of the phrase: "fighters of the Front".
    head = re.split(r"\s(?:of|from|in|on|at|near|with|who|that|de|du|des)\s", surface, maxsplit=1)[0]
    for part in (head, surface):
        matches = list(lexicon.pattern.finditer(part))
        if matches:
            return lexicon.types[matches[-1]["head"].casefold()]
    return tag.type or "other"


_BEFORE_PERPETRATOR = re.compile(r"\b(?:by|from)\s+(?:the\s+|a\s+|an\s+|unknown\s+|suspected\s+)?$", re.I)
_AFTER_SOURCE = re.compile(
    r"^\s*(?:said|say|says|reported|reports|told|documented|stated|confirmed|witnessed|alleged|called)\b", re.I
)
_BEFORE_SOURCE = re.compile(r"\b(?:according to|told|said)\s+(?:the\s+|a\s+)?$", re.I)
_AFTER_ACT = re.compile(
    r"^[^.;]{0,40}?\b(?:attacked|shot|killed|abducted|kidnapped|arrested|detained|beat|burn(?:ed|t)|looted|entered|raided|"
    r"opened fire|took|seized|fired|stopped|ambushed|raped|tortured|blocked|refused|shelled|stormed|demanded)\b", re.I)  # fmt: skip
_AFTER_VICTIM = re.compile(
    r"^[^.;]{0,25}?\b(?:was|were|had been|have been|are|is)\s+(?:\w+ly\s+)?(?:killed|shot|abducted|kidnapped|arrested|detained|"
    r"beaten|injured|wounded|raped|tortured|displaced|forced|taken|held|burnt|looted|attacked)\b|^\s*(?:fled|died)\b", re.I)  # fmt: skip


_SUFFERED_BY = re.compile(
    r"\b(?:killed|shot|abducted|kidnapped|arrested|detained|beaten|attacked|burn(?:t|ed)|looted|raped|tortured|seized|stopped|ambushed|"
    r"executed|taken(?: away)?|held|fired|wounded|injured|robbed|evicted|threatened|harassed|assaulted|forced|recruited|murdered)"
    r"\b(?: \w+){0,4} by (?:the |an? |\w+ )?$",
    re.I,
)
_TOLD_BY = re.compile(
    r"\b(?:according to|(?:reported|told|alleged|documented) by) (?:the |an? |local |some |several )*$", re.I
)


def _told_role(before: str) -> str | None:
    """The role that the words right before a mention leave no doubt of."""
    if _TOLD_BY.search(before):
        return "source"
    return "perpetrator" if _SUFFERED_BY.search(before) else None


def _role(text: str, start: int, end: int, type_: str, guess: str | None) -> str:
    before, after = text[max(0, start - 40) : start], text[end : end + 90]
    if _BEFORE_SOURCE.search(before) or _AFTER_SOURCE.search(after):
        return "source"
    if _AFTER_VICTIM.search(after):
        return "victim"
    if _BEFORE_PERPETRATOR.search(before) or (_AFTER_ACT.search(after) and type_ != "civilians"):
        return "perpetrator"
    return guess or ("victim" if type_ == "civilians" else "other")
