"""The CPU runtime: OpenVINO, without torch or transformers, ready in about a second.

bf16 where the processor computes in it (`precision="auto"`), fp32 otherwise and on request. Texts are
read in batches of similar length under a token budget; a text's answer does not depend on the others
beyond rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tokenizers import Tokenizer

from models.base import bundled_base
from models.batching import token_batches
from models.manifest import Manifest, load_manifest, verified_weights
from models.readings import WindowOutput, reading
from models.windows import Window, windows
from pipeline.classify.rules import DecisionRules
from pipeline.report import Reading

TOKENS_PER_BATCH = 4096


class OpenVinoModel:
    """A `ReportModel` on the CPU."""

    def __init__(self, manifest: Manifest, weights: dict[str, Any], base: Path, *, precision: str) -> None:
        self._manifest, self._weights, self._precision = manifest, weights, precision
        self._tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._start = self._tokenizer.token_to_id("[CLS]")
        self._end = self._tokenizer.token_to_id("[SEP]")

    @classmethod
    def load(
        cls, folder: Path, *, precision: Literal["auto", "fp32", "bf16"] = "auto"
    ) -> OpenVinoModel:
        """The model in `folder`; ModelError where a file is missing or is not what its manifest says."""
        manifest = load_manifest(folder)
        base = bundled_base()
        return cls(manifest, verified_weights(folder, manifest, base), base, precision=precision)

    @property
    def version(self) -> str:
        return self._manifest.version

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._manifest.languages)

    @property
    def rules(self) -> DecisionRules:
        return self._manifest.rules

    @cached_property
    def _compiled(self) -> Any:
        import openvino as ov

        from models.graph import build_graph

        core = ov.Core()
        able = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        bf16 = self._precision == "bf16" or (self._precision == "auto" and able)
        return core.compile_model(
            build_graph(self._weights),
            "CPU",
            {"INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32", "PERFORMANCE_HINT": "LATENCY"},
        )

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text, in order."""
        cut = self._windows(texts)
        outputs: list[list[WindowOutput]] = [[] for _ in texts]
        for number, output in self._infer(cut):
            outputs[cut[number].text].append(output)
        return [
            reading(text, sorted(found, key=lambda o: o.window.offsets[1] if len(o.window.offsets) > 2 else (0, 0)),
                    self._manifest.calibration)
            for text, found in zip(texts, outputs, strict=True)
        ]  # fmt: skip

    def _windows(self, texts: Sequence[str]) -> list[Window]:
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            window
            for number, encoding in enumerate(encodings)
            for window in windows(number, encoding.ids, encoding.offsets, start_id=self._start, end_id=self._end)
        ]

    def _infer(self, cut: Sequence[Window]) -> Any:
        request = self._compiled.create_infer_request()
        for rows in token_batches([len(w.ids) for w in cut], budget=TOKENS_PER_BATCH):
            width = max(len(cut[i].ids) for i in rows)
            ids = np.zeros((len(rows), width), dtype=np.int64)
            attention = np.zeros_like(ids)
            for position, i in enumerate(rows):
                ids[position, : len(cut[i].ids)] = cut[i].ids
                attention[position, : len(cut[i].ids)] = 1
            result = request.infer([ids, attention])
            logits, contributions, tokens = (result[n] for n in range(3))
            for position, i in enumerate(rows):
                length = len(cut[i].ids)
                yield i, WindowOutput(
                    cut[i],
                    logits[position].copy(),
                    contributions[position, :length].copy(),
                    tokens[position, :length].copy(),
                )
