"""The CPU runtime: OpenVINO, without torch or transformers, ready in about a second.

bf16 where the processor computes in it (`precision="auto"`), fp32 otherwise and on request.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.manifest import Manifest
from models.runtime import Ids, Outputs, Precision, Runtime


class OpenVinoModel(Runtime):
    """A `ReportModel` on the CPU."""

    def __init__(
        self,
        manifest: Manifest,
        base: Path,
        *,
        weights: dict[str, NDArray[np.float32]],
        precision: Precision,
        threads: int | None = None,
    ) -> None:
        super().__init__(manifest, base)
        self._weights, self._precision, self._threads = weights, precision, threads

    @cached_property
    def _request(self) -> Any:
        import openvino as ov

        from models.graph import build_graph

        core = ov.Core()
        able = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        bf16 = self._precision == "bf16" or (self._precision == "auto" and able)
        settings = {"INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32", "PERFORMANCE_HINT": "LATENCY"}
        if self._threads:
            settings["INFERENCE_NUM_THREADS"] = str(self._threads)
        compiled = core.compile_model(build_graph(self._weights), "CPU", settings)
        self._weights = {}  # the compiled model holds its own copy
        return compiled.create_infer_request()

    def compute(self, ids: Ids, attention: Ids) -> Outputs:
        # OpenVINO compiles code for each shape and keeps it, about a megabyte: a batch that is not full is made one of few.
        rows, tokens = ids.shape
        more = ((0, min(1 << (rows - 1).bit_length(), max(rows, self.tokens_per_batch // tokens)) - rows), (0, 0))
        result = self._request.infer([np.pad(ids, more), np.pad(attention, more, constant_values=1)])
        return result[0][:rows], result[1][:rows], result[2][:rows]
