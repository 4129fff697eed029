"""Cards of the corpora: who publishes them, on what terms, how many, and what their labels mean to us.

>>> card("hrdsattack").labels["torture"]
('torture_ill_treatment',)
>>> violations(card("satp"), {"kidnapping"})["enforced_disappearance"]
1.0

A card is a TOML file under `registry/`. Labels that a card does not map say nothing: they are unknown, not negative.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.taxonomy import load_taxonomy

TIERS = ("ours", "labels ours, texts outside", "A", "B")
DOUBTFUL = {True: 0.8, False: 0.2}
"""What is taught where a careful colleague could differ: reported, and not reported."""


@dataclass(frozen=True)
class Card:
    """What is known of a corpus.

    `labels` maps the corpus's own label to the violations that it asserts; `doubtful` to those that it
    makes likely. `always` holds in every text, `never` in none. For the violations in `complete` the
    corpus's silence means no; for all others it means unknown. `minimum` and `maximum` bound the number
    of examples: a file that holds more or fewer is not the file that the card describes.
    """

    name: str
    title: str
    publisher: str
    licence: str
    tier: str
    use: str
    cautions: str
    source: str = ""
    citation: str = ""
    mapping: str = ""
    minimum: int = 0
    maximum: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubtful: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()


def card(name: str) -> Card:
    """The card called `name`; ConfigurationError where there is none."""
    if (found := cards().get(name)) is None:
        raise ConfigurationError(f"there is no corpus {name!r}; corpora: {', '.join(cards())}")
    return found


@cache
def cards() -> Mapping[str, Card]:
    """All cards by name, each one checked."""
    folder = files("corpora").joinpath("registry")
    found = {}
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.endswith(".toml"):
            name = path.name.removesuffix(".toml")
            found[name] = read_card(name, path.read_text(encoding="utf-8"))
    return found


def read_card(name: str, text: str) -> Card:
    """A card from its TOML; ConfigurationError with file and key where it is malformed."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"registry/{name}.toml: {error}") from error
    known = {f.name for f in fields(Card)} - {"name"}
    if unknown := sorted(set(data) - known):
        raise ConfigurationError(f"registry/{name}.toml: unknown key {unknown[0]!r}; keys: {', '.join(sorted(known))}")
    for key in ("title", "publisher", "licence", "tier", "use", "cautions"):
        if not str(data.get(key, "")).strip():
            raise ConfigurationError(f"registry/{name}.toml: {key} is missing")
    if data["tier"] not in TIERS:
        raise ConfigurationError(f"registry/{name}.toml: tier {data['tier']!r} is none of {', '.join(TIERS)}")
    made = Card(name=name, **{key: _frozen(value) for key, value in data.items()})
    if not 0 <= made.minimum <= made.maximum:
        raise ConfigurationError(f"registry/{name}.toml: minimum {made.minimum} is over maximum {made.maximum}")
    mapped = [v for table in (made.labels, made.doubtful) for targets in table.values() for v in targets]
    for violation in (*mapped, *made.always, *made.never, *made.complete):
        if violation not in load_taxonomy().violation_ids:
            raise ConfigurationError(f"registry/{name}.toml: {violation!r} is no violation of the taxonomy")
    if both := sorted(set(made.never) & {*mapped, *made.always}):
        raise ConfigurationError(f"registry/{name}.toml: {both[0]!r} stands under never and is asserted")
    return made


def violations(card: Card, codes: Iterable[str]) -> dict[str, float]:
    """What a text's own labels say of our violations: 1 reported, 0 not reported, absent unknown."""
    codes = set(codes)
    values = dict.fromkeys((*card.never, *card.complete), 0.0)
    values |= {v: DOUBTFUL[True] for code in codes for v in card.doubtful.get(code, ())}
    values |= {v: 1.0 for code in codes for v in card.labels.get(code, ())}
    return values | dict.fromkeys(card.always, 1.0)


def check_count(card: Card, count: int) -> None:
    """ConfigurationError where a corpus holds more or fewer examples than its card says."""
    if card.maximum and not card.minimum <= count <= card.maximum:
        raise ConfigurationError(
            f"{card.name}: {count} examples, and its card says {card.minimum} to {card.maximum}: "
            f"compare your copy with corpora/registry/{card.name}.toml"
        )


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, dict) else value
