"""What a corpus does not say is unknown to the network, never negative."""

import numpy as np
import pytest
import torch

from models.base import bundled_base, load_tokenizer
from models.data import IGNORE, PARTIAL, Encoded, TrainingExample, TrainingSpan, allowed_tags, encode
from models.labels import ACTOR_ROLES, ACTOR_TYPES, TAGS, VIOLATIONS
from models.network import Outputs
from models.train import Recipe, _loss

TEXT = "Gunmen came to Damascus on Monday."
UNKNOWN = np.full(len(VIOLATIONS), np.nan, dtype=np.float32)
GUNMEN, DAMASCUS, MONDAY = TrainingSpan(0, 6, "A"), TrainingSpan(15, 23, "P"), TrainingSpan(27, 33, "D")


def labels(*spans: TrainingSpan, kinds: str, undecided: tuple[TrainingSpan, ...] = ()) -> dict[str, int]:
    """The label of each word of the text."""
    example = TrainingExample(TEXT, UNKNOWN, spans=spans, undecided=undecided, kinds=frozenset(kinds))
    tokenizer = load_tokenizer(bundled_base())
    (row,) = encode([example], tokenizer=tokenizer, max_tokens=64)
    found: dict[str, int] = {}
    for ident, label in zip(row.ids, row.tags, strict=True):
        found.setdefault(tokenizer.id_to_token(ident).removeprefix("##"), int(label))
    return found


def open_tags(label: int) -> set[str]:
    return {TAGS[i] for i in np.flatnonzero(allowed_tags()[label + PARTIAL])}


def test_a_text_marked_in_full_teaches_every_token() -> None:
    found = labels(GUNMEN, DAMASCUS, MONDAY, kinds="PAD")
    assert (found["gunmen"], found["damascus"], found["monday"]) == tuple(map(TAGS.index, ("B-A", "B-P", "B-D")))
    assert found["came"] == TAGS.index("O")
    assert found["[CLS]"] == IGNORE


def test_a_text_with_places_alone_says_nothing_of_actors_and_dates() -> None:
    found = labels(DAMASCUS, kinds="P")
    assert found["damascus"] == TAGS.index("B-P")
    assert open_tags(found["monday"]) == {"O", "B-A", "I-A", "B-D", "I-D"}


def test_what_is_undecided_may_be_that_kind_or_not() -> None:
    found = labels(GUNMEN, DAMASCUS, MONDAY, kinds="PAD", undecided=(GUNMEN,))
    assert open_tags(found["gunmen"]) == {"O", "B-A", "I-A"}
    assert labels(DAMASCUS, kinds="P", undecided=(DAMASCUS,))["damascus"] == IGNORE


@pytest.mark.parametrize("tag", range(len(TAGS)))
def test_a_known_tag_leaves_one_open(tag: int) -> None:
    assert open_tags(tag) == {TAGS[tag]}


def loss_of(label: int, logits: list[float]) -> float:
    """The loss of tags alone, of a text of one token."""
    outputs = Outputs(
        violations=torch.zeros(1, len(VIOLATIONS)), urgency=torch.zeros(1, 3), contributions=torch.zeros(1, 1, 19),
        tags=torch.tensor([[logits]]), types=torch.zeros(1, 1, len(ACTOR_TYPES)), roles=torch.zeros(1, 1, len(ACTOR_ROLES)),
    )  # fmt: skip
    nothing = np.array([IGNORE])
    row = Encoded([0], np.array([label]), nothing, nothing)
    example = TrainingExample(TEXT, UNKNOWN)
    weights = torch.ones(len(VIOLATIONS))
    return float(_loss(outputs, [example], [row], weights, Recipe(token_weight=1.0), torch.device("cpu")))


LOGITS = [0.3, -1.0, 0.5, 2.0, 0.1, -0.4, 1.2]


def test_the_loss_of_a_known_tag_is_cross_entropy() -> None:
    expected = torch.nn.functional.cross_entropy(torch.tensor([LOGITS]), torch.tensor([3]))
    assert loss_of(3, LOGITS) == pytest.approx(float(expected))
    assert loss_of(IGNORE, LOGITS) == 0.0


def test_the_loss_of_a_partial_label_asks_only_for_what_it_rules_out() -> None:
    not_a_place = labels(kinds="P")["monday"]
    moved = list(np.array(LOGITS)[[3, 1, 2, 0, 5, 4, 6]])  # what is left open changes places
    assert loss_of(not_a_place, LOGITS) == pytest.approx(loss_of(not_a_place, moved))
    surer = [x - 3 if TAGS[i].endswith("P") else x for i, x in enumerate(LOGITS)]
    assert loss_of(not_a_place, surer) < loss_of(not_a_place, LOGITS)
