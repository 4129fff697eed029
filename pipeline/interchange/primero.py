"""Primero v2: a report as an incident record, as its API takes it (POST /api/v2/incidents)."""

from __future__ import annotations

from typing import Any

from pipeline.interchange import Document, decided, urgency


def incident(document: Document) -> dict[str, Any]:
    """One incident of the `mrm` module. Names of fields that an installation changed have to be mapped there."""
    placed = next((p for p in document["places"] if p["name"]), None)
    dates = sorted(d["iso"][:10] for d in document["dates"] if d["iso"])
    return {
        "data": {
            "module_id": "primeromodule-mrm",
            "unique_id": document["report"],
            "external_id": document["id"],
            "date_of_first_report": document["report_date"],
            "incident_date": dates[0] if dates else None,
            "incident_location": placed["name"] if placed else None,
            "incident_country": placed["iso2"] if placed else None,
            "incident_description": document["text"],
            "violation_category": decided(document),
            "urgency": urgency(document),
            "record_state": True,
        }
    }
