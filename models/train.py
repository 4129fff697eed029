"""Fine-tuning of all heads and the encoder at once; the same seed gives the same weights on one machine.

Losses: binary cross entropy per violation, masked where unknown and weighted by the square root of the
imbalance; binary cross entropy on the ordinal urgency levels; cross entropy on token tags, actor types
and roles. Word embeddings stay frozen; of the encoder, all the rest learns (or, to compare, thin changes
of its matrices, or nothing). A running average of the weights (Polyak and Juditsky 1992) is
what is validated and kept; it wanders less than the weights do on so few texts.
"""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models import low_rank
from models.base import load_tokenizer
from models.batching import token_batches
from models.data import IGNORE, PARTIAL, Encoded, TrainingExample, allowed_tags, encode
from models.labels import URGENCIES, VIOLATIONS
from models.measures import f1
from models.network import FROZEN, Outputs, ReportNetwork, build
from pipeline.agreement import cohen_kappa


@dataclass(frozen=True)
class Recipe:
    """How to train. `tokens_per_batch` bounds memory; learning rates are for AdamW."""

    seed: int = 1
    epochs: int = 8
    learning_rate: float = 3e-4
    head_learning_rate: float = 2e-3
    weight_decay: float = 0.01
    dropout: float = 0.1
    tokens_per_batch: int = 1024
    max_tokens: int = 256
    urgency_weight: float = 0.7
    token_weight: float = 0.6
    actor_weight: float = 0.3
    largest_positive_weight: float = 4.0
    averaging: float = 0.99
    encoder: Literal["whole", "low-rank", "frozen"] = "whole"
    kept: float = 0.0
    """Share of the weights that it started from in those that come out: learning anew, it forgets less (Wortsman et al. 2022)."""

    def smaller_steps(self) -> Recipe:
        """The recipe for weights that know their task already and have something new to learn."""
        return replace(self, epochs=3, learning_rate=1e-4, head_learning_rate=5e-4, kept=0.5)


@dataclass(frozen=True)
class Trained:
    """The best epoch's network with what was seen on the way."""

    network: ReportNetwork
    history: list[dict[str, float]]
    recipe: dict[str, Any]


