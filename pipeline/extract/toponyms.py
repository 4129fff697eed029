"""Which words of a text name a place: the encoder's mentions, and names of countries that it missed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from pipeline.extract.gazetteer import Candidate
from pipeline.extract.villages import countries_of
from pipeline.report import Tag

CITY_POPULATION = 100_000

_CAPITALISED = re.compile(r"[A-ZÀ-Ý](?:(?!['’]s\b)[\w'’-])+")
_COUNTRY_WORDS = re.compile(r"\b[A-ZÀ-Ý][\w'’.-]+(?:\s+(?:of|the|and|[A-ZÀ-Ý][\w'’.-]+)){0,4}")
# Countries that are also given names, common words, or parts of other places' names.
_NOT_ALONE = {"Georgia", "Jordan", "Chad", "Turkey", "Guinea", "Congo", "Niger", "Dominica", "Jersey", "Man", "Us"}
# `Uganda Red Cross`, `Bank of Uganda`, `Mr Israel Kamau`: the name of an organisation or a person holds the country's.
_OF_ORGANISATION = re.compile(
    r"\b(?:Bank|University|Institute|Embassy|Parliament|Church|Conference|Council|Union|Federation|Association|Movement|"
    r"Party|Front|Army|Commission|Ministry|Society|Friends|Voice|Radio|Free|Islamic State of|Forces) (?:of |for )?(?:the )?$"
)
_THEN_ORGANISATION = re.compile(
    r" (?:[A-Z][\w-]+ ){0,2}(?:Red (?:Cross|Crescent)|Consortium|Forum|Network|Commission|Council|Association|Committee|"
    r"Federation|Party|Movement|Front|Police|Army|Defence|Defense|Force|Forces|Service|Bank|Airways|Times|Post|Herald|"
    r"Radio|University|Institute|Initiative|Watch|Observatory|Union|Society|Foundation|Trust|Fund|Agency|Authority|"
    r"Company|Corporation|Mission|Office)\b"
)
_TITLE = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Sheikh|Imam|Rev|Fr|Pastor|Bishop|Capt|Col|Gen|Lt|Maj|Sgt|Captain|Colonel|"
    r"General|Lieutenant|Major|Sergeant|Judge|Justice|Senator|Minister|Mayor|Chief|Uncle|Aunt)\.? (?:[A-Z][\w-]+ )?$"
)


# Words written with a capital that belong to a name: `Enga Province`, `Lower Shabelle`.
_KIND = re.compile(
    r" (?:Region|Province|State|District|County|Governorate|Oblast|Prefecture|Department|River|Town|City|Island|Lake|Valley|"
    r"Bazar|(?:Refugee |IDP )?Camp|Hills|Mountains|Peninsula|Delta|Desert|Forest|Division|Settlement|LGA|Provinces|Districts|Governorates|Cities)\b"
)
_QUALITY = re.compile(
    r"(?:(?:North|South) (?:East|West)|Northeast|Northwest|Southeast|Southwest|Lower|Upper|Middle|Central|Greater|North|South|East|West|North-East|North-West|South-East|South-West|Northern|"
    r"Southern|Eastern|Western|New|Old|Lake|Mount|Port|Fort|Camp|Cape|Saint|San|Santa|São|Al|El|Ash|Umm|Um|Deir|Ras|"
    r"Wadi|Tel|Tell|Beit|Ain) $"
)
_LEFT_OF_WORD = re.compile(r"(?:[^\W_]+['’-]?)+$")
_RIGHT_OF_WORD = re.compile(r"(?:['’-]?[^\W_]+)+")
_SMALL_BEFORE = re.compile(
    r"^(?:[dl]['’]|(?:At|In|From|Near|To|Around|On|Of) )(?=[A-ZÀ-Þ])|^(?:[^\W\d_A-ZÀ-Þ][\w.’'-]*\s+)+(?=[A-ZÀ-Þ])"
)
_SMALL_AFTER = re.compile(
    r"(?: (?:count(?:y|ies)|townships?|towns?|villages?|communes?|cercles?|"
    r"sectors?|prefectures?|neighbou?rhoods?|wards?|quarters?|areas?|roads?|rd|junctions?|crossroads|hubs?|mills?|hills?|"
    r"market|side|tdy|today|yesterday|now))+$| on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day.*$|\n\n.*$",
    re.S,
)
# Words in small letters that say what a name is of: `Dhamar governorate`, `Rangpur division`.
_SMALL_KIND = re.compile(
    r" (?:(?:sub-)?districts?|provinces?|governorates?|regions?|divisions?|city|settlements?|(?:refugee )?camp|LGAs?)(?!\w)"
)
_SIDE_AFTER = re.compile(r" (?:North|South|East|West|Central)(?= [^A-Z]|[.,;:)]|$)")
# `LGAs`, `COVID-19`, `EPoA`: what is written so and the gazetteer does not hold is no place.
_NO_NAME = re.compile(r"[A-Z]{2,}s|[A-Z]{3,}-\d+|(?!Al|El)[A-Z]*[a-z]+[A-Z]\w*")
# In an address of the net or of mail a name is no place.
_IN_ADDRESS_BEFORE = re.compile(r"(?:@|//|www?\.)[\w.-]*\Z")
_IN_ADDRESS_AFTER = re.compile(r"[\w.-]*@|\.(?:ac|org|com|net|gov|int|edu)\b")
_PARAGRAPH = re.compile(r"\s*\n\s*\n\s*")
_AND = re.compile(r",? and ")
# Whole names of which the encoder took a part: `Buenos Aires`, `La Romana`, `Democratic Republic of the Congo`.
_WORD = r"[A-ZÀ-Þ][\w'’-]*"
_MORE_AFTER = re.compile(rf"(?: (?:of|of the|de|del|la|los|las|do|da))? {_WORD}")
_MORE_BEFORE = re.compile(
    rf"(?:(?<=\s)|(?<=^)|(?<=\())(?:(?!(?:At|The|In|On|From|To|Near|By|And|Of|City|Town|Village|District|Province|State|Region|County) ){_WORD} "
    r"(?:of (?:the )?|de |del |do |da )?|Mt\. |St\. ){1,2}\Z"
)
SURE_OF_WORD = 0.7
"""A word in small letters that the gazetteer does not know is a place only where the encoder is this sure."""

LookUp = Callable[[str], Sequence[Candidate]]


@dataclass(frozen=True)
class Mention:
    """A name in the text."""

    start: int
    end: int
    text: str


def find_mentions(
    text: str, *, tags: Sequence[Tag], look_up: LookUp, may_be_country: Callable[[str], bool]
) -> list[Mention]:
    """Mentions in the order of the text. `may_be_country` says which names are worth a look-up as countries."""
    shouting = text.isupper()
    mentions = list(_encoders_mentions(text, tags, look_up))
    mentions = [m for m in mentions if shouting or not _is_acronym(m.text, look_up)]
    taken = [(t.start, t.end) for t in tags if t.kind != "A" or not _is_country_alone(text, t, look_up, may_be_country)]
    for match in _COUNTRY_WORDS.finditer(text):
        for mention in _countries_in(match.group(), match.start(), look_up, may_be_country):
            free = all(mention.end <= start or mention.start >= end for start, end in taken)
            if free and not _belongs_to_a_name(text, mention):
                mentions.append(mention)
                taken.append((mention.start, mention.end))
    return sorted(mentions, key=lambda m: m.start)


def _encoders_mentions(text: str, tags: Sequence[Tag], look_up: LookUp) -> Iterator[Mention]:
    """What the encoder tagged, as whole names and nothing but names."""
    reached = 0
    for tag in sorted(
        (part for t in tags if t.kind == "P" for part in _apart(text, t, look_up)), key=lambda t: t.start
    ):
        start, end = _whole_name(text, tag.start, tag.end) if not text.isupper() else (tag.start, tag.end)
        if not text.isupper() and start < end:
            start, end = _known_whole(text, start, end, look_up)
        words = text[start:end]
        if start < reached or start >= end:
            continue
        if words == "us":  # "they shot at us": no country
            continue
        if _is_people(words) or (words.islower() and tag.score < SURE_OF_WORD and not _is_known(words, look_up)):
            continue
        if _IN_ADDRESS_BEFORE.search(text, max(0, start - 40), start) or _IN_ADDRESS_AFTER.match(text, end):
            continue
        titled = _TITLE.search(text, max(0, start - 30), start)
        if (titled or _NO_NAME.fullmatch(words)) and not _is_known(words, look_up):
            continue
        reached = end
        yield Mention(start, end, words)


def _whole_name(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the name that a piece belongs to: whole words, with the capitals that belong, without small letters."""
    if before := _LEFT_OF_WORD.search(text, max(0, start - 30), start):
        start = before.start()
    if (text[end - 1 : end].isalnum() and (after := _RIGHT_OF_WORD.match(text, end))) or (
        text[end - 1 : end] in ("-", "'", "’") and (after := _RIGHT_OF_WORD.match(text, end))
    ):
        end = after.end()
    if lead := _SMALL_BEFORE.search(text[start:end]):
        start += lead.end()
    if text[start : start + 1].isupper():
        end -= len(text[start:end]) - len(_SMALL_AFTER.sub("", text[start:end]))
        if after := _SIDE_AFTER.match(text, end):
            end = after.end()
        if before := _QUALITY.search(text, max(0, start - 12), start):
            start = before.start()
        if after := _KIND.match(text, end):
            end = after.end()
    if text[start:end].endswith(("'s", "’s", "'S", "’S")):
        end -= 2
    if text[start : start + 1].isupper() and (after := _SMALL_KIND.match(text, end)):
        end = after.end()
    return start, end


