"""How far the encoder carries to other labels: fine-tuned on the training parts of public sets, scored on their test parts.

Metric: example-based F1 at 0.5, as the sets' publishers have it: the mean over texts of 2 |said and true| / (|said| +
|true|), texts where both are empty left out. The peer in the same run is TF-IDF with logistic regression. Published
references, ConfliBERT-class encoders of 110 million parameters: SATP 0.894, IndiaPoliceEvents documents 0.708.

    python tests/benchmarks/transfer.py --corpora DIR [--model VERSION] [--seeds 3]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

import corpora
from corpora import Example
from models.base import bundled_base
from models.batching import token_batches
from models.manifest import WEIGHTS
from models.network import FROZEN, LabelAttention, build
from models.registry import find

SETS = ("satp", "indiapoliceevents")
MOST_TOKENS, EPOCHS, LEARNING_RATE, TOKENS_PER_BATCH = 384, 10, 2e-4, 1536
Labels = NDArray[np.float32]


def example_f1(said: Labels, true: Labels) -> float:
    sizes = said.sum(1) + true.sum(1)
    both = (said * true).sum(1)
    return float((2 * both[sizes > 0] / sizes[sizes > 0]).mean())


def parts(name: str, root: Path) -> dict[str, tuple[list[str], Labels]]:
    """Texts and 0-1 labels *(texts, codes)* of each published part."""
    found = corpora.load(name, root=root)
    codes = sorted({code for e in found for code in e.codes})

    def table(examples: list[Example]) -> tuple[list[str], Labels]:
        return [e.text for e in examples], np.array([[c in e.codes for c in codes] for e in examples], np.float32)

    return {part: table([e for e in found if e.published == part]) for part in ("train", "validation", "test")}


def tf_idf(data: dict[str, tuple[list[str], Labels]]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=100_000)
    x = {part: words.fit_transform(t) if part == "train" else words.transform(t) for part, (t, _) in data.items()}
    best = (-1.0, 0.0)
    for strength in (1, 10, 100):
        model = OneVsRestClassifier(LogisticRegression(C=strength, max_iter=2000)).fit(x["train"], data["train"][1])
        p = {part: model.predict_proba(x[part]) for part in ("validation", "test")}
        for threshold in np.arange(0.1, 0.6, 0.05):
            chosen = example_f1((p["validation"] >= threshold).astype(np.float32), data["validation"][1])
            if chosen > best[0]:
                best = (chosen, example_f1((p["test"] >= threshold).astype(np.float32), data["test"][1]))
    return best[1]


def fine_tuned(data: dict[str, tuple[list[str], Labels]], *, weights: Path | None, seed: int) -> float:
    """Test score of the epoch that is best on validation, at 0.5."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    base = bundled_base()
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    ids = {part: [e.ids for e in tokenizer.encode_batch(texts)] for part, (texts, _) in data.items()}
    network = build(base, weights=weights)
    network.get_parameter(FROZEN).requires_grad_(False)
    head = LabelAttention(network.labels.query.in_features, data["train"][1].shape[1])
    learning = [p for p in network.encoder.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": learning, "lr": LEARNING_RATE}, {"params": head.parameters(), "lr": 10 * LEARNING_RATE}]
    )

    def logits(part: str, rows: list[int]) -> torch.Tensor:
        width = max(len(ids[part][i]) for i in rows)
        batch = torch.zeros(len(rows), width, dtype=torch.long)
        for at, i in enumerate(rows):
            batch[at, : len(ids[part][i])] = torch.tensor(ids[part][i])
        attention = (batch > 0).long()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = network.encoder(batch, attention_mask=attention).last_hidden_state
        found: torch.Tensor = head(hidden, attention)[0]
        return found

    def score(part: str) -> float:
        network.eval()
        said = np.zeros_like(data[part][1])
        with torch.no_grad():
            for rows in token_batches([len(i) for i in ids[part]], budget=4 * TOKENS_PER_BATCH):
                said[rows] = (logits(part, rows) > 0).float().numpy()
        return example_f1(said, data[part][1])

    best = (-1.0, 0.0)
    batches = token_batches([len(i) for i in ids["train"]], budget=TOKENS_PER_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [LEARNING_RATE, 10 * LEARNING_RATE], total_steps=EPOCHS * len(batches), pct_start=0.1
    )
    for _ in range(EPOCHS):
        network.train()
        rng.shuffle(batches)
        for rows in batches:
            true = torch.from_numpy(data["train"][1][rows])
            loss = nn.functional.binary_cross_entropy_with_logits(logits("train", rows), true)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*learning, *head.parameters()], 1.0)
            optimiser.step()
            schedule.step()
        if (chosen := score("validation")) > best[0]:
            best = (chosen, score("test"))
    return best[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--model", help="a version or a folder; default: the shipped one")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    results = {}
    for name in SETS:
        data = parts(name, options.corpora)
        starts = {"base encoder": None, "this version": find(options.model) / WEIGHTS}
        scores = {
            start: [fine_tuned(data, weights=weights, seed=seed) for seed in range(options.seeds)]
            for start, weights in starts.items()
        }
        results[name] = {
            "TF-IDF and logistic regression": round(tf_idf(data), 3),
            **{start: f"{statistics.mean(s):.3f} ({min(s):.3f} to {max(s):.3f})" for start, s in scores.items()},
        }
        print(json.dumps({name: results[name]}, indent=1))


if __name__ == "__main__":
    main()
