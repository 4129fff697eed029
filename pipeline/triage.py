"""Triage of accepted reports: normalise, read, decide, extract, route, store; a chunk is one transaction at its end.

Nothing here depends on Prefect: the flow calls `triage_chunk` per chunk, and so does `sitrep run --direct`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from pipeline.classify import ReportModel, decide
from pipeline.errors import OperatorError
from pipeline.extract import Extractor
from pipeline.intake import Normalised, normalise
from pipeline.report import (
    Assessment,
    Entities,
    Evidence,
    QueueItem,
    Report,
    ViolationDecision,
)
from pipeline.route import Policy, route
from pipeline.store import Store, audit, queues, reports
from pipeline.store.documents import assessment_body
from pipeline.taxonomy import Taxonomy

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rooms:
    """What triage works with; loaded once per process and passed on."""

    model: ReportModel
    extractor: Extractor
    policy: Policy
    taxonomy: Taxonomy


@dataclass(frozen=True)
class ChunkResult:
    """What a chunk did: counts only, fit for a log, a Prefect result or an audit event."""

    triaged: int
    items: int
    failed: int

    def __add__(self, other: ChunkResult) -> ChunkResult:
        return ChunkResult(self.triaged + other.triaged, self.items + other.items, self.failed + other.failed)


NOTHING = ChunkResult(0, 0, 0)
PARTS = (None, 100, 10, 1, 1)
"""How many reports a transaction takes by how often their triage was begun without an end; past it none is read."""


def triage_chunk(
    store: Store, first: int, last: int, rooms: Rooms, *, now: Callable[[], datetime], actor: str = "triage"
) -> ChunkResult:
    """Triage the reports from `first` to `last` (sequence numbers) that still wait; again, it does nothing.

    Reports whose triage was begun before and did not end are taken in smaller parts, each a transaction, and at last
    one by one: where a report ends its process (a crash in a native library, no memory left), it is soon alone, and
    goes to manual review unread when it has had its last try.
    """
    with store.read() as connection:
        waiting = reports.begun(connection, first, last)
    total = NOTHING
    for part, read in _parts(waiting):
        total += _triage_part(store, part[0], part[-1], rooms, now=now, actor=actor, read=read)
    return total


def _parts(waiting: Mapping[int, int]) -> Iterator[tuple[list[int], bool]]:
    """Runs of reports that were begun as often, no longer than that allows, and whether they are to be read."""
    for begun, run in groupby(waiting, key=waiting.__getitem__):
        seqs = list(run)
        size = PARTS[min(begun, len(PARTS) - 1)] or len(seqs)
        for start in range(0, len(seqs), size):
            yield seqs[start : start + size], begun < len(PARTS)


def _triage_part(
    store: Store, first: int, last: int, rooms: Rooms, *, now: Callable[[], datetime], actor: str, read: bool
) -> ChunkResult:
    """Triage a part as a whole; where `read` is false its reports are sent to manual review as they are."""
    with store.write() as connection:
        loaded = reports.load(connection, reports.begin(connection, first, last))
    if not loaded:
        return NOTHING
    numbered = sorted(loaded.items())
    batch = [report for _, report in numbered]
    try:
        assessed, failed = (
            _assess_splitting(batch, rooms) if read else ([_unprocessed(report, rooms) for report in batch], len(batch))
        )
        items = [
            (seq, item)
            for (seq, report), assessment in zip(numbered, assessed, strict=True)
            for item in route(report, assessment, rooms.policy, taxonomy=rooms.taxonomy)
        ]
        return _record(store, numbered, assessed, items, rooms, now=now(), failed=failed, actor=actor)
    except (OperatorError, KeyboardInterrupt):  # none of them the reports' fault
        with suppress(OperatorError), store.write() as connection:
            reports.begin(connection, first, last, times=-1)
        raise


def assess(batch: Sequence[Report], rooms: Rooms) -> list[Assessment]:
    """Assessments of reports, in order; pure: the same reports, model and policy give the same result."""
    texts = [normalise(report.text) for report in batch]
    known = [i for i, report in enumerate(batch) if report.language is None or report.language in rooms.model.languages]
    readings = dict(zip(known, rooms.model.read([texts[i].text for i in known]), strict=True))
    entities = rooms.extractor.extract(
        [text.text for text in texts],
        tags=[readings[i].tags if i in readings else () for i in range(len(batch))],
        report_dates=[report.report_date for report in batch],
        countries=[report.country for report in batch],
    )
    assessments = []
    for i, report in enumerate(batch):
        flags = tuple(dict.fromkeys((*report.flags, *texts[i].flags)))
        found = _entities_in_original(entities[i], report.text, texts[i])
        if i in readings:
            decision = decide(readings[i], text=texts[i].text, rules=rooms.model.rules)
            violations = tuple(_in_original(v, texts[i]) for v in decision.violations)
            urgency = replace(decision.urgency, evidence=_map(decision.urgency.evidence, texts[i]))
            abstained = decision.abstained
            if report.language is None:
                flags = (*flags, "language_uncertain")
                if not any(v.decided for v in violations):
                    # Nothing found in what may be no English is no finding.
                    abstained = (*abstained, "language")
        else:
            # No guess in a language that the model was not taught.
            violations, urgency, abstained = (), None, ("language",)
        assessments.append(
            Assessment(
                report=report.id,
                violations=violations,
                urgency=urgency,
                entities=found,
                model=rooms.model.version,
                taxonomy=rooms.taxonomy.version,
                flags=flags,
                abstained=abstained,
            )
        )
    return assessments


def _assess_splitting(batch: Sequence[Report], rooms: Rooms) -> tuple[list[Assessment], int]:
    """Assessments of all, halving a batch that fails until the report that fails is alone.

    A report that cannot be processed goes to manual review; it neither stops the others nor is lost.
    """
    try:
        return assess(batch, rooms), 0
    except (OperatorError, MemoryError):
        raise
    except Exception as error:  # whatever a report may set off in a model or a parser
        if len(batch) > 1:
            middle = len(batch) // 2
            left, failed_left = _assess_splitting(batch[:middle], rooms)
            right, failed_right = _assess_splitting(batch[middle:], rooms)
            return left + right, failed_left + failed_right
        # The message may quote the text, so only its type is told.
        logger.error("report %s could not be processed (%s): sent to manual review", batch[0].id, type(error).__name__)
        return [_unprocessed(batch[0], rooms)], 1


def _unprocessed(report: Report, rooms: Rooms) -> Assessment:
    return Assessment(
        report=report.id,
        violations=(),
        urgency=None,
        entities=Entities(),
        model=rooms.model.version,
        taxonomy=rooms.taxonomy.version,
        flags=(*report.flags, "processing_failed"),
        abstained=("processing",),
    )


def _record(
    store: Store,
    numbered: Sequence[tuple[int, Report]],
    assessed: Sequence[Assessment],
    items: Sequence[tuple[int, QueueItem]],
    rooms: Rooms,
    *,
    now: datetime,
    failed: int,
    actor: str,
) -> ChunkResult:
    """Store a chunk's results; reports that another worker triaged meanwhile are left out."""
    policy = rooms.policy
    rows: list[dict[str, Any]] = [
        {
            "report": seq,
            "model": assessment.model,
            "taxonomy": assessment.taxonomy,
            "urgency": assessment.urgency.id if assessment.urgency else None,
            "body": assessment_body(assessment),
        }
        for (seq, _), assessment in zip(numbered, assessed, strict=True)
    ]
    ranks = {ident: rank for rank, ident in enumerate(rooms.taxonomy.urgency_ids)}
    destinations: Mapping[str, Sequence[str]] = {queue.id: queue.destinations for queue in policy.queues}
    with store.write() as connection:
        waiting = set(reports.still_pending(connection, numbered[0][0], numbered[-1][0], lock=True))
        rows = [row for row in rows if row["report"] in waiting]
        if not rows:
            return NOTHING
        stored = reports.add_assessments(connection, rows, policy=policy.version, now=now)
        fresh = [(seq, item) for seq, item in items if seq in waiting]
        added = queues.add(connection, fresh, assessments=stored, ranks=ranks, destinations=destinations, now=now)
        inputs = {seq: report.sha256 for seq, report in numbered}
        leaves = [[inputs[row["report"]], row["model"], policy.version, reports.body_hash(row["body"])] for row in rows]
        said = {
            "reports": len(rows), "failed": failed, "model": rooms.model.version, "policy": policy.version,
            "decisions": audit.merkle_root(map(audit.canonical, leaves)),
        }  # fmt: skip
        subject = f"reports {min(stored)}..{max(stored)}"
        audit.append(connection, at=now, actor=actor, action="triage", subject=subject, body=said)
    return ChunkResult(triaged=len(rows), items=added, failed=failed)