def _apart(text: str, tag: Tag, look_up: LookUp) -> Iterator[Tag]:
    """The tag, or its parts where it goes over a paragraph's end or holds two names, each of them known."""
    start = tag.start
    for gap in _PARAGRAPH.finditer(text, tag.start, tag.end):
        yield replace(tag, start=start, end=gap.start())
        start = gap.end()
    if start > tag.start and not _is_known(text[start : tag.end], look_up):
        return
    both = _AND.search(text, start, tag.end)
    names = (text[start : both.start()], text[both.end() : tag.end]) if both else ()
    if (
        both
        and all(map(_is_name, names))
        and not _is_known(text[start : tag.end], look_up)
        and all(_is_known(n, look_up) for n in names)
    ):
        yield replace(tag, start=start, end=both.start())
        start = both.end()
    if start < tag.end:
        yield replace(tag, start=start)


def _is_name(words: str) -> bool:
    return words[:1].isupper() and "\n" not in words


def _known_whole(text: str, start: int, end: int, look_up: LookUp) -> tuple[int, int]:
    """The longest name in the gazetteer that begins or goes on in the words with capitals around."""
    name = text[start:end]
    if not name[:1].isupper():
        return start, end
    one = _MORE_AFTER.match(text, end)
    two = _MORE_AFTER.match(text, one.end()) if one else None
    before = _MORE_BEFORE.search(text, max(0, start - 40), start)
    for first in dict.fromkeys((before.start() if before else start, start)):
        for last in dict.fromkeys((two.end() if two else end, one.end() if one else end, end)):
            if (first, last) == (start, end):
                continue
            whole = text[first:last]
            if any(c.match == "exact" and (c.kind != "place" or c.is_main) for c in look_up(whole)[:1]):
                return first, last
    return start, end


