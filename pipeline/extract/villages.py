"""Names that tell a country though the gazetteer does not hold them: `villages.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pipeline.extract.names import name_key


@cache
def _countries() -> dict[str, frozenset[str]]:
    data = tomllib.loads(files("pipeline.extract").joinpath("villages.toml").read_text(encoding="utf-8"))
    found: dict[str, frozenset[str]] = {}
    for iso2, names in data.items():
        for name in names:
            found[name_key(name)] = found.get(name_key(name), frozenset()) | {iso2}
    return found


def countries_of(name: str) -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes of the countries that have a place of this name; empty where none is known.

    >>> sorted(countries_of("Walikale"))
    ['CD']
    """
    return _countries().get(name_key(name), frozenset())
