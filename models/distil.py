"""Texts that nobody labelled, labelled by the mean of several trained networks (Hinton, Vinyals and Dean 2015).

Networks that differ only in their seed err on different texts; their mean errs less than any of them, and one network
that learns it from many texts keeps most of the gain at the cost of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from models.base import load_tokenizer
from models.data import IGNORE, Taught, TrainingExample, encode
from models.labels import TAGS, VIOLATIONS
from models.network import build
from models.train import predict
from pipeline.classify.calibration import sigmoid

UNKNOWN = np.full(len(VIOLATIONS), np.nan, dtype=np.float32)
OF_ACTORS = [TAGS.index("B-A"), TAGS.index("I-A")]


def teach(
    texts: Sequence[str], teachers: Sequence[Path], *, base: Path, max_tokens: int, weight: float = 1.0
) -> list[TrainingExample]:
    """The texts as examples with the mean logits of the weights files `teachers`: soft types and levels, hard tags."""
    if not texts:
        return []
    unread = [TrainingExample(text, UNKNOWN) for text in texts]
    encoded = encode(unread, tokenizer=load_tokenizer(base), max_tokens=max_tokens)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    said = [predict(build(base, weights=path).to(device), encoded, device=device) for path in teachers]
    examples = []
    for text, *outputs in zip(texts, *said, strict=True):
        mean = {name: np.mean([o[name] for o in outputs], axis=0) for name in outputs[0]}
        tags = mean["tags"].argmax(-1)
        tags[[0, -1]] = IGNORE  # the tokens that open and close a text
        actor = np.isin(tags, OF_ACTORS)
        taught = Taught(
            at_least=sigmoid(mean["urgency"]).astype(np.float32),
            tags=tags,
            types=np.where(actor, mean["types"].argmax(-1), IGNORE),
            roles=np.where(actor, mean["roles"].argmax(-1), IGNORE),
        )
        examples.append(
            TrainingExample(text, sigmoid(mean["violations"]).astype(np.float32), weight=weight, taught=taught)
        )
    return examples
