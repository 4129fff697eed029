"""Train, calibrate, evaluate and write a version of the model: one command reproduces the shipped one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from corpora import Example
from corpora.unlabelled import to_be_taught
from flows.evaluate import score_sets
from flows.training_data import examples, marked, training_example
from models.base import BASE_SHA256, bundled_base, file_sha256, load_tokenizer
from models.data import TrainingExample, encode
from models.distil import teach
from models.fit_rules import fit
from models.manifest import WEIGHTS, Manifest, write_manifest
from models.network import ReportNetwork, shipped_state
from models.scorecard import markdown
from models.train import Recipe, Trained, predict, train
from models.windows import WINDOW

LANGUAGES = ("en",)


def train_version(
    out: Path,
    *,
    root: Path | None,
    recipe: Recipe,
    full_labels: bool = True,
    start: Path | None = None,
    teachers: Sequence[Path] = (),
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train on the train splits and write the version to the folder `out`; its figures on the test splits.

    `root` is the folder of the outside corpora; without it, our own corpus alone is used. `start` is the folder of a
    version to go on from. `teachers` are folders of versions, whose mean labels outside texts that nobody read, to be
    learnt from as well.
    """  # fmt: skip
    training = examples("train", root=root, full_labels=full_labels) + (marked("train", root=root) if root else [])
    validation = examples("validation", root=root, full_labels=True)
    base = bundled_base()
    weights = [folder / WEIGHTS for folder in teachers]
    unread = to_be_taught(root) if root and teachers else []
    trained = train(
        [training_example(e) for e in training]
        + teach([e.text for e in unread], weights, base=base, max_tokens=recipe.max_tokens),
        [training_example(e) for e in validation],
        base=base, recipe=recipe, start=start / WEIGHTS if start else None, report=report,
    )  # fmt: skip
    lessons = {"corpora": _counts(unread), "data_sha256": data_hash(unread), "teachers": [*map(file_sha256, weights)]}
    return write_version(out, trained, training, root=root, start=start, taught=lessons if unread else None)


