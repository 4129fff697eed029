"""The vocabulary: what passes from room to room.

    RawReport  what a reader found          Report     what was accepted
    Reading    what the model said          Entities   places, actors, dates and counts in a report
    Assessment what is in force             QueueItem  who must act on it, and by when

All are frozen. Offsets are Unicode code points of the *original* text, half open, everywhere outside
the rooms that work on the normalised text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

ClaimStatus = Literal["asserted", "alleged", "denied", "negated", "hypothetical", "past"]
Precision = Literal["exact", "district", "country"]


@dataclass(frozen=True)
class Report:
    """An accepted report. `id` is ours, `external_id` the submitter's; `text` is never altered.

    `raw` holds the original bytes of the text where they are not its UTF-8 encoding.
    """

    id: str
    batch: str
    text: str
    sha256: str
    external_id: str | None = None
    report_date: date | None = None
    source: str | None = None
    country: str | None = None
    language: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    received_at: datetime | None = None
    raw: bytes | None = None


@dataclass(frozen=True)
class Place:
    """A named place. `precision` is None where the gazetteer has no candidate; then `reason` says why."""

    start: int
    end: int
    text: str
    name: str | None = None
    geonames_id: int | None = None
    iso2: str | None = None
    lat: float | None = None
    lon: float | None = None
    precision: Precision | None = None
    score: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Actor:
    """An organisation or group that acts in, or is affected by, what is reported.

    `low` and `high` are how many they are, where the text says: `at least seven farmers` are 7 and None.
    """

    start: int
    end: int
    text: str
    type: str
    role: str
    canonical: str | None = None
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class DateMention:
    """An expression of time; `iso` is None where it cannot be resolved. `basis` says how it was."""

    start: int
    end: int
    text: str
    iso: str | None
    basis: str | None = None


@dataclass(frozen=True)
class Count:
    """How many people were affected: `kind` is killed, injured, abducted, detained or displaced."""

    kind: str
    low: int
    high: int | None
    who: str
    start: int
    end: int


@dataclass(frozen=True)
class Entities:
    """What the extract room found in one report."""

    places: tuple[Place, ...] = ()
    actors: tuple[Actor, ...] = ()
    dates: tuple[DateMention, ...] = ()
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Tag:
    """A span that the encoder tagged. `kind` is P, A or D; actors carry their likeliest type and role."""

    start: int
    end: int
    kind: Literal["P", "A", "D"]
    score: float
    type: str | None = None
    type_score: float = 0.0
    role: str | None = None
    role_score: float = 0.0


@dataclass(frozen=True)
class SentenceScore:
    """How much a sentence carries each label: `violations` and `urgency` map ids to contributions (logits)."""

    start: int
    end: int
    violations: dict[str, float]
    urgency: float


@dataclass(frozen=True)
class Reading:
    """What the model said of one text: calibrated probabilities 0 to 1, per-sentence evidence, tags."""

    violations: dict[str, float]
    urgency: dict[str, float]
    sentences: tuple[SentenceScore, ...] = ()
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """A sentence that carries a decision."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class ViolationDecision:
    """One of the taxonomy's types, decided or not, with the evidence of a decided one."""

    id: str
    probability: float
    decided: bool
    evidence: tuple[Evidence, ...] = ()
    claim_status: ClaimStatus | None = None


@dataclass(frozen=True)
class UrgencyDecision:
    """The level decided, and the probability of each."""

    id: str
    probabilities: dict[str, float]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Assessment:
    """What was found in a report: decisions, entities, flags; always with the versions that decided.

    `abstained` names what the model would not decide: violation ids, `urgency`, or `language`.
    """

    report: str
    violations: tuple[ViolationDecision, ...]
    urgency: UrgencyDecision | None
    entities: Entities
    model: str
    taxonomy: str
    flags: tuple[str, ...] = ()
    abstained: tuple[str, ...] = ()

    @property
    def decided(self) -> frozenset[str]:
        """Ids of the violations that are asserted."""
        return frozenset(v.id for v in self.violations if v.decided)


@dataclass(frozen=True)
class QueueItem:
    """A report in a queue: why, and by when somebody must respond (UTC)."""

    report: str
    queue: str
    reason: str
    urgency: str
    due: datetime
