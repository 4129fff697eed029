"""FollowTheMoney: a report as an Event, with the places (Address) and named actors that it mentions.

https://followthemoney.tech: for Aleph and OpenSanctions. Nobody is accused by an entity: actors are mentioned, and
only organised ones that the lexicon names become entities of their own.
"""

from __future__ import annotations

import hashlib
from typing import Any

from pipeline.interchange import Document, decided, urgency

Entity = dict[str, Any]
STATE = ("state_armed_forces", "police", "government")


def entities(document: Document) -> list[Entity]:
    """The entities of one report, each an object of a line of Aleph's JSON Lines."""
    places = [_place(p) for p in document["places"] if p["name"] and p["iso2"]]
    actors = [_actor(a) for a in document["actors"] if a["canonical"]]
    properties: dict[str, list[str]] = {
        "name": [f"Report {document['id']}"],
        "summary": ["; ".join(decided(document)) or "no violation"],
        "keywords": [*decided(document), *([f"urgency: {urgency(document)}"] if urgency(document) else [])],
        "recordId": [document["report"]],
        "addressEntity": sorted({p["id"] for p in places}),
        "involved": sorted({a["id"] for a in actors}),
        "country": sorted({p["iso2"].lower() for p in document["places"] if p["iso2"]}),
        "date": sorted({d["iso"][:10] for d in document["dates"] if d["iso"]})
        or ([document["report_date"]] if document["report_date"] else []),
    }
    event = {
        "id": _id("event", document["report"]),
        "schema": "Event",
        "properties": {key: values for key, values in properties.items() if values},
    }
    unique = {entity["id"]: entity for entity in (event, *places, *actors)}
    return list(unique.values())


def _place(place: dict[str, Any]) -> Entity:
    properties = {"full": [place["name"]], "country": [place["iso2"].lower()]}
    if place["lat"] is not None:
        properties |= {"latitude": [str(place["lat"])], "longitude": [str(place["lon"])]}
    key = str(place["geonames_id"] or f"{place['iso2']}/{place['name']}")
    return {"id": _id("place", key), "schema": "Address", "properties": properties}


def _actor(actor: dict[str, Any]) -> Entity:
    schema = "PublicBody" if actor["type"] in STATE else "Organization"
    return {"id": _id("actor", actor["canonical"]), "schema": schema, "properties": {"name": [actor["canonical"]]}}


def _id(kind: str, key: str) -> str:
    return f"sitrep-{kind}-{hashlib.sha256(key.encode()).hexdigest()[:20]}"
