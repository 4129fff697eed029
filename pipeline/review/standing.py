"""The mentions that stand on a report: those that the model found, or what a person made of them, told apart.

>>> found = {"places": [{"start": 0, "end": 3, "name": "Gao"}, {"start": 10, "end": 15, "name": "Mopti"}], "actors": [], "dates": []}
>>> word = {"by": "ada", "spans": [{"start": 0, "end": 3, "kind": "place"}, {"start": 20, "end": 23, "kind": "place"}]}
>>> stands = standing(found, word, "Gao, then Mopti, at Gao.")
>>> [(p["start"], p["name"], p["said_by"]) for p in stands.places], [p["name"] for p in stands.removed]
([(0, 'Gao', None), (20, 'Gao', 'ada')], ['Mopti'])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Mention = dict[str, Any]
_NOWHERE = {
    "name": None,
    "geonames_id": None,
    "iso2": None,
    "lat": None,
    "lon": None,
    "precision": None,
    "reason": None,
}
"""What is known of a place that the gazetteer was not asked for."""


@dataclass(frozen=True)
class Standing:
    """Mentions as results hold them, each with `text` and `said_by`: who marked it, or None where the model found it.

    `removed` are the places that the model found and a person took away.
    """

    places: list[Mention] = field(default_factory=list)
    actors: list[Mention] = field(default_factory=list)
    dates: list[Mention] = field(default_factory=list)
    removed: list[Mention] = field(default_factory=list)


def standing(found: Mapping[str, Any], word: Mapping[str, Any] | None, text: str) -> Standing:
    """The mentions of an assessment's body or result as a person's `word` leaves them; without one, as they were found.

    A place that somebody marked lies where the model put one of the same words; where it found none, nowhere.
    """
    known = {
        (kind, m["start"], m["end"]): m | {"text": text[m["start"] : m["end"]], "said_by": None}
        for kind in ("place", "actor", "date")
        for m in found[f"{kind}s"]
    }
    spans = word.get("spans") if word else None
    if word is None or spans is None:
        return Standing(*([m for key, m in known.items() if key[0] == kind] for kind in ("place", "actor", "date")))
    made = Standing()
    named = {m["text"]: m for key, m in known.items() if key[0] == "place"}
    for span in spans:
        words = text[span["start"] : span["end"]]
        said = {"start": span["start"], "end": span["end"], "text": words, "said_by": word["by"]}
        mine = known.pop((span["kind"], span["start"], span["end"]), None)
        if span["kind"] == "place":
            made.places.append(mine or {**named.get(words, _NOWHERE), **said})
        elif span["kind"] == "date":
            made.dates.append(mine or {"iso": None, **said})
        else:
            what = {"type": span["type"], "role": span.get("role")}
            as_found = mine is not None and all(mine[part] == value for part, value in what.items())
            made.actors.append(mine if mine and as_found else {"canonical": None, **(mine or {}), **said, **what})
    made.removed.extend(m for key, m in known.items() if key[0] == "place")
    return made