def _is_known(words: str, look_up: LookUp) -> bool:
    return any(candidate.match == "exact" for candidate in look_up(words)[:1]) or bool(countries_of(words))


def _is_people(words: str) -> bool:
    pattern, _ = demonyms()
    return pattern.fullmatch(words) is not None


def _is_acronym(words: str, look_up: LookUp) -> bool:
    """`OCHA`, `IFRC`: an organisation, unless it stands for a country (`DRC`) or a city in capitals (`GOMA`)."""
    if not (words.isupper() and words.isalpha() and words.isascii() and len(words) <= 6):
        return False
    candidates = look_up(words)
    best = candidates[0] if candidates and candidates[0].match == "exact" else None
    return best is None or not (best.kind == "country" or (best.is_main and best.population >= CITY_POPULATION))


def _belongs_to_a_name(text: str, mention: Mention) -> bool:
    before = text[max(0, mention.start - 40) : mention.start]
    return bool(_TITLE.search(before) or _OF_ORGANISATION.search(before) or _THEN_ORGANISATION.match(text, mention.end))


def _countries_in(words: str, offset: int, look_up: LookUp, may_be_country: Callable[[str], bool]) -> Iterable[Mention]:
    if _is_country(words, look_up, may_be_country) and words not in _NOT_ALONE:
        if len(words) > 3:
            yield Mention(offset, offset + len(words), words)
        return
    for match in _CAPITALISED.finditer(words):
        word = match.group()
        if word in _NOT_ALONE or len(word) < 4:
            continue
        if (found := _is_country(word, look_up, may_be_country)) and found.is_main:
            yield Mention(offset + match.start(), offset + match.end(), word)


def _is_country_alone(text: str, tag: Tag, look_up: LookUp, may_be_country: Callable[[str], bool]) -> bool:
    """An actor that is a country by its name and no more is a place all the same: `Yemen`, `the United Kingdom`."""
    name = text[tag.start : tag.end].removeprefix("the ")
    return name[:1].isupper() and _is_country(name, look_up, may_be_country) is not None


def _is_country(name: str, look_up: LookUp, may_be_country: Callable[[str], bool]) -> Candidate | None:
    candidates = look_up(name) if may_be_country(name) else ()
    best = candidates[0] if candidates else None
    return best if best and best.kind == "country" and best.match == "exact" else None


@cache
def demonyms() -> tuple[re.Pattern[str], dict[str, str]]:
    """Words for the people of a country, as a pattern and with the country of each."""
    data = tomllib.loads(files("pipeline.extract").joinpath("demonyms.toml").read_text(encoding="utf-8"))
    countries = {word: iso2 for iso2, words in data.items() for word in words}
    words = "|".join(sorted(map(re.escape, countries), key=len, reverse=True))
    return re.compile(rf"\b({words})s?\b"), countries


def countries_of_people(text: str) -> set[str]:
    """Countries whose people a text names: `Malian soldiers`."""
    pattern, countries = demonyms()
    return {countries[word] for word in pattern.findall(text)}
