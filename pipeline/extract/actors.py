"""Actors: type from the head noun and the encoder, role from the encoder and the sentence, known names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.report import Actor, Tag

# The encoder's type stands where it is surer than this; else the head noun's, where there is one.
SURE = 0.5
_ARTICLE = re.compile(r"^(?:the|a|an|some|these|those|this|that|le|la|les|des|un|une)\s+", re.I)


@dataclass(frozen=True)
class Lexicon:
    """Types by head noun, and known entities by alias; keys are casefolded."""

    pattern: re.Pattern[str]
    types: dict[str, str]
    known: dict[str, tuple[str, str]]


@cache
def load_lexicon(path: Path | None = None) -> Lexicon:
    """The lexicon at `path`, or the one that ships with Sitrep."""
    source = path or files("pipeline.extract").joinpath("actors.toml")
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
        types = {head.casefold(): type_ for type_, heads in data["heads"].items() for head in heads}
        known = {
            alias.casefold(): (entity["name"], entity["type"])
            for entity in data["canonical"]
            for alias in (entity["name"], *entity["aliases"])
        }
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigurationError(f"{source}: not a valid lexicon of actors: {error}") from error
    words = "|".join(re.escape(head) for head in sorted(types, key=len, reverse=True))
    return Lexicon(re.compile(rf"(?<!\w)(?P<head>{words})(?:e?s)?(?!\w)", re.I), types, known)


def find_actors(text: str, *, tags: Sequence[Tag], lexicon: Lexicon | None = None) -> list[Actor]:
    """The actors of `text`: the encoder's mentions, or where it gave none, the lexicon's phrases."""
    lexicon = lexicon or load_lexicon()
    tagged = [tag for tag in tags if tag.kind == "A"]
    if tagged:
        return [_actor(text, tag, lexicon) for tag in tagged]
    if tags:
        return []
    actors = []
    for match in lexicon.pattern.finditer(text):
        start, end = match.span()
        if lexicon.types[match["head"].casefold()] in _CLEAR_WITHOUT_TAGS:
            actors.append(_actor(text, Tag(start, end, "A", 0.0), lexicon))
    return actors


# Without the encoder only heads that are hardly ever anything else.
_CLEAR_WITHOUT_TAGS = {"state_forces", "police", "non_state_armed_group", "peacekeepers", "media", "judiciary"}


def _actor(text: str, tag: Tag, lexicon: Lexicon) -> Actor:
    surface = text[tag.start : tag.end]
    article = _ARTICLE.match(surface)
    start = tag.start + (article.end() if article else 0)
    surface = text[start : tag.end]
    canonical, known_type = lexicon.known.get(surface.casefold().strip(" .,'\""), (None, None))
    type_ = known_type or _type(surface, tag, lexicon)
    role = tag.role if tag.role and tag.role_score >= 0.5 else _role(text, start, tag.end, type_, tag.role)
    return Actor(start, tag.end, surface, type_, role, canonical)


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


def _role(text: str, start: int, end: int, type_: str, guess: str | None) -> str:
    before, after = text[max(0, start - 40) : start], text[end : end + 90]
    if _BEFORE_SOURCE.search(before) or _AFTER_SOURCE.search(after):
        return "source"
    if _AFTER_VICTIM.search(after):
        return "victim"
    if _BEFORE_PERPETRATOR.search(before) or (_AFTER_ACT.search(after) and type_ != "civilians"):
        return "perpetrator"
    return guess or ("victim" if type_ == "civilians" else "other")
