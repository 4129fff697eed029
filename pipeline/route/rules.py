"""From an assessment to queue items: plain functions of the policy, in the policy's order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.report import Assessment, Entities, QueueItem, Report
from pipeline.route.policy import Condition, Policy
from pipeline.taxonomy import Taxonomy

# An unassessed report may be about anything, so somebody looks within the time of this level.
URGENCY_IF_UNKNOWN = "high"
_HARMED = ("killed", "injured", "abducted")

_CHILDREN = re.compile(r"\b(child|children|girls?|boys?|minors?|infants?|bab(?:y|ies)|toddlers?|schoolgirls?|"
                       r"schoolboys?|pupils?|teenagers?|enfants?|fill(?:e|ette)s?|garçons?)\b", re.I)  # fmt: skip
_CHILD_AGE = re.compile(r"\baged?\s+(?:[0-9]|1[0-7])\b|\b(?:[0-9]|1[0-7])[- ]year[- ]olds?\b", re.I)


def route(report: Report, assessment: Assessment, policy: Policy, *, taxonomy: Taxonomy) -> list[QueueItem]:
    """The queues of a report, each with the reason and the due time; never empty.

    An item is due `respond_within` after the report was received, in the hours of its queue, so the same report is due at the
    same time whenever it is triaged.
    """
    assert report.received_at is not None
    urgency = assessment.urgency.id if assessment.urgency else URGENCY_IF_UNKNOWN
    reasons: dict[str, list[str]] = {}
    levels: dict[str, list[str]] = {}
    sure: set[str] = set()
    for rule in policy.rules:
        found = holds(rule.when, report, assessment)
        if found is not None:
            reason = rule.reason or found
            if not rule.when.uncertain:
                sure.add(rule.queue)
            levels.setdefault(rule.queue, [urgency]).append(rule.urgency_at_least or urgency)
            if reason not in reasons.setdefault(rule.queue, []):
                reasons[rule.queue].append(reason)
    # A doubt alone takes a report away from nobody: it is shown to the restricted queue as well.
    if any(policy.queue(queue).exclusive for queue in sure):
        reasons = {queue: why for queue, why in reasons.items() if policy.queue(queue).restricted}
    if not reasons:
        reasons[policy.fallback] = ["no rule applies"]
    most = {queue: min(levels.get(queue, [urgency]), key=taxonomy.urgency_ids.index) for queue in reasons}
    return [
        QueueItem(
            report=report.id,
            queue=queue.id,
            reason="; ".join(reasons[queue.id]),
            urgency=most[queue.id],
            due=policy.due(queue.id, most[queue.id], report.received_at, taxonomy=taxonomy),
        )
        for queue in policy.queues
        if queue.id in reasons
    ]


def holds(when: Condition, report: Report, assessment: Assessment) -> str | None:
    """Why a rule fires, in words for people, or None. All conditions given must hold."""
    why: list[str] = []
    for answer in _answers(when, report, assessment):
        if answer is None:
            return None
        why.append(answer)
    return ", ".join(why)


def _answers(when: Condition, report: Report, assessment: Assessment) -> Iterator[str | None]:
    """Of each condition that is given why it holds, None where it does not; what costs most comes late."""
    if when.violations:
        hits = [v for v in assessment.violations if v.decided and v.id in when.violations]
        yield ", ".join(f"{v.id} {v.probability:.2f}" for v in hits) or None
    if when.uncertain:
        yield ", ".join(f"{ident} undecided" for ident in when.uncertain if ident in assessment.abstained) or None
    if when.urgency:
        level = assessment.urgency.id if assessment.urgency else None
        yield f"urgency {level}" if level in when.urgency else None
    yield from _of_entities(when, report, assessment.entities)
    if when.flags:
        flags = sorted(set(when.flags) & {*report.flags, *assessment.flags})
        yield f"flag {', '.join(flags)}" if flags else None
    if when.victims == "children":
        yield "children" if mentions_children(report.text) else None
    if when.victims == "counted":
        harmed = any(count.kind in _HARMED and (count.low or count.high) for count in assessment.entities.counts)
        yield "people killed, injured or abducted" if harmed else None
    if when.words_at_least is not None:
        enough = len(report.text.split(maxsplit=when.words_at_least)) >= when.words_at_least
        yield f"{when.words_at_least} words or more" if enough else None
    facts = {
        "abstained": bool(assessment.abstained),
        "language_unknown": "language" in assessment.abstained,
        "no_violation": not assessment.decided,
    }
    for name, fact in facts.items():
        if (asked := getattr(when, name)) is not None:
            yield name.replace("_", " ") if asked == fact else None


def _of_entities(when: Condition, report: Report, entities: Entities) -> Iterator[str | None]:
    if when.countries:
        present = sorted({report.country or "", *(place.iso2 or "" for place in entities.places)} & set(when.countries))
        yield f"country {', '.join(present)}" if present else None
    if when.places:
        wanted = {name.casefold() for name in when.places}
        there = any((place.name or place.text).casefold() in wanted for place in entities.places)
        yield "place" if there else None
    if when.actor_types or when.actor_roles:
        actors = (
            actor
            for actor in entities.actors
            if (not when.actor_types or actor.type in when.actor_types)
            and (not when.actor_roles or actor.role in when.actor_roles)
        )
        actor = next(actors, None)
        yield f"actor {actor.type} ({actor.role})" if actor else None


def mentions_children(text: str) -> bool:
    """Whether a text speaks of children: by word, or by an age under 18."""
    return bool(_CHILDREN.search(text) or _CHILD_AGE.search(text))
