"""The model as it ships: the same answer alone and in company, on every runtime; nothing cut, nothing altered."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models.base import bundled_base
from models.batching import token_batches
from models.cpu import OpenVinoModel
from models.gpu import TorchModel
from models.manifest import WEIGHTS, load_manifest
from models.registry import find
from models.runtime import Ids, Outputs, Runtime
from models.windows import OVERLAP, WINDOW, windows
from pipeline.classify import ReportModel, decide
from pipeline.errors import ModelError
from pipeline.report import Reading

TEXTS = [
    "Armed men on motorcycles entered the village at dusk and shot seven farmers at the well.",
    "The office held a two-day training on the prohibition of torture for forty officers of the gendarmerie.",
    "bandits just carry 11 of our people, they call, say pay before tmrw nite or they kill. pls help",
    "ok",
    "On 3 March police arrested a journalist in Lusaka. " * 3,
    "Shelling of the market went on for a third day; the hospital has no fuel left and nobody can leave. " * 12,
]


def probabilities(readings: list[Reading]) -> np.ndarray:
    return np.array([[*r.violations.values(), *r.urgency.values()] for r in readings])


def test_a_report_reads_the_same_alone_and_in_company(model: ReportModel) -> None:
    together = probabilities(model.read(TEXTS))
    alone = np.concatenate([probabilities(model.read([text])) for text in TEXTS])
    backwards = probabilities(model.read(TEXTS[::-1]))[::-1]
    assert np.abs(together - alone).max() < 1e-3
    assert np.abs(together - backwards).max() < 1e-3


def test_the_graph_answers_as_the_network_does(model: ReportModel) -> None:
    reference = TorchModel.load(find(None), precision="fp32")
    assert np.abs(probabilities(model.read(TEXTS)) - probabilities(reference.read(TEXTS))).max() < 1e-3


def test_bf16_stays_near_and_decides_alike(model: ReportModel) -> None:
    quick = models.load(device="cpu", precision="bf16")
    a, b = model.read(TEXTS), quick.read(TEXTS)
    assert np.abs(probabilities(a) - probabilities(b)).max() < 2e-2
    for text, first, second in zip(TEXTS, a, b, strict=True):
        one, two = (decide(r, text=text, rules=model.rules) for r in (first, second))
        assert [v.decided for v in one.violations] == [v.decided for v in two.violations]
        assert one.urgency.id == two.urgency.id


def test_the_processor_computes_few_shapes_however_long_the_texts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, shapes = models.load(device="cpu"), set()
    assert isinstance(quick, OpenVinoModel)
    texts = ["word " * words for words in range(1, 121, 7)]  # eighteen
    expected = probabilities([reading for text in texts for reading in quick.read([text])])
    request = quick._request

    class Watched:
        def infer(self, inputs: list[np.ndarray]) -> Any:
            shapes.update(array.shape for array in inputs)
            return request.infer(inputs)

    monkeypatch.setitem(vars(quick), "_request", Watched())
    monkeypatch.setattr(quick, "tokens_per_batch", 512)
    for count in (3, 7, 18):
        together = probabilities(quick.read(texts[:count]))
        assert np.abs(together - expected[:count]).max() < 2e-2
    assert all(tokens % 16 == 0 and rows in (1, 2, 4, 8, 16, 32, 512 // tokens) for rows, tokens in shapes)


class Silent(Runtime):
    """Computes nothing, so that what is left is what every runtime keeps."""

    def compute(self, ids: Ids, attention: Ids) -> Outputs:
        rows, tokens = ids.shape
        return (
            np.zeros((rows, 19), np.float32), np.zeros((rows, tokens, 19), np.float32),
            np.zeros((rows, tokens, 23), np.float32),
        )  # fmt: skip


def test_memory_does_not_grow_with_the_long_texts_of_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = load_manifest(find(None))
    silent = Silent(manifest, bundled_base())
    monkeypatch.setattr(silent, "characters_at_once", 20_000)

    def peak(texts: int) -> int:
        tracemalloc.start()
        silent.read(["x " * 5_000] * texts)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)  # what is loaded once
    assert peak(16) < 1.5 * peak(2)


def test_texts_are_read_alike_however_many_at_once(model: ReportModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = probabilities(model.read(TEXTS))
    for characters in (1, 200, 1000):
        monkeypatch.setattr(model, "characters_at_once", characters)
        assert np.abs(probabilities(model.read(TEXTS)) - expected).max() < 1e-3
    assert model.read([]) == []


def test_a_violation_in_the_last_paragraph_of_three_thousand_words_is_found(model: ReportModel) -> None:
    filler = (
        "The committee met in the afternoon and adopted its agenda for the coming quarter without discussion. " * 190
    )
    last = (
        "Gunmen stormed the village last night, shot dead nine villagers and abducted four girls, who are still held."
    )
    text = filler + last
    assert len(text.split()) > 2800
    decision = decide(model.read([text])[0], text=text, rules=model.rules)
    decided = {v.id for v in decision.violations if v.decided}
    assert decided & {"unlawful_killing", "attack_on_civilians", "enforced_disappearance"}
    found = next(v for v in decision.violations if v.decided)
    assert text[found.evidence[0].start : found.evidence[0].end] == last


def test_evidence_and_tags_index_the_text(model: ReportModel) -> None:
    for text, reading in zip(TEXTS, model.read(TEXTS), strict=True):
        spans = [(s.start, s.end) for s in reading.sentences] + [(t.start, t.end) for t in reading.tags]
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert abs(sum(reading.urgency.values()) - 1) < 1e-6


def test_empty_and_odd_texts_are_read(model: ReportModel) -> None:
    assert len(model.read(["", " ", "\n\n", "۞", "x" * 20_000])) == 5


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(find(None), folder)
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(ModelError, match="altered or damaged"):
        models.load(folder, device="cpu")


def test_an_unknown_version_is_named() -> None:
    with pytest.raises(ModelError, match="no model 'nonesuch'"):
        models.load("nonesuch", device="cpu")


@given(st.integers(0, 2000))
def test_windows_answer_for_every_token_once(tokens: int) -> None:
    offsets = [(i, i + 1) for i in range(tokens)]
    cut = windows(0, list(range(tokens)), offsets, start_id=-1, end_id=-2)
    answered = [i for w in cut for i in w.ids[w.first : w.last]]
    assert answered == list(range(tokens))
    assert all(len(w.ids) <= WINDOW for w in cut)
    assert OVERLAP < WINDOW / 2


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(100, 4096))
def test_batches_hold_every_text_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget=budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= budget for b in batches)
