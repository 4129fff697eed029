"""Teaching: the mean of networks as the labels of texts that nobody read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from models.base import bundled_base
from models.data import IGNORE, encode
from models.distil import teach
from models.labels import TAGS
from models.network import build
from models.registry import find
from models.train import Recipe, _loss, collate

TEXTS = [
    "On 3 March, two farmers were killed by unknown gunmen near the village of Kelbar.",
    "A workshop on the rights of detainees was held for forty officers.",
]


@pytest.fixture(scope="module")
def weights() -> Path:
    return find(None) / "weights.safetensors"


def test_the_mean_of_a_network_with_itself_is_what_it_says(weights: Path) -> None:
    once = teach(TEXTS, [weights], base=bundled_base(), max_tokens=256)
    twice = teach(TEXTS, [weights, weights], base=bundled_base(), max_tokens=256)
    for one, two in zip(once, twice, strict=True):
        assert np.allclose(one.violations, two.violations, atol=1e-5)
        assert one.taught
        assert two.taught
        assert (one.taught.tags == two.taught.tags).all()
    assert once[0].violations.max() > 0.5 > once[1].violations.max()


def test_every_token_of_a_text_has_a_tag_and_only_actors_have_types(weights: Path) -> None:
    examples = teach(TEXTS, [weights], base=bundled_base(), max_tokens=256)
    encoded = encode(examples, tokenizer=_tokenizer(), max_tokens=256)
    for row in encoded:
        assert len(row.ids) == len(row.tags) == len(row.types) == len(row.roles)
        actors = np.isin(row.tags, [TAGS.index("B-A"), TAGS.index("I-A")])
        assert ((row.types != IGNORE) == actors).all()
    assert (encoded[0].tags > 0).any()


def test_a_teacher_has_nothing_to_learn_from_itself(weights: Path) -> None:
    examples = teach(TEXTS, [weights], base=bundled_base(), max_tokens=256)
    encoded = encode(examples, tokenizer=_tokenizer(), max_tokens=256)
    network = build(bundled_base(), weights=weights, dropout=0.0).eval()
    recipe = Recipe(token_weight=0, actor_weight=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = network(*collate(encoded))
    outputs.violations.retain_grad()
    outputs.urgency.retain_grad()
    heavy = torch.full((16,), 4.0)  # the weight of labelled positives, which must not touch what was taught
    _loss(outputs, examples, encoded, heavy, recipe, torch.device("cpu")).backward()  # type: ignore[no-untyped-call]
    assert outputs.violations.grad is not None
    assert outputs.urgency.grad is not None
    assert outputs.violations.grad.abs().max() < 5e-3
    assert outputs.urgency.grad.abs().max() < 5e-3


def test_nothing_to_teach_is_no_error() -> None:
    assert teach([], [], base=bundled_base(), max_tokens=256) == []


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(bundled_base() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
