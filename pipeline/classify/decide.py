"""From a reading to decisions: thresholds, abstention, claim status, evidence. Pure and cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.classify.claims import claim_status
from pipeline.classify.rules import DecisionRules
from pipeline.report import ClaimStatus, Evidence, Reading, UrgencyDecision, ViolationDecision

MOST_EVIDENCE = 3
# A sentence is evidence where it carries at least this share of what the strongest one carries.
EVIDENCE_SHARE = 0.5
LEVELS = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class Decision:
    """What is decided of a text; `violations` holds all types, in the taxonomy's order."""

    violations: tuple[ViolationDecision, ...]
    urgency: UrgencyDecision
    abstained: tuple[str, ...]


def decide(reading: Reading, *, text: str, rules: DecisionRules) -> Decision:
    """Decisions with their evidence; what lies in doubt is left to a person and named in `abstained`."""
    violations, abstained = [], []
    for ident, probability in reading.violations.items():
        decided = probability >= rules.thresholds[ident]
        evidence: tuple[Evidence, ...] = ()
        status: ClaimStatus | None = None
        if decided:
            evidence = top_sentences([(s.start, s.end, s.violations[ident]) for s in reading.sentences])
            status = _status(text, evidence)
        elif probability >= rules.doubtful[ident]:
            abstained.append(ident)
        violations.append(ViolationDecision(ident, probability, decided, evidence, status))
    urgency, doubtful = _urgency(reading, rules)
    if doubtful:
        abstained.append("urgency")
    return Decision(tuple(violations), urgency, tuple(abstained))


def _urgency(reading: Reading, rules: DecisionRules) -> tuple[UrgencyDecision, bool]:
    """The highest level whose "at least this" passes its threshold, and whether that is in doubt."""
    p = reading.urgency
    at_least = (p["medium"] + p["high"] + p["critical"], p["high"] + p["critical"], p["critical"])
    level = 0
    for number, (probability, threshold) in enumerate(zip(at_least, rules.urgency_thresholds, strict=True), 1):
        if probability >= threshold:
            level = number
    evidence = top_sentences([(s.start, s.end, s.urgency) for s in reading.sentences]) if level else ()
    return UrgencyDecision(LEVELS[level], dict(p), evidence), level < 2 and at_least[1] >= rules.urgent_doubt


def top_sentences(scored: Sequence[tuple[int, int, float]]) -> tuple[Evidence, ...]:
    """The few sentences that carry a decision, strongest first; scores are their shares of it."""
    ranked = sorted((s for s in scored if s[2] > 0), key=lambda s: (-s[2], s[0]))[:MOST_EVIDENCE]
    if not ranked:
        return ()
    total = sum(score for *_, score in scored if score > 0)
    least = ranked[0][2] * EVIDENCE_SHARE
    return tuple(Evidence(start, end, score / total) for start, end, score in ranked if score >= least)


def _status(text: str, evidence: Sequence[Evidence]) -> ClaimStatus:
    """The status of the strongest sentence, where a decided violation can have it.

    The network was taught not to decide what is only denied, negated or imagined, so such wording in
    the sentence of a decided violation is about something else in it; `alleged` and `past` stand.
    """
    if not evidence:
        return "asserted"
    status = claim_status(text[evidence[0].start : evidence[0].end])
    return status if status in ("alleged", "past") else "asserted"
