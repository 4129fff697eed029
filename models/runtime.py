"""What every runtime shares: windows in, readings out. A runtime only says how a batch is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from models.base import bundled_base, load_tokenizer
from models.batching import token_batches
from models.manifest import Manifest, load_manifest, verified_weights
from models.readings import WindowOutput, reading
from models.windows import Window, windows
from pipeline.classify.rules import DecisionRules
from pipeline.errors import ModelError
from pipeline.report import Reading

Precision = Literal["auto", "fp32", "bf16"]
Ids = NDArray[np.int64]
Outputs = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
WIDTHS = 16
"""Batches are as many tokens wide as a multiple of this: processors compute in such blocks, and there are fewer shapes."""


class Runtime(ABC):
    """A `ReportModel`. Texts are read in batches of similar length under a token budget."""

    tokens_per_batch = 4096
    characters_at_once = 1 << 21
    """Texts are read in runs of so many characters, or one longer text: what a token needs is some 400 bytes."""

    def __init__(self, manifest: Manifest, base: Path) -> None:
        self._manifest = manifest
        self._tokenizer = load_tokenizer(base)
        start, end = self._tokenizer.token_to_id("[CLS]"), self._tokenizer.token_to_id("[SEP]")
        if start is None or end is None:
            raise ModelError(f"{base}: not the tokenizer of a BERT-like encoder")
        self._start, self._end = start, end
        # One batch at a time: it takes every core by itself, and OpenVINO's request takes no second caller.
        self._computing = Lock()

    @classmethod
    def load(cls, folder: Path, *, precision: Precision = "auto", **options: Any) -> Self:
        """The model in `folder`; ModelError where a file is missing or is not what its manifest says."""
        manifest, base = load_manifest(folder), bundled_base()
        return cls(manifest, base, weights=verified_weights(folder, manifest, base), precision=precision, **options)  # type: ignore[call-arg]

    @property
    def version(self) -> str:
        return self._manifest.version

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._manifest.languages)

    @property
    def rules(self) -> DecisionRules:
        return self._manifest.rules

    @abstractmethod
    def compute(self, ids: Ids, attention: Ids) -> Outputs:
        """Logits *(windows, 19)*, contributions *(windows, tokens, 19)*, token logits *(windows, tokens, 23)*."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text, in order."""
        return [found for run in self._runs(texts) for found in self._read(run)]

    def _runs(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        start = characters = 0
        for number, text in enumerate(texts):
            if number > start and characters + len(text) > self.characters_at_once:
                yield texts[start:number]
                start, characters = number, 0
            characters += len(text)
        yield texts[start:]

    def _read(self, texts: Sequence[str]) -> list[Reading]:
        cut = self._windows(texts)
        with self._computing:
            outputs: dict[int, WindowOutput] = dict(self._infer(cut))
        by_text: list[list[WindowOutput]] = [[] for _ in texts]
        for number, window in enumerate(cut):
            by_text[window.text].append(outputs[number])
        calibration = self._manifest.calibration
        return [reading(text, found, calibration) for text, found in zip(texts, by_text, strict=True)]

    def _windows(self, texts: Sequence[str]) -> list[Window]:
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            window
            for number, encoding in enumerate(encodings)
            for window in windows(number, encoding.ids, encoding.offsets, start_id=self._start, end_id=self._end)
        ]

    def _infer(self, cut: Sequence[Window]) -> Iterator[tuple[int, WindowOutput]]:
        widths = [-(-len(w.ids) // WIDTHS) * WIDTHS for w in cut]
        for rows in token_batches(widths, budget=self.tokens_per_batch):
            width = max(widths[i] for i in rows)
            ids = np.zeros((len(rows), width), dtype=np.int64)
            attention = np.zeros_like(ids)
            for position, i in enumerate(rows):
                ids[position, : len(cut[i].ids)] = cut[i].ids
                attention[position, : len(cut[i].ids)] = 1
            logits, contributions, tokens = self.compute(ids, attention)
            for position, i in enumerate(rows):
                length = len(cut[i].ids)
                yield (
                    i,
                    WindowOutput(
                        cut[i],
                        logits[position].copy(),
                        contributions[position, :length].copy(),
                        tokens[position, :length].copy(),
                    ),
                )
