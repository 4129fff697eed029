"""How much 200 corrections raise the macro F1 on held-out real passages, chosen well and chosen at random.

    python -m tests.benchmarks.corrections --corpora DIR --seeds 20

Each run starts from `--start` labelled passages drawn at random, trains a logistic regression per violation on
mean-pooled vectors of the bundled encoder as it comes (never tuned on these texts), then lets a reviewer correct 200
passages in rounds of 25: the ones that `pipeline.classify.select` chooses, or random ones. The labels of the train
split stand in for the reviewer. Scored on the test split: other documents and countries. The interval is a bootstrap
over seeds of the paired difference. A simulation with a light classifier, not the fine-tuned network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from flows.training_data import examples, training_example
from models.base import bundled_base
from models.data import encode
from models.labels import VIOLATIONS
from models.network import build
from models.train import collate
from pipeline.classify.select import choose

CORRECTIONS, ROUND = 200, 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--start", type=int, default=100)
    asked = parser.parse_args()
    pool_x, pool_y = embedded("train", asked.corpora)
    test_x, test_y = embedded("test", asked.corpora)
    curves = {
        name: np.array([simulate(pool_x, pool_y, test_x, test_y, seed=s, start=asked.start, chosen=name == "chosen")
                        for s in range(asked.seeds)])
        for name in ("chosen", "random")
    }  # fmt: skip
    gain = {name: curve[:, -1] - curve[:, 0] for name, curve in curves.items()}
    print(json.dumps({
        "pool": len(pool_x), "test": len(test_x), "seeds": asked.seeds, "start": asked.start,
        "corrections": list(range(0, CORRECTIONS + 1, ROUND)),
        "macro_f1": {name: curve.mean(axis=0).round(4).tolist() for name, curve in curves.items()},
        "gain_of_200": {name: interval(values) for name, values in gain.items()},
        "chosen_less_random": interval(gain["chosen"] - gain["random"]),
        "corrections_chosen_that_equal_200_random": needed(curves),
    }, indent=1))  # fmt: skip


def embedded(split: str, root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vectors *(passages, 384)* and labels *(passages, 16)* of the real passages of a split that are fully labelled."""
    found = [training_example(e) for e in examples(split, root=root, full_labels=True) if not e.synthetic]  # type: ignore[arg-type]
    found = [e for e in found if not np.isnan(e.violations).any()]
    tokenizer = Tokenizer.from_file(str(bundled_base() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoded = encode(found, tokenizer=tokenizer, max_tokens=256)
    encoder = build(bundled_base(), dropout=0.0).eval().encoder
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids))
    vectors = np.zeros((len(encoded), 384))
    with torch.inference_mode():
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            ids, attention = collate([encoded[i] for i in rows])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                hidden = encoder(input_ids=ids, attention_mask=attention).last_hidden_state.float()
            mask = attention[..., None].float()
            vectors[rows] = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()
    return vectors, np.stack([e.violations for e in found]) > 0.5


def simulate(
    pool_x: np.ndarray, pool_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, *, seed: int, start: int, chosen: bool
) -> list[float]:  # fmt: skip
    """Macro F1 after 0, 25, ... 200 corrections."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pool_x))
    have = list(order[:start])
    scores = []
    for _ in range(0, CORRECTIONS + 1, ROUND):
        fit = [head(pool_x[have], pool_y[have, i]) for i in range(len(VIOLATIONS))]
        scores.append(macro_f1(predict(fit, test_x) > 0.5, test_y))
        rest = np.setdiff1d(order, have, assume_unique=True)
        if chosen:
            picked = choose(
                predict(fit, pool_x[rest]), positives=pool_y[have].sum(axis=0), count=ROUND, features=pool_x[rest]
            )
        else:
            picked = list(rng.choice(len(rest), ROUND, replace=False))
        have += list(rest[picked])
    return scores


def head(x: np.ndarray, y: np.ndarray) -> LogisticRegression | float:
    """A classifier; without two kinds of example, the share of positives."""
    if y.all() or not y.any():
        return float(y.mean())
    return LogisticRegression(C=10, class_weight="balanced", max_iter=300).fit(x, y)


def predict(heads: list[LogisticRegression | float], x: np.ndarray) -> np.ndarray:
    columns = [np.full(len(x), h) if isinstance(h, float) else h.predict_proba(x)[:, 1] for h in heads]
    return np.stack(columns, axis=1)


def macro_f1(said: np.ndarray, true: np.ndarray) -> float:
    """Over types with five reports or more."""
    kept = true.sum(axis=0) >= 5
    both = (said & true).sum(axis=0)[kept]
    return float((2 * both / np.maximum(1, said.sum(axis=0)[kept] + true.sum(axis=0)[kept])).mean())


def interval(values: np.ndarray) -> dict[str, float]:
    """Mean with 95% bootstrap interval over seeds."""
    rng = np.random.default_rng(0)
    means = np.sort([values[rng.integers(0, len(values), len(values))].mean() for _ in range(2000)])
    return {
        "mean": round(float(values.mean()), 4),
        "low": round(float(means[50]), 4),
        "high": round(float(means[1949]), 4),
    }


def needed(curves: dict[str, np.ndarray]) -> int | None:
    """The fewest chosen corrections, in rounds, with which the mean reaches that of 200 random ones."""
    reached = np.flatnonzero(curves["chosen"].mean(axis=0) >= curves["random"].mean(axis=0)[-1])
    return int(reached[0]) * ROUND if len(reached) else None


if __name__ == "__main__":
    main()
