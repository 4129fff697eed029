"""The network: one encoder, three families of heads, one pass.

Violations and urgency are read by label-wise attention pooling (Mullenbach et al. 2018): each label
weighs the tokens by its own attention, which starts as the plain mean that the base encoder was
trained with. A label's logit is a sum over tokens, so the same pass tells which sentences carry it.
Urgency is ordinal: three logits for "at least medium, high, critical". Each token also gets BIO tags
of places, actors and dates, and an actor type and role.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel

from models.labels import ACTOR_ROLES, ACTOR_TYPES, TAGS, URGENCIES, VIOLATIONS

FROZEN = "encoder.embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Outputs:
    """Logits of a batch: *(reports, 16)*, *(reports, 3)*, and per token *(reports, tokens, ...)*.

    `contributions` holds what each token adds to the 16 + 3 logits.
    """

    violations: Tensor
    urgency: Tensor
    contributions: Tensor
    tags: Tensor
    types: Tensor
    roles: Tensor


class LabelAttention(nn.Module):
    """Tokens *(B, T, width)* to logits *(B, labels)* and token contributions *(B, T, labels)*."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, labels, bias=False)
        self.value = nn.Linear(width, labels, bias=False)
        self.bias = nn.Parameter(torch.zeros(labels))
        nn.init.zeros_(self.query.weight)  # the plain mean, until training finds better

    def forward(self, hidden: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
        scores = self.query(hidden).float().masked_fill(attention[..., None] == 0, -1e4)
        contributions = scores.softmax(dim=1) * self.value(hidden).float()
        return contributions.sum(dim=1) + self.bias, contributions


class ReportNetwork(nn.Module):
    """Encoder and heads."""

    def __init__(self, encoder: nn.Module, *, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.labels = LabelAttention(width, len(VIOLATIONS) + len(URGENCIES) - 1)
        self.tokens = nn.Linear(width, len(TAGS) + len(ACTOR_TYPES) + len(ACTOR_ROLES))

    def forward(self, ids: Tensor, attention: Tensor) -> Outputs:
        hidden = self.dropout(self.encoder(ids, attention_mask=attention).last_hidden_state)
        logits, contributions = self.labels(hidden, attention)
        violations, urgency = logits.split([len(VIOLATIONS), len(URGENCIES) - 1], dim=-1)
        tags, types, roles = self.tokens(hidden).float().split([len(TAGS), len(ACTOR_TYPES), len(ACTOR_ROLES)], -1)
        return Outputs(violations, urgency, contributions, tags, types, roles)


def build(base: Path, *, weights: Path | None = None, dropout: float = 0.1) -> ReportNetwork:
    """The network on the base encoder in `base`, with trained `weights` (safetensors) where given."""
    encoder = AutoModel.from_pretrained(base, add_pooling_layer=False, dtype=torch.float32)
    network = ReportNetwork(encoder, width=encoder.config.hidden_size, dropout=dropout)
    if weights is not None:
        state = {name: tensor.float() for name, tensor in load_file(weights).items()}
        missing, unexpected = network.load_state_dict(state, strict=False)
        # The word embeddings are frozen and come from the base; everything else must be there.
        wrong = [name for name in missing if name != FROZEN and "position_ids" not in name] + unexpected
        if wrong:
            raise ValueError(f"the weights do not fit this network: {wrong[:3]}")
    return network


def shipped_state(network: ReportNetwork) -> dict[str, Tensor]:
    """What is shipped: every trained tensor in half precision; the frozen word embeddings stay in the base."""
    return {
        name: tensor.detach().cpu().to(torch.float16).contiguous()
        for name, tensor in network.state_dict().items()
        if name != FROZEN and "position_ids" not in name
    }
