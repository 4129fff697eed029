"""Which version a workspace uses, who put it there and why; and what a new one must not be worse at.

A workspace keeps its own versions in its folder `models/`, and `models/champion.json` beside them names the one in
use. The hash of its weights is written there: a folder that changed after its promotion is refused.

>>> promote("desk-2", models=desk / "models", score=score, who="A. Okoye", why="knows our region", now=now)  # doctest: +SKIP
Champion(name='desk-2', weights_sha256='9c1e…', who='A. Okoye', why='knows our region', when='2025-02-14T12:00:00+00:00')

`score` measures a folder on the frozen sets, candidate and incumbent alike at the moment of promotion: no manifest is
taken at its word.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.base import file_sha256
from models.manifest import WEIGHTS, load_manifest
from models.registry import find, shipped
from pipeline.errors import ModelError

CHAMPION = "champion.json"
# What a version may lose against the one in use, on the same frozen reports. Where reports are few, a label may also lose
# as much as two of them are worth, and critical reports as much as one: less than that is chance.
MARGIN, LABEL_MARGIN = 0.01, 0.05
LABEL_REPORTS, CRITICAL_REPORTS = 2, 1
FEWEST_REPORTS = 5
ROUNDING = 1e-3  # figures are kept to four digits
# Figures by frozen set, as `models.evaluate.evaluate` gives them.
Scores = Mapping[str, Any]
OF_CRITICAL = ("critical_as_critical_or_high", "critical_seen_or_left_to_a_person")
GUARDED = ("micro_f1", "macro_f1", "urgency_kappa", *OF_CRITICAL)


@dataclass(frozen=True)
class Champion:
    """The version in use; `when` is ISO 8601 in UTC."""

    name: str
    weights_sha256: str
    who: str
    why: str
    when: str


def history(models: Path) -> list[Champion]:
    """All promotions of a workspace, oldest first; the last one is in force."""
    try:
        return [Champion(**entry) for entry in json.loads((models / CHAMPION).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, TypeError, ValueError) as error:
        raise ModelError(
            f"{models / CHAMPION} cannot be read ({type(error).__name__}): restore it, or remove it"
        ) from None


def versions(models: Path) -> dict[str, Path]:
    """Folders of all versions by name: those of the workspace, then the shipped ones."""
    own = {f.parent.name: f.parent for f in sorted(models.glob("*/manifest.json"))} if models.is_dir() else {}
    return {**shipped(), **own}


def champion_folder(models: Path) -> Path:
    """The folder of the version in use: the one promoted last, or the shipped default."""
    found = history(models)
    if not found:
        return find(None)
    folder = versions(models).get(found[-1].name)
    if folder is None:
        raise ModelError(
            f"the version in use, {found[-1].name!r}, is gone from {models}: roll back, or put it there again"
        )
    if file_sha256(folder / WEIGHTS) != found[-1].weights_sha256:
        raise ModelError(f"{folder} changed since it was promoted: promote it again, or roll back")
    return folder


def promote(name: str, *, models: Path, score: Callable[[Path], Scores], who: str, why: str, now: datetime) -> Champion:
    """Put a version in use; ModelError where it is worse than the one in use on any frozen set."""
    folder = versions(models).get(name)
    if folder is None:
        raise ModelError(f"there is no version {name!r} in {models}; there are: {', '.join(versions(models))}")
    in_use = champion_folder(models)
    candidate, incumbent = load_manifest(folder), load_manifest(in_use)
    if file_sha256(folder / WEIGHTS) != candidate.weights_sha256:
        raise ModelError(f"{folder / WEIGHTS} is not what its manifest says: it was altered or damaged")
    same = candidate.weights_sha256 == incumbent.weights_sha256
    if not same and (found := worse(score(folder), score(in_use))):
        raise ModelError(f"{name} was not promoted over {incumbent.version}: " + "; ".join(found))
    return _write(models, Champion(name, candidate.weights_sha256, who, why, now.isoformat()))


def rollback(*, models: Path, who: str, why: str, now: datetime) -> Champion:
    """Put the version used before the present one back in use; without a former one, the shipped default."""
    found = history(models)
    if not found:
        raise ModelError("nothing was promoted here: the shipped version is in use already")
    present = found[-1].weights_sha256
    for entry in reversed(found):
        folder = versions(models).get(entry.name)
        if entry.weights_sha256 != present and folder and file_sha256(folder / WEIGHTS) == entry.weights_sha256:
            return _write(models, Champion(entry.name, entry.weights_sha256, who, why, now.isoformat()))
    default = find(None)
    return _write(models, Champion(default.name, file_sha256(default / WEIGHTS), who, why, now.isoformat()))


def worse(candidate: Scores, incumbent: Scores) -> list[str]:
    """What the candidate loses beyond the margins, in words; empty where it may be promoted."""
    found = []
    for name, old in incumbent.items():
        new = candidate[name]
        one_critical = CRITICAL_REPORTS / max(1, sum(old["urgency_confusion"][-1]))
        for figure in GUARDED:
            was, now = _value(old["figures"], figure), _value(new["figures"], figure)
            margin = max(MARGIN, one_critical + ROUNDING) if figure in OF_CRITICAL else MARGIN
            if was is not None and (now is None or now < was - margin):
                found.append(f"{name}: {figure.replace('_', ' ')} {_number(was)} to {_number(now)}")
        for label, before in old["per_label"].items():
            if before["reports"] < FEWEST_REPORTS or before["f1"] is None:
                continue
            after = new["per_label"][label]["f1"]
            margin = max(LABEL_MARGIN, LABEL_REPORTS / before["reports"])
            if after is None or after < before["f1"] - margin:
                found.append(f"{name}: {label} F1 {_number(before['f1'])} to {_number(after)}")
    return found


def _write(models: Path, entry: Champion) -> Champion:
    """Append to the history, in one step: a crash leaves the old file or the new one."""
    models.mkdir(parents=True, exist_ok=True)
    entries = [asdict(e) for e in (*history(models), entry)]
    fresh = models / (CHAMPION + ".new")
    with fresh.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(models / CHAMPION)
    return entry


def _value(figures: dict[str, Any], name: str) -> float | None:
    found = figures.get(name)
    return None if found is None else found["value"]


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