def train(
    examples: Sequence[TrainingExample],
    validation: Sequence[TrainingExample],
    *,
    base: Path,
    recipe: Recipe,
    start: Path | None = None,
    report: Callable[[str], None] = print,
) -> Trained:
    """Fine-tune on `examples`, from the weights file `start` where given; `validation` chooses the epoch, untrained on."""
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = load_tokenizer(base)
    network = build(base, weights=start, dropout=recipe.dropout).to(device)
    network.get_parameter(FROZEN).requires_grad_(False)
    if recipe.encoder == "frozen":
        network.encoder.requires_grad_(False)
    elif recipe.encoder == "low-rank":
        low_rank.adapt(network.encoder)
    encoded = encode(examples, tokenizer=tokenizer, max_tokens=recipe.max_tokens)
    held_out = encode(validation, tokenizer=tokenizer, max_tokens=recipe.max_tokens)
    targets = np.stack([e.violations for e in examples if e.taught is None])
    positive_weight = torch.tensor(_positive_weights(targets, largest=recipe.largest_positive_weight)).to(device)
    optimiser = _optimiser(network, recipe)
    steps = recipe.epochs * len(_batches(encoded, recipe, random.Random(0)))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _schedule(step, steps))
    averaged = copy.deepcopy(network).eval()
    best, best_score, history, step = network.state_dict(), -1.0, [], 0
    began = time.monotonic()
    for epoch in range(recipe.epochs):
        network.train()
        losses = []
        for rows in _batches(encoded, recipe, rng):
            ids, attention = collate([encoded[i] for i in rows])
            with torch.autocast(device.type, dtype=torch.bfloat16):
                outputs = network(ids.to(device), attention.to(device))
            loss = _loss(
                outputs, [examples[i] for i in rows], [encoded[i] for i in rows], positive_weight, recipe, device
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            if step < steps - 1:
                schedule.step()
            step += 1
            _average(averaged, network, decay=min(recipe.averaging, step / (step + 10)))
            losses.append(loss.item())
        scores = quick_scores(predict(averaged, held_out, device=device), validation, held_out)
        history.append({"epoch": epoch + 1, "loss": float(np.mean(losses)), **scores})
        report(
            f"epoch {epoch + 1}  {time.monotonic() - began:.0f} s  "
            + "  ".join(f"{k} {v:.3f}" for k, v in history[-1].items())
        )
        if scores["score"] > best_score:
            best_score, best = scores["score"], copy.deepcopy(averaged.state_dict())
    network.load_state_dict(best)
    low_rank.merge(network.encoder)
    if start:
        _keep(network, build(base, weights=start), share=recipe.kept)
    return Trained(network.eval(), history, asdict(recipe))


@torch.no_grad()
def _keep(network: ReportNetwork, before: ReportNetwork, *, share: float) -> None:
    for learnt, old in zip(network.parameters(), before.parameters(), strict=True):
        learnt.lerp_(old.to(learnt.device), share)


@torch.no_grad()
def _average(averaged: ReportNetwork, network: ReportNetwork, *, decay: float) -> None:
    for mean, current in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(current, 1 - decay)


def collate(rows: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
    """Padded ids and attention, *(reports, tokens)*."""
    width = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
    attention = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        attention[i, : len(row.ids)] = 1
    return ids, attention


@torch.no_grad()
def predict(
    network: ReportNetwork, encoded: Sequence[Encoded], *, device: torch.device
) -> list[dict[str, NDArray[Any]]]:
    """Outputs per text as arrays, without padding, in the order of `encoded`."""
    network.eval()
    results: dict[int, dict[str, NDArray[Any]]] = {}
    for rows in token_batches([len(e.ids) for e in encoded], budget=4096):
        ids, attention = collate([encoded[i] for i in rows])
        with torch.autocast(device.type, dtype=torch.bfloat16):
            outputs = network(ids.to(device), attention.to(device))
        for position, i in enumerate(rows):
            tokens = len(encoded[i].ids)
            results[i] = {
                "violations": outputs.violations[position].float().cpu().numpy(),
                "urgency": outputs.urgency[position].float().cpu().numpy(),
                "tags": outputs.tags[position, :tokens].float().cpu().numpy(),
                "types": outputs.types[position, :tokens].float().cpu().numpy(),
                "roles": outputs.roles[position, :tokens].float().cpu().numpy(),
            }
    return [results[i] for i in range(len(encoded))]


def quick_scores(
    predictions: Sequence[dict[str, NDArray[Any]]], examples: Sequence[TrainingExample], encoded: Sequence[Encoded]
) -> dict[str, float]:
    """Validation figures that choose the epoch: micro and macro F1, urgency within the levels, tags."""
    logits = np.stack([p["violations"] for p in predictions])
    gold = np.stack([e.violations for e in examples])
    known = ~np.isnan(gold)
    said, true = (logits > 0) & known, (gold > 0.5) & known
    per_label = [f1(said[:, i], true[:, i]) for i in range(len(VIOLATIONS)) if true[:, i].sum() >= 3]
    micro, macro = f1(said, true), float(np.mean(per_label)) if per_label else 0.0
    levels = [
        ((p["urgency"] > 0).sum(), e.urgency) for p, e in zip(predictions, examples, strict=True) if e.urgency >= 0
    ]
    kappa = cohen_kappa([int(a) for a, _ in levels], [b for _, b in levels], levels=len(URGENCIES)) or 0.0
    pairs = [(p["tags"].argmax(-1), e.tags) for p, e in zip(predictions, encoded, strict=True) if (e.tags > 0).any()]
    predicted = np.concatenate([a[b >= 0] for a, b in pairs]) if pairs else np.zeros(0)
    tagged = np.concatenate([b[b >= 0] for _, b in pairs]) if pairs else np.zeros(0)
    hits = ((predicted == tagged) & (tagged > 0)).sum()
    token_f1 = 2 * hits / max(1, (predicted > 0).sum() + (tagged > 0).sum())
    score = micro + macro + 0.7 * kappa + 0.3 * float(token_f1)
    return {"micro": micro, "macro": macro, "kappa": kappa, "tags": float(token_f1), "score": score}


def _loss(
    outputs: Outputs,
    examples: Sequence[TrainingExample],
    encoded: Sequence[Encoded],
    positive_weight: Tensor,
    recipe: Recipe,
    device: torch.device,
) -> Tensor:
    gold = torch.tensor(np.stack([e.violations for e in examples])).to(device)
    weight = torch.tensor([e.weight for e in examples]).to(device)
    known = ~gold.isnan()
    taught = torch.tensor([e.taught is not None for e in examples], device=device)
    each = nn.functional.binary_cross_entropy_with_logits(
        outputs.violations, gold.nan_to_num(), reduction="none",
        pos_weight=positive_weight.where(~taught[:, None], 1.0),  # what teachers say is weighted already
    )  # fmt: skip
    loss = (each * known * weight[:, None]).sum() / len(examples) / 4
    level = torch.tensor([e.urgency for e in examples]).to(device)
    at_least = (level[:, None] > torch.arange(len(URGENCIES) - 1, device=device)).float()
    for row, example in enumerate(examples):
        if example.taught:
            at_least[row] = torch.from_numpy(example.taught.at_least)
    ordinal = nn.functional.binary_cross_entropy_with_logits(outputs.urgency, at_least, reduction="none").sum(1)
    loss = loss + recipe.urgency_weight * (ordinal * ((level >= 0) | taught) * weight).sum() / len(examples)
    tags = _padded([e.tags for e in encoded], device).flatten()
    if (known_tags := tags != IGNORE).any():
        # The likelihood of all tags that a partial label leaves open (Tsuboi et al. 2008); of one tag: cross entropy.
        open_tags = torch.from_numpy(allowed_tags()).to(device)[tags[known_tags] + PARTIAL]
        log = outputs.tags.flatten(0, 1)[known_tags].float().log_softmax(-1)
        loss = loss - recipe.token_weight * log.masked_fill(~open_tags, -torch.inf).logsumexp(-1).mean()
    for name, labels in (("types", [e.types for e in encoded]), ("roles", [e.roles for e in encoded])):
        padded = _padded(labels, device).flatten()
        if (padded != IGNORE).any():
            logits = getattr(outputs, name).flatten(0, 1)
            loss = loss + recipe.actor_weight * nn.functional.cross_entropy(logits, padded, ignore_index=IGNORE)
    return loss


def _padded(rows: Sequence[NDArray[np.int64]], device: torch.device) -> Tensor:
    width = max(len(row) for row in rows)
    padded = torch.full((len(rows), width), IGNORE, dtype=torch.long)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = torch.from_numpy(row)
    return padded.to(device)


def _batches(encoded: Sequence[Encoded], recipe: Recipe, rng: random.Random) -> list[list[int]]:
    """Batches of similar length, in random order, different ones each epoch."""
    order = list(range(len(encoded)))
    rng.shuffle(order)
    batches = []
    for start in range(0, len(order), 400):
        rows = order[start : start + 400]
        local = token_batches([len(encoded[i].ids) for i in rows], budget=recipe.tokens_per_batch)
        batches += [[rows[i] for i in batch] for batch in local]
    rng.shuffle(batches)
    return batches


def _optimiser(network: ReportNetwork, recipe: Recipe) -> torch.optim.Optimizer:
    encoder = [p for p in network.encoder.parameters() if p.requires_grad]
    heads = [p for module in (network.labels, network.tokens) for p in module.parameters()]
    return torch.optim.AdamW(
        [{"params": encoder, "lr": recipe.learning_rate}, {"params": heads, "lr": recipe.head_learning_rate}],
        weight_decay=recipe.weight_decay,
    )


def _schedule(step: int, steps: int) -> float:
    """Linear warm-up over the first tenth, then a cosine to zero."""
    warm_up = max(1, steps // 10)
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))


def _positive_weights(targets: NDArray[np.float32], *, largest: float) -> NDArray[np.float32]:
    positive = np.nansum(targets > 0.5, axis=0)
    negative = np.nansum(targets <= 0.5, axis=0)
    weights: NDArray[np.float32] = np.clip(np.sqrt(negative / np.maximum(positive, 1)), 1.0, largest).astype(np.float32)
    return weights
