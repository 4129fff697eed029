"""Low-rank adaptation (Hu et al. 2022): the encoder's matrices stay, each learns a product of two thin ones.

Kept for comparison with full fine-tuning; merged into the weights before they are written.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class LowRank(nn.Module):
    """Adds `up @ down`, scaled, to a weight *(outputs, inputs)*; `up` starts at zero."""

    def __init__(self, weight: Tensor, *, rank: int, scale: float) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        self.down = nn.Parameter(weight.new_empty(rank, inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))
        self.scale = scale
        nn.init.normal_(self.down, std=inputs**-0.5)

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.scale * (self.up @ self.down)


def adapt(encoder: nn.Module, *, rank: int = 16, scale: float = 2.0) -> None:
    """Freeze the encoder and let every linear layer of it learn a low-rank change."""
    encoder.requires_grad_(False)
    for module in [m for m in encoder.modules() if isinstance(m, nn.Linear)]:
        parametrize.register_parametrization(module, "weight", LowRank(module.weight, rank=rank, scale=scale))


def merge(encoder: nn.Module) -> None:
    """Make the changes part of the weights."""
    for module in list(encoder.modules()):
        if isinstance(module, nn.Linear) and parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
