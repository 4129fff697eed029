"""Organisations by name: which entity a name means, with its aliases, dates, parent and country.

>>> load_organisations().named("MONUC").name
'United Nations Organization Mission in the Democratic Republic of the Congo'
>>> load_organisations().named("RSF") is None                        # two bear that name
True
>>> load_organisations().named("RSF", type_="ngo").name
'Reporters Without Borders'
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError

SHORT = 5  # letters: up to here an alias is an acronym, and `WHO` is not `who`
# Also ordinary words, countries or languages: only the encoder can tell.
_NOT_ALONE = {"Amnesty", "DRC", "PAM", "UA", "AP", "AU", "SAF", "WHO", "Dabanga", "NAS", "SMM", "Wagner"}
_KEYS = {"name", "aliases", "type", "country", "since", "until", "parent"}
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Organisation:
    """An entity of the lexicon. `since` and `until` are the first and last month, `YYYY-MM`, that it bore this name."""

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    country: str | None = None
    since: str | None = None
    until: str | None = None
    parent: str | None = None

    def existed(self, day: date) -> bool:
        month = f"{day:%Y-%m}"
        return (self.since or "") <= month <= (self.until or "9999-12")


@dataclass(frozen=True)
class Organisations:
    """All entities, by the key of each of their names."""

    by_key: Mapping[str, tuple[Organisation, ...]]
    written: re.Pattern[str]

    def mentioned(self, text: str) -> list[tuple[int, int]]:
        """Bounds of the names in a text, as they are written in the lexicon; none where all of it is in capitals."""
        return [] if text.isupper() else [match.span() for match in self.written.finditer(text)]

    def named(
        self, name: str, *, type_: str | None = None, country: str | None = None, day: date | None = None
    ) -> Organisation | None:
        """The entity that bears this name; None where there is none, or more than one that nothing tells apart.

        A name that was no longer, or not yet, in use on `day` is still that entity's where no other bears it: reports
        look back.
        """
        found = list(self.by_key.get(_key(name), ()))
        tests = (
            lambda o: day is None or o.existed(day),
            lambda o: country is not None and o.country == country,
            lambda o: o.type == type_,
        )
        for test in tests:
            if len(found) > 1:
                found = [o for o in found if test(o)] or found
        return found[0] if found and len({o.name for o in found}) == 1 else None


def _key(name: str) -> str:
    plain = re.sub(r"^the\s+", "", " ".join(name.split()).strip(" .,;:'\"“”’"), flags=re.I)
    plain = re.sub(r"\b(?:[A-Z]\.){2,}", lambda m: m.group().replace(".", ""), plain + ".").rstrip(".")
    return plain if len(plain) <= SHORT else plain.casefold()


@cache
def load_organisations(path: Path | None = None) -> Organisations:
    """The lexicon at `path`, or the one that ships with Sitrep; ConfigurationError names the entry that is wrong."""
    source = path or files("pipeline.extract").joinpath("organisations.toml")
    try:
        entries = tomllib.loads(source.read_text(encoding="utf-8"))["organisation"]
        found = [_organisation(entry) for entry in entries]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{source}: not a valid lexicon of organisations: {error}") from error
    names = {organisation.name for organisation in found}
    by_key: dict[str, tuple[Organisation, ...]] = {}
    for organisation in found:
        if organisation.parent and organisation.parent not in names:
            raise ConfigurationError(
                f"{source}: {organisation.name}: its parent {organisation.parent!r} is not in the list"
            )
        for key in {_key(name) for name in (organisation.name, *organisation.aliases)}:
            by_key[key] = (*by_key.get(key, ()), organisation)
    forms = {form for organisation in found for form in (organisation.name, *organisation.aliases)}
    words = "|".join(re.escape(form) for form in sorted(forms - _NOT_ALONE, key=len, reverse=True))
    return Organisations(by_key, re.compile(rf"(?<![\w.-])(?=[^\W\d_a-z])(?:{words})(?![\w-]|\.\w)"))


def _organisation(entry: Mapping[str, Any]) -> Organisation:
    if unknown := entry.keys() - _KEYS:
        raise ValueError(f"{entry.get('name')}: unknown key {sorted(unknown)[0]!r}")
    for key in ("since", "until"):
        if key in entry and not _MONTH.fullmatch(entry[key]):
            raise ValueError(f"{entry['name']}: {key} is not YYYY-MM")
    return Organisation(**{**entry, "aliases": tuple(entry.get("aliases", ()))})
