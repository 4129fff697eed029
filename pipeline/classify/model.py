"""What the rooms need of a model, whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.classify.rules import DecisionRules
from pipeline.report import Reading


class ReportModel(Protocol):
    """Reads texts. A reading depends on its own text alone, not on the others read with it."""

    @property
    def version(self) -> str:
        """Name and hash, such as `minilm-sitrep-4@3fa85f64`."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages that the model was taught."""
        ...

    @property
    def rules(self) -> DecisionRules:
        """Thresholds that were chosen for these weights."""
        ...

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text, in order."""
        ...
