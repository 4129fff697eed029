"""Corrections on their way out and in: as training examples with provenance, and from other tools' files."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

import corpora
from corpora import Example
from corpora.schema import KINDS, Span, text_hash
from pipeline.errors import ConfigurationError, InputRefused, NotFound
from pipeline.interchange import Review, argilla, label_studio
from pipeline.results import ROWS_AT_A_TIME, report_results
from pipeline.store import corrections, reports
from pipeline.taxonomy import load_taxonomy

READERS = {"label-studio": label_studio.reviews, "argilla": argilla.reviews}
CODES = {name: kind for kind, name in KINDS.items()}


def corrected(
    connection: Connection, *, include: Collection[str] | None = None, exclude: Collection[str] = ()
) -> list[Example]:
    """The word in force on every report that a person reviewed, as fully labelled examples, by report id.

    `include` keeps only these reports, `exclude` leaves some out (ids of ours). A text of a held-out set of ours is
    never among them: it would be trained on and tested on. Provenance: `source` tells a correction from an
    adjudication, `group` is the batch.
    """
    held_out = {e.sha256 for e in corpora.load("authored") if corpora.split(e) != "train"}
    violations = load_taxonomy().violation_ids
    standing = corrections.standing(list(corrections.verdicts(connection)))
    asked = sorted(ident for ident in standing if ident not in exclude and (include is None or ident in include))
    made = []
    for start in range(0, len(asked), ROWS_AT_A_TIME):
        found = reports.by_id(connection, asked[start : start + ROWS_AT_A_TIME])
        for ident, (_, report) in sorted(found.items()):
            if not report.text or text_hash(report.text) in held_out:  # without a text it was erased
                continue
            verdict = standing[ident]
            made.append(
                Example(
                    id=ident,
                    text=report.text,
                    source="adjudications" if verdict.adjudicated else "corrections",
                    group=report.batch,
                    report_date=report.report_date,
                    country=report.country,
                    violations={v: float(v in verdict.violations) for v in violations},
                    urgency=verdict.urgency,
                    spans=_spans(verdict.spans or ()),
                    annotated_kinds=frozenset() if verdict.spans is None else frozenset(KINDS),
                )
            )
    return made


def hidden(
    connection: Connection, examples: Sequence[Example], hide: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> Iterator[Example | None]:
    """The examples as their pseudonymised documents have them, in order; None for one that has to be left out."""
    for start in range(0, len(examples), ROWS_AT_A_TIME):
        chunk = examples[start : start + ROWS_AT_A_TIME]
        found = reports.by_id(connection, [example.id for example in chunk])
        results = report_results(connection, [seq for seq, _ in found.values()])
        for example in chunk:
            seq, report = found[example.id]
            shown = hide({**results[seq], "text": report.text}) if seq in results else None
            if shown is None:
                yield None
                continue
            spans = _spans(shown["reviewed"].get("spans") or ())
            yield replace(example, id=shown["report"], group=shown["batch"], text=shown["text"], spans=spans)


def _spans(marked: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(Span(s["start"], s["end"], CODES[s["kind"]], type=s.get("type"), role=s.get("role")) for s in marked)


def read_reviews(path: Path, *, tool: str) -> list[Review]:
    """The reviews in a file that another tool exported."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(x) for x in text.splitlines() if x.strip()]
        )
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file") from None
    except ValueError:
        raise InputRefused("not_json", f"{path} is neither JSON nor JSON Lines") from None
    return READERS[tool](values)


def add_reviews(connection: Connection, found: Sequence[Review], *, tool: str, now: datetime) -> dict[str, int]:
    """Record reviews as corrections; how many were added, were there already, or were of unknown reports.

    All or nothing: InputRefused where one names a type, level or span that there is none of.
    """
    counts = {"added": 0, "known": 0, "unknown_reports": 0}
    taxonomy = load_taxonomy()
    present = {
        (v.report, v.by, frozenset(v.violations), v.urgency, _key(v.spans)) for v in corrections.verdicts(connection)
    }
    for review in found:
        try:
            seq, report = reports.find(connection, review.report)
        except NotFound:
            counts["unknown_reports"] += 1
            continue
        if set(review.violations) - set(taxonomy.violation_ids) or review.urgency not in taxonomy.urgency_ids:
            raise InputRefused(
                "unknown_label", f"a review of report {report.id} names a type or level that there is none of"
            )
        if not all(corrections.span_fits(s, report.text) for s in review.spans or ()):
            raise InputRefused("bad_span", f"a review of report {report.id} marks what is not in its text")
        who = f"{review.by} ({tool})"
        if (report.id, who, frozenset(review.violations), review.urgency, _key(review.spans)) in present:
            counts["known"] += 1
            continue
        corrections.add(
            connection, seq, reviewer=who, violations=review.violations, urgency=review.urgency, note=review.note,
            assessment=None, now=now, spans=review.spans,
        )  # fmt: skip
        counts["added"] += 1
    return counts


def _key(spans: Sequence[dict[str, object]] | None) -> str:
    return json.dumps(spans, sort_keys=True)
