"""GeoJSON (RFC 7946): a Feature for every place mentioned; without coordinates its geometry is null."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.interchange import Document, decided, urgency


def feature_collection(documents: Iterable[Document]) -> dict[str, Any]:
    """All places of the documents; positions are longitude, latitude in WGS 84, as the RFC asks."""
    return {"type": "FeatureCollection", "features": [f for document in documents for f in features(document)]}


def features(document: Document) -> list[dict[str, Any]]:
    """The places of one report; `precision` says how near the point is to what was meant."""
    return [
        {
            "type": "Feature",
            "id": f"{document['report']}:{place['start']}",
            "geometry": None
            if place["lat"] is None
            else {"type": "Point", "coordinates": [place["lon"], place["lat"]]},
            "properties": {
                "report": document["report"],
                "report_date": document["report_date"],
                "mention": place["text"],
                "name": place["name"],
                "geonames_id": place["geonames_id"],
                "iso2": place["iso2"],
                "precision": place["precision"],
                "urgency": urgency(document),
                "violations": decided(document),
            },
        }
        for place in document["places"]
    ]
