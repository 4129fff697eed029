"""The learning loop as a Prefect flow: corrections in, a candidate and a report of what it would change out.

The candidate goes on from the version in use, on the corrections and on a random part of the data that it learnt
before (replay, against forgetting: Rolnick et al. 2019). It is promoted by a person: `sitrep models promote` scores
it beside the version in use and refuses it where it is worse; `sitrep models rollback` undoes that.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import telemetry
from flows.corrections import corrected
from flows.shadow import shadow
from flows.train import write_version
from flows.training_data import examples, training_example
from flows.workspace import MODELS, open_workspace, utc_now
from models.base import bundled_base
from models.manifest import WEIGHTS
from models.train import Recipe, train
from pipeline.errors import ConfigurationError

REPORT = "retraining.json"
MAKING = ".making"
"""The folder, within that of the versions, in which one is made: it is there whole, with its report, or not at all."""
FEWEST_CORRECTIONS = 20
REPLAY = 3
"""Examples seen before, per correction; never fewer than a few hundred."""
FEWEST_REPLAYED = 300


def correction_recipe(*, epochs: int = 3, seed: int = 1) -> Recipe:
    """Small steps: the weights know their task already."""
    return Recipe(seed=seed, epochs=epochs, learning_rate=5e-5, head_learning_rate=3e-4)


def retrain_version(
    workspace: Path, name: str, *, corpora: Path | None, recipe: Recipe, now: datetime, include: Path | None = None,
    exclude: Path | None = None, fewest: int = FEWEST_CORRECTIONS, report: Callable[[str], None] = print,
) -> dict[str, Any]:  # fmt: skip
    """Train the version `name` from the one in use and the corrections; provenance, figures and a shadow run.

    ConfigurationError where the name is taken or the corrections are too few to learn from.
    """
    opened = open_workspace(workspace)
    models = opened.settings.path(MODELS)
    making = models / MAKING / name
    if (models / name).exists():
        raise ConfigurationError(f"there is a version {name!r} already: choose another name")
    with opened.store.read() as connection:
        said = corrected(connection, include=_ids(include), exclude=_ids(exclude) or frozenset())
    held_out = {
        e.sha256 for split in ("validation", "calibration", "test") for e in examples(split, root=corpora, full_labels=True)
    }  # fmt: skip
    said = [e for e in said if e.sha256 not in held_out]
    if len(said) < fewest:
        raise ConfigurationError(f"{len(said)} corrections are too few to learn from: at least {fewest} are needed")
    before = examples("train", root=corpora, full_labels=True)
    replayed = random.Random(recipe.seed).sample(before, min(len(before), max(FEWEST_REPLAYED, REPLAY * len(said))))
    start = opened.model_folder
    trained = train(
        [training_example(e) for e in (*said, *replayed)],
        [training_example(e) for e in examples("validation", root=corpora, full_labels=True)],
        base=bundled_base(), recipe=recipe, start=start / WEIGHTS, report=report,
    )  # fmt: skip
    shutil.rmtree(making, ignore_errors=True)  # of one that was cut off
    metrics = write_version(making, trained, [*said, *replayed], root=corpora, start=start)
    summary = {
        "version": name,
        "from": start.name,
        "at": now.isoformat(),
        "corrections": len(said),
        "replayed": len(replayed),
        "reports": [{"id": e.id, "sha256": e.sha256, "source": e.source} for e in said],
        "figures": {key: value["figures"] for key, value in metrics.items()},
        "shadow": shadow(opened, making),
    }
    (making / REPORT).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    making.rename(models / name)
    return summary


@task(name="retrain", cache_policy=NO_CACHE, persist_result=False)
def retrain_task(workspace: str, name: str, corpora: str | None, epochs: int, seed: int) -> dict[str, int]:
    """Train a candidate; counts only."""
    made = retrain_version(
        Path(workspace), name, corpora=Path(corpora) if corpora else None,
        recipe=correction_recipe(epochs=epochs, seed=seed), now=utc_now(), report=lambda line: None,
    )  # fmt: skip
    counts = {
        "corrections": made["corrections"],
        "replayed": made["replayed"],
        "touched_reports": made["shadow"]["touched_reports"],
    }
    telemetry.count(counts)
    return counts


@flow(name="retrain", persist_result=False, result_serializer="json")
def retrain(workspace: str, name: str, corpora: str | None = None, epochs: int = 3, seed: int = 1) -> dict[str, int]:
    """Learn from corrections into the version `name`, which waits for a person to promote it."""
    with telemetry.run("retrain"):
        return retrain_task(workspace, name, corpora, epochs, seed)


def _ids(path: Path | None) -> frozenset[str] | None:
    if path is None:
        return None
    try:
        return frozenset(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
