"""One schema for every corpus. Labels may be partial: what a corpus does not say is unknown, not negative."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datasets import Dataset

Kind = Literal["P", "A", "D"]
KINDS: dict[Kind, str] = {"P": "place", "A": "actor", "D": "date"}
Split = Literal["train", "validation", "calibration", "test", "unused"]


@dataclass(frozen=True)
class Span:
    """A labelled mention: offsets in code points; country, type and role, or ISO 8601 value by kind."""

    start: int
    end: int
    kind: Kind
    iso2: str | None = None
    type: str | None = None
    role: str | None = None
    iso: str | None = None


@dataclass(frozen=True)
class Example:
    """A labelled text.

    `violations` maps ids to 1 (reported), 0 (not reported) or a value between (doubtful); absent means
    unknown. `spans` holds the kinds in `annotated_kinds`, completely; other kinds are unknown.
    `undecided` are mentions that our guide may or may not take, so that neither finding nor missing them is wrong.
    `group` keeps together what must not be split: a document, a country, a contrast pair.
    `published` is the split that the corpus's publishers gave, where they gave one. `codes` are the
    corpus's own labels, as they stand: for evaluating transfer in the corpus's own terms.
    """

    id: str
    text: str
    source: str
    group: str
    report_date: date | None = None
    country: str | None = None
    violations: dict[str, float] = field(default_factory=dict)
    urgency: str | None = None
    claims: dict[str, str] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    annotated_kinds: frozenset[Kind] = frozenset()
    undecided: tuple[Span, ...] = ()
    synthetic: bool = False
    published: Split | None = None
    codes: frozenset[str] = frozenset()

    @property
    def sha256(self) -> str:
        return text_hash(self.text)

    @property
    def positive(self) -> frozenset[str]:
        """Ids of the violations that the text reports."""
        return frozenset(ident for ident, value in self.violations.items() if value > 0.5)


def text_hash(text: str) -> str:
    """The key under which labels of a text are kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def to_dataset(examples: Sequence[Example]) -> Dataset:
    """The examples as a `datasets.Dataset`, one row each, in the columns of `Example`."""
    from datasets import Dataset

    return Dataset.from_list(
        [
            {
                "id": e.id,
                "text": e.text,
                "source": e.source,
                "group": e.group,
                "report_date": e.report_date.isoformat() if e.report_date else None,
                "country": e.country,
                "violations": sorted(e.positive),
                "known": sorted(e.violations),
                "urgency": e.urgency,
                "spans": [
                    {"start": s.start, "end": s.end, "kind": s.kind, "iso2": s.iso2, "type": s.type, "role": s.role,
                     "iso": s.iso}
                    for s in e.spans
                ],
                "synthetic": e.synthetic,
                "codes": sorted(e.codes),
            }
            for e in examples
        ]
    )  # fmt: skip
