"""Argilla 2: settings of a dataset, records with suggestions, and records with responses back as reviews.

Offsets are code points, as Argilla's Python client takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.errors import InputRefused
from pipeline.interchange import KINDS, Document, Review, decided, spans, urgency


def settings(*, violations: Sequence[str], urgencies: Sequence[str]) -> dict[str, Any]:
    """The fields and questions of the dataset."""

    def options(values: Sequence[str]) -> list[dict[str, str]]:
        return [{"value": value, "text": value.replace("_", " ")} for value in values]

    return {
        "guidelines": None,
        "allow_extra_metadata": True,
        "fields": [{"name": "text", "title": "Report", "required": True, "settings": {"type": "text"}}],
        "questions": [
            {"name": "violations", "title": "Types", "required": False,
             "settings": {"type": "multi_label_selection", "options": options(violations)}},
            {"name": "urgency", "title": "Urgency", "required": True,
             "settings": {"type": "label_selection", "options": options(urgencies)}},
            {"name": "mentions", "title": "Mentions", "required": False,
             "settings": {"type": "span", "field": "text", "options": options(list(KINDS.values()))}},
        ],
    }  # fmt: skip


def record(document: Document) -> dict[str, Any]:
    """A report as a record; what is in force as suggestions."""
    marked = [{"start": s["start"], "end": s["end"], "label": s["kind"]} for s in spans(document)]
    values = {"violations": decided(document), "urgency": urgency(document), "mentions": marked}
    return {
        "id": document["report"],
        "fields": {"text": document["text"]},
        "metadata": {"sha256": document["sha256"]},
        "suggestions": {
            name: {"value": value, "agent": document["model"]} for name, value in values.items() if value is not None
        },
        "responses": {},
    }


def reviews(records: Sequence[dict[str, Any]]) -> list[Review]:
    """What people submitted, of exported records; InputRefused where these are none."""
    try:
        return [review for record in records for review in _reviews(record)]
    except (AttributeError, KeyError, TypeError) as error:
        raise InputRefused("unknown_layout", f"these are no records of Argilla ({type(error).__name__})") from None


def _reviews(record: dict[str, Any]) -> list[Review]:
    said: dict[str, dict[str, Any]] = {}
    for question, responses in record["responses"].items():
        for response in responses:
            if response.get("status", "submitted") == "submitted":
                said.setdefault(str(response["user_id"]), {})[question] = response["value"]
    return [
        Review(
            record["id"], who, tuple(values.get("violations") or ()), values["urgency"],
            None if "mentions" not in values else tuple(
                {"start": s["start"], "end": s["end"], "kind": s["label"]} for s in values["mentions"] or ()
            ),
        )
        for who, values in said.items()
        if "urgency" in values
    ]  # fmt: skip
