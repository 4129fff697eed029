"""Thresholds that turn probabilities into decisions; they belong to one version of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class DecisionRules:
    """Probabilities 0 to 1.

    `thresholds`: a violation is decided from here on. `doubtful`: from here up to its threshold, the
    model abstains. `urgency_thresholds`: for "at least medium, high, critical". `urgent_doubt`: where
    the level decided is below high but "at least high" is as likely as this, the model abstains on
    urgency (split conformal: at most `missed_critical` of critical reports are missed unseen).
    """

    thresholds: Mapping[str, float]
    doubtful: Mapping[str, float]
    urgency_thresholds: tuple[float, float, float] = (0.5, 0.5, 0.5)
    urgent_doubt: float = 1.0
    missed_critical: float = 0.05
    notes: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DecisionRules:
        return cls(**{**values, "urgency_thresholds": tuple(values["urgency_thresholds"])})
