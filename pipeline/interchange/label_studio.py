"""Label Studio: tasks with the model's word as predictions, and its JSON export back as reviews.

Offsets are code points, as Label Studio stores them since 1.5; exports of older versions count UTF-16 code units
after an emoji, which shows in the quoted text and is mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.errors import InputRefused
from pipeline.interchange import Document, Review, decided, spans, urgency

TYPES, LEVEL, MENTIONS, TEXT = "violations", "urgency", "mentions", "text"


def config(*, violations: Sequence[str], urgencies: Sequence[str]) -> str:
    """The labelling configuration of a project that the tasks fit."""

    def choices(name: str, values: Sequence[str], choice: str) -> str:
        inner = "".join(f'<Choice value="{value}"/>' for value in values)
        return f'<Choices name="{name}" toName="{TEXT}" choice="{choice}">{inner}</Choices>'

    labels = "".join(f'<Label value="{kind}"/>' for kind in ("place", "actor", "date"))
    return (
        f'<View><Labels name="{MENTIONS}" toName="{TEXT}">{labels}</Labels><Text name="{TEXT}" value="$text"/>'
        f"{choices(TYPES, violations, 'multiple')}{choices(LEVEL, urgencies, 'single')}</View>"
    )


def task(document: Document) -> dict[str, Any]:
    """A report as a task with one prediction."""
    level = urgency(document)
    result = [_choices(TYPES, decided(document)), *([_choices(LEVEL, [level])] if level else [])]
    for number, span in enumerate(spans(document)):
        value = {
            "start": span["start"], "end": span["end"], "text": document["text"][span["start"] : span["end"]],
            "labels": [span["kind"]],
        }  # fmt: skip
        meta = {key: span[key] for key in ("type", "role") if span.get(key)}
        result.append(
            {"id": f"m{number}", "from_name": MENTIONS, "to_name": TEXT, "type": "labels", "value": value, "meta": meta}
        )
    return {
        "data": {"text": document["text"], "report": document["report"], "sha256": document["sha256"]},
        "predictions": [{"model_version": document["model"], "result": result}],
    }


def reviews(exported: Sequence[dict[str, Any]]) -> list[Review]:
    """What people annotated, of Label Studio's JSON export; InputRefused where it is none."""
    try:
        return [_review(task, said) for task in exported for said in task.get("annotations", ())
                if not said.get("was_cancelled")]  # fmt: skip
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise InputRefused(
            "unknown_layout", f"this is no JSON export of Label Studio ({type(error).__name__})"
        ) from None


def _review(task: dict[str, Any], said: dict[str, Any]) -> Review:
    text, types, level, marked = task["data"]["text"], [], None, []
    for part in said["result"]:
        value = part["value"]
        if part["from_name"] == TYPES:
            types = list(value["choices"])
        elif part["from_name"] == LEVEL:
            level = value["choices"][0]
        elif part["from_name"] == MENTIONS:
            start, end = code_points(text, value["start"], value["end"], value.get("text"))
            meta = {key: part["meta"][key] for key in ("type", "role") if key in part.get("meta", {})}
            marked.append({"start": start, "end": end, "kind": value["labels"][0], **meta})
    if level is None:
        raise InputRefused("missing_urgency", f"report {task['data']['report']}: an annotation names no urgency")
    who = said.get("completed_by", "label-studio")
    who = who.get("email", who.get("id")) if isinstance(who, dict) else who
    return Review(task["data"]["report"], str(who), tuple(types), level, tuple(marked))


def code_points(text: str, start: int, end: int, quoted: str | None) -> tuple[int, int]:
    """The span as code points: as it stands, unless only its reading as UTF-16 units matches the quoted text."""
    if quoted is None or text[start:end] == quoted:
        return start, end
    units = text.encode("utf-16-le")
    first = len(units[: 2 * start].decode("utf-16-le", errors="ignore"))
    last = len(units[: 2 * end].decode("utf-16-le", errors="ignore"))
    if text[first:last] == quoted:
        return first, last
    raise InputRefused("bad_span", f"a span from {start} to {end} does not hold the text that it quotes")


def _choices(name: str, values: Sequence[str]) -> dict[str, Any]:
    return {"from_name": name, "to_name": TEXT, "type": "choices", "value": {"choices": list(values)}}
