"""Two reports of the same event: what was found in each, and which of it the other does not say.

>>> mine, theirs = [Fact("killed", "killed 5")], [Fact("killed", "killed 7"), Fact("injured", "injured 2")]
>>> [(f.words, f.against) for f in held_against(theirs, mine)]
[('killed 7', 'differs'), ('injured 2', 'only here')]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pipeline.taxonomy import Taxonomy


@dataclass(frozen=True)
class Fact:
    """What a report says of one `subject`, and how it stands against the other report.

    Whom a figure counts is not compared: civilians in one report and villagers in the other is no contradiction. `said_by` is
    the person whose word it is, where the model did not find it.
    """

    subject: str
    words: str
    who: str = field(default="", compare=False)
    said_by: str | None = field(default=None, compare=False)
    against: Literal["same", "differs", "only here"] = "same"


@dataclass(frozen=True)
class Line:
    """One kind of facts in the two reports."""

    name: str
    mine: list[Fact]
    theirs: list[Fact]


def compare(mine: Mapping[str, Any], theirs: Mapping[str, Any], *, taxonomy: Taxonomy) -> list[Line]:
    """Two sheets line by line: figures, dates, places, types and urgency."""
    one, other = _facts(mine, taxonomy), _facts(theirs, taxonomy)
    return [Line(name, held_against(one[name], other[name]), held_against(other[name], one[name])) for name in one]


def held_against(facts: Sequence[Fact], others: Sequence[Fact]) -> list[Fact]:
    """The facts, each with whether the others say the same, something else of its subject, or nothing of it."""
    disputed = {fact.subject for fact in others if fact not in facts}
    return [
        fact if fact in others else replace(fact, against="differs" if fact.subject in disputed else "only here")
        for fact in facts
    ]


def _facts(sheet: Mapping[str, Any], taxonomy: Taxonomy) -> dict[str, list[Fact]]:
    """What a sheet says, each fact once, by the name of its line."""
    result, types, word = sheet["result"], sheet["decided"] - sheet["hidden"], sheet["word"]
    person, level = word["by"] if word else None, (result["urgency"] or {}).get("id")
    found_types = {v["id"] for v in result["violations"] if v["decided"]}
    found = {
        "Figures": [_figure(count) for count in result["counts"]],
        "Dates": [Fact(on := when["iso"] or when["text"], on, said_by=when["said_by"]) for when in result["dates"]],
        "Places": [_place(place) for place in result["places"]],
        "Types": [
            Fact(v.id, v.name, said_by=None if v.id in found_types else person)
            for v in taxonomy.violations
            if v.id in types
        ],
        "Urgency": [
            Fact("urgency", sheet["urgency"] or "undecided", said_by=None if sheet["urgency"] == level else person)
        ],
    }
    return {name: list(dict.fromkeys(facts)) for name, facts in found.items()}


def _figure(count: Mapping[str, Any]) -> Fact:
    most = "more" if count["high"] is None else count["high"]
    number = count["low"] if count["low"] == count["high"] else f"{count['low']} to {most}"
    return Fact(count["kind"], f"{count['kind'].replace('_', ' ')} {number}", count["who"])


def _place(place: Mapping[str, Any]) -> Fact:
    if place["name"] is None:
        return Fact(place["text"].casefold(), place["text"], said_by=place["said_by"])
    return Fact(
        str(place["geonames_id"] or place["name"]),
        ", ".join(part for part in (place["name"], place["iso2"]) if part),
        said_by=place["said_by"],
    )
