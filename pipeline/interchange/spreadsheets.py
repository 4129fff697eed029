"""Flat tables for other tools: HXL-tagged CSV (hxlstandard.org) and CSV for Uwazi's import. Cells never run as formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, TextIO

from pipeline.interchange import Document, decided, urgency
from pipeline.tables import safe_cell

HXL = {
    "id": "#meta+id",
    "report_date": "#date+reported",
    "country": "#country+code+v_iso2",
    "place": "#loc+name",
    "lat": "#geo+lat",
    "lon": "#geo+lon",
    "precision": "#geo+precision",
    "violations": "#event+type+list",
    "urgency": "#severity",
    "actors": "#org+list",
}


def write_hxl(documents: Iterable[Document], stream: TextIO) -> int:
    """A row a report under the row of tags; how many reports. The place is the first with coordinates."""
    writer = csv.writer(stream)
    writer.writerows([list(HXL), list(HXL.values())])
    count = 0
    for count, document in enumerate(documents, 1):  # noqa: B007
        place: dict[str, Any] = next((p for p in document["places"] if p["lat"] is not None), {})
        row = (
            document["id"], document["report_date"], place.get("iso2"), place.get("name"), place.get("lat"),
            place.get("lon"), place.get("precision"), "|".join(decided(document)), urgency(document), _actors(document),
        )  # fmt: skip
        writer.writerow([safe_cell("" if cell is None else cell) for cell in row])
    return count


def write_uwazi(documents: Iterable[Document], stream: TextIO) -> int:
    """A row an entity as Uwazi's CSV import takes it: lists with `|`, a position as `lat|lon`; how many."""
    writer = csv.writer(stream)
    writer.writerow(
        ["title", "report_id", "date", "violations", "urgency", "geolocation_geolocation", "actors", "text"]
    )
    count = 0
    for count, document in enumerate(documents, 1):  # noqa: B007
        place = next((p for p in document["places"] if p["lat"] is not None), None)
        row = (
            f"Report {document['id']}", document["report"], document["report_date"], "|".join(decided(document)),
            urgency(document), f"{place['lat']}|{place['lon']}" if place else "", _actors(document), document["text"],
        )  # fmt: skip
        # A position begins with a sign in the south; it is no formula.
        writer.writerow([cell if i == 5 else safe_cell("" if cell is None else cell) for i, cell in enumerate(row)])
    return count


def _actors(document: Document) -> str:
    return "|".join(
        dict.fromkeys(" ".join(str(a["canonical"] or a["text"]).replace("|", "/").split()) for a in document["actors"])
    )