def write_version(
    out: Path, trained: Trained, training: list[Example], *, root: Path | None, start: Path | None = None,
    taught: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Weights, manifest and card of a trained network, with figures measured on the runtime that ships.

    `start` is the version that it went on from; `taught` says which unread texts it learnt from, and from which weights.
    """
    out.mkdir(parents=True, exist_ok=True)
    save_file(shipped_state(trained.network), out / WEIGHTS)
    calibration = [training_example(e) for e in examples("calibration", root=root, full_labels=True)]
    validation = [training_example(e) for e in examples("validation", root=root, full_labels=True)]
    platt, rules = fit(
        _logits(trained.network, calibration), calibration, _logits(trained.network, validation), validation
    )
    manifest = Manifest(
        name=out.name,
        weights_sha256=file_sha256(out / WEIGHTS),
        base_sha256=BASE_SHA256,
        languages=LANGUAGES,
        calibration=platt,
        rules=rules,
        training={
            "date": date.today().isoformat(),
            "recipe": trained.recipe,
            "history": trained.history,
            "corpora": _counts(training),
            "data_sha256": data_hash(training),
            **({"start": {"version": start.name, "weights_sha256": file_sha256(start / WEIGHTS)}} if start else {}),
            **({"taught": taught} if taught else {}),
            "torch": torch.__version__,
        },
    )
    write_manifest(out, manifest)
    metrics = score_sets(out, root)
    write_manifest(out, Manifest(**{**_fields(manifest), "metrics": metrics}))
    (out / "CARD.md").write_text(card(out.name, manifest, metrics), encoding="utf-8")
    return metrics


def _mentions(counts: dict[str, int]) -> list[str]:
    if "re3d" not in counts:
        return []
    return [
        "From the train parts of HumSet geolocation, re3d (defence and conflict prose), LGL and TR-News (news) pieces taught mentions",
        "alone, of the kinds that these corpora mark; their types and urgency are unknown and were masked.",
    ]


def _lessons(taught: dict[str, Any] | None) -> list[str]:
    if not taught:
        return []
    sources = ", ".join(f"{k} {v}" for k, v in taught["corpora"].items())
    return [
        f"Besides, from texts that nobody labelled ({sources}): their labels are the mean of {len(taught['teachers'])} networks",
        "trained on the texts above with other seeds, or on fewer of them. None shares seven words in a row with a held-out text.",
    ]


def data_hash(found: list[Example]) -> str:
    """SHA-256 over the texts and labels trained on, in order."""
    digest = hashlib.sha256()
    for e in found:
        marks = [(s.start, s.end, s.kind, s.type, s.role) for s in e.spans]
        digest.update(f"{e.id}\0{e.sha256}\0{sorted(e.violations.items())}\0{e.urgency}\0{marks}\n".encode())
    return digest.hexdigest()


def _logits(network: ReportNetwork, found: list[TrainingExample]) -> Any:
    encoded = encode(found, tokenizer=load_tokenizer(bundled_base()), max_tokens=WINDOW)
    device = next(network.parameters()).device
    outputs = predict(network, encoded, device=device)
    return np.stack([np.concatenate([o["violations"], o["urgency"]]) for o in outputs]).astype(np.float64)


def _counts(found: list[Example]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for e in found:
        counts[e.source] = counts.get(e.source, 0) + 1
    return counts


def _fields(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in manifest.__dataclass_fields__}


def card(name: str, manifest: Manifest, metrics: dict[str, Any]) -> str:
    """The model card."""
    training = manifest.training
    recipe = ", ".join(f"{k} {v}" for k, v in training["recipe"].items())
    start = training.get("start")
    options = f"--start {start['version']} " if start else ""
    lines = [
        f"# {manifest.version}",
        "",
        "A small multi-task transformer that reads a human-rights situation report once: 16 types of violation, four",
        "levels of urgency, and tags of places, actors and dates. English only. Weights: Apache-2.0.",
        "",
        "## What it was trained on",
        "",
        "Base encoder: all-MiniLM-L6-v2 (Apache-2.0), word embeddings frozen, everything else fine-tuned.",
        *(
            [
                f"It goes on from `{start['version']}` (weights `{start['weights_sha256'][:16]}`), which its own card describes."
            ]
            if start
            else []
        ),
        "Training texts by source: " + ", ".join(f"{k} {v}" for k, v in training["corpora"].items()) + ".",
        "`authored` is our own synthetic corpus (in `corpora/authored`). The others are public passages read and labelled by",
        "the labelling guide by one machine annotator, not adjudicated; their text is not part of Sitrep, only hashes and",
        "labels are (`corpora/annotations`); in some of them mentions are marked. Most passages were chosen because an earlier version",
        "was unsure of them. Sources: US State Department country reports 2022 (public domain), HumSet",
        "humanitarian documents, disaster response messages (CC BY); `incidents`: notes of the Aid Worker Security Database",
        "and the South Asia Terrorism Portal, openings of news in HRDsAttack (research use).",
        *_mentions(training["corpora"]),
        *_lessons(training.get("taught")),
        f"Data hash `{training['data_sha256'][:16]}`, {training['date']}, torch {training['torch']}. Recipe: {recipe}.",
        "",
        f"Reproduce: `sitrep train {options}--corpora DIR --out DIR` (seeded; another machine may differ in the last digits).",
        "",
        "## Figures on held-out data",
        "",
        "Never trained, tuned or calibrated on; documents and countries are kept whole. Intervals: bootstrap over reports.",
        "Thresholds were chosen on the validation and calibration splits. Macro F1 is over types with five reports or more.",
        "",
    ]
    for key, result in metrics.items():
        lines += [markdown(key, result), ""]
    lines += [
        "## Limits",
        "",
        "- Ceasefire violation, mission misconduct and electoral violence have hardly any real evaluation data: what they",
        "  reach on synthetic reports says little.",
        "- Urgency was labelled by one annotator; two such annotators agree at 0.84 (quadratic-weighted kappa).",
        "- Real critical reports are few in the held-out set: see the counts and the intervals.",
        "- No training passage shares seven words in a row with a held-out one (`python -m corpora overlap --corpora DIR`), and no",
        "  document or country is in both; the kinds of document are the same, so other kinds will fare worse.",
        "- Reports in other languages are not read; they go to manual review.",
        "- An aid to triage. It does not establish facts, and every decision is open to correction.",
        "",
    ]
    return "\n".join(lines)