def _map(evidence: Sequence[Evidence], text: Normalised) -> tuple[Evidence, ...]:
    if text.starts is None:
        return tuple(evidence)
    mapped = []
    for sentence in evidence:
        start, end = text.to_original(sentence.start, sentence.end)
        mapped.append(replace(sentence, start=start, end=end))
    return tuple(mapped)


def _in_original(violation: ViolationDecision, text: Normalised) -> ViolationDecision:
    return replace(violation, evidence=_map(violation.evidence, text)) if text.starts is not None else violation


def _entities_in_original(entities: Entities, original: str, text: Normalised) -> Entities:
    """Every span moved from the normalised text to the original, and its wording taken from there."""
    if text.starts is None:  # most texts are as they came, and so are their spans
        return entities

    def span(start: int, end: int) -> dict[str, Any]:
        start, end = text.to_original(start, end)
        return {"start": start, "end": end, "text": original[start:end]}

    def offsets(start: int, end: int) -> dict[str, Any]:
        start, end = text.to_original(start, end)
        return {"start": start, "end": end}

    return Entities(
        places=tuple(replace(place, **span(place.start, place.end)) for place in entities.places),
        actors=tuple(replace(actor, **span(actor.start, actor.end)) for actor in entities.actors),
        dates=tuple(replace(mention, **span(mention.start, mention.end)) for mention in entities.dates),
        counts=tuple(replace(count, **offsets(count.start, count.end)) for count in entities.counts),
    )
