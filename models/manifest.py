"""What a version's folder holds: weights, and a manifest that says what they are and how to read them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.base import BASE_SHA256, file_sha256
from models.labels import ACTOR_ROLES, ACTOR_TYPES, TAGS, URGENCIES, VIOLATIONS
from pipeline.classify.calibration import Platt
from pipeline.classify.rules import DecisionRules
from pipeline.errors import ModelError

MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"


@dataclass(frozen=True)
class Manifest:
    """A version: its name, the hash of its weights, calibration, rules, and how it was made."""

    name: str
    weights_sha256: str
    base_sha256: str
    languages: tuple[str, ...]
    calibration: Platt
    rules: DecisionRules
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return f"{self.name}@{self.weights_sha256[:8]}"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    values = {
        "name": manifest.name,
        "weights_sha256": manifest.weights_sha256,
        "base_sha256": manifest.base_sha256,
        "languages": list(manifest.languages),
        "labels": _labels(),
        "calibration": {
            "slope": [round(float(v), 6) for v in manifest.calibration.slope],
            "offset": [round(float(v), 6) for v in manifest.calibration.offset],
        },
        "rules": manifest.rules.to_json(),
        "metrics": manifest.metrics,
        "training": manifest.training,
    }
    (folder / MANIFEST).write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_manifest(folder: Path) -> Manifest:
    """The manifest of a version's folder; ModelError where it is missing or for other labels."""
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["labels"] != _labels():
            raise ModelError(f"{path}: made for another taxonomy: train again with `sitrep train`")
        calibration = Platt(np.array(values["calibration"]["slope"]), np.array(values["calibration"]["offset"]))
        return Manifest(
            name=values["name"],
            weights_sha256=values["weights_sha256"],
            base_sha256=values["base_sha256"],
            languages=tuple(values["languages"]),
            calibration=calibration,
            rules=DecisionRules.from_json(values["rules"]),
            metrics=values["metrics"],
            training=values["training"],
        )
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}: there is no model in this folder") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not a manifest of a model ({type(error).__name__})") from error


def verified_weights(folder: Path, manifest: Manifest, base: Path) -> dict[str, NDArray[np.float32]]:
    """All tensors in float32, after checking the files' hashes; ModelError where one was altered."""
    from safetensors import safe_open
    from safetensors.numpy import load_file

    path = folder / WEIGHTS
    if file_sha256(path) != manifest.weights_sha256:
        raise ModelError(f"{path} is not what its manifest says: it was altered or damaged; install it again")
    if manifest.base_sha256 != BASE_SHA256:
        raise ModelError(f"{folder} was trained on another base encoder than the one installed")
    weights = {name: tensor.astype(np.float32) for name, tensor in load_file(path).items()}
    with safe_open(base / "model.safetensors", framework="numpy") as opened:
        name = next(n for n in opened.keys() if n.endswith("embeddings.word_embeddings.weight"))  # noqa: SIM118
        weights["encoder.embeddings.word_embeddings.weight"] = opened.get_tensor(name).astype(np.float32)
    return weights


def _labels() -> dict[str, list[str]]:
    return {
        "violations": list(VIOLATIONS),
        "urgencies": list(URGENCIES),
        "actor_types": list(ACTOR_TYPES),
        "actor_roles": list(ACTOR_ROLES),
        "tags": list(TAGS),
    }
