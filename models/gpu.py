"""The torch runtime: bf16 on a GPU; on the CPU in fp32 it is the reference that the other is held to.

A batch that does not fit the GPU's memory is halved until it does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.manifest import Manifest
from models.network import ReportNetwork, build
from models.runtime import Ids, Outputs, Precision, Runtime
from pipeline.errors import ModelError


class TorchModel(Runtime):
    """A `ReportModel` through torch."""

    def __init__(
        self,
        manifest: Manifest,
        base: Path,
        *,
        weights: dict[str, NDArray[np.float32]],
        precision: Precision,
        device: str = "cpu",
    ) -> None:
        super().__init__(manifest, base)
        if device == "cuda" and not torch.cuda.is_available():
            raise ModelError('device = "cuda", but torch sees no GPU: set device = "auto", or mend the driver')
        self._device = torch.device(device)
        self._dtype = torch.bfloat16 if precision != "fp32" and device == "cuda" else torch.float32
        network: ReportNetwork = build(base)
        network.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()}, strict=False)
        self._network = network.eval().to(self._device)
        self.tokens_per_batch = 65_536 if device == "cuda" else 4096

    @torch.no_grad()
    def compute(self, ids: Ids, attention: Ids) -> Outputs:
        try:
            return self._compute(ids, attention)
        except torch.OutOfMemoryError:
            if len(ids) == 1:
                raise
            torch.cuda.empty_cache()
            self.tokens_per_batch = max(512, self.tokens_per_batch // 2)
            middle = len(ids) // 2
            first, second = (
                self.compute(ids[:middle], attention[:middle]),
                self.compute(ids[middle:], attention[middle:]),
            )
            joined: Any = tuple(np.concatenate(pair) for pair in zip(first, second, strict=True))
            return joined  # type: ignore[no-any-return]

    def _compute(self, ids: Ids, attention: Ids) -> Outputs:
        enabled = self._dtype is torch.bfloat16
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=enabled):
            outputs = self._network(self._on_device(ids), self._on_device(attention))
        logits = torch.cat([outputs.violations, outputs.urgency], dim=-1)
        tokens = torch.cat([outputs.tags, outputs.types, outputs.roles], dim=-1)
        return logits.float().cpu().numpy(), outputs.contributions.float().cpu().numpy(), tokens.float().cpu().numpy()

    def _on_device(self, array: Ids) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        if self._device.type == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor
