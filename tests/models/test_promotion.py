"""Versions in use: promoted with a reason, never a worse one, and back again."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.manifest import MANIFEST, WEIGHTS
from models.promotion import CHAMPION, champion_folder, history, promote, rollback, versions, worse
from models.registry import find
from pipeline.errors import ModelError

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
SET = "real passages"


def version(models: Path, name: str, **figures: float) -> Path:
    """A version with the shipped one's figures, but those given; its weights are a few bytes."""
    folder = models / name
    folder.mkdir(parents=True)
    manifest: dict[str, Any] = json.loads((find(None) / MANIFEST).read_text(encoding="utf-8"))
    (folder / WEIGHTS).write_bytes(name.encode())
    manifest |= {"name": name, "weights_sha256": hashlib.sha256(name.encode()).hexdigest()}
    for key, value in figures.items():
        found = manifest["metrics"][SET]["figures"]
        if key in found:
            found[key]["value"] = value
        else:
            manifest["metrics"][SET]["per_label"][key]["f1"] = value
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def score(folder: Path) -> Any:
    return json.loads((folder / MANIFEST).read_text())["metrics"]


def change(models: Path, name: str) -> str:
    return promote(name, models=models, score=score, who="A. Okoye", why="knows our region", now=NOW).name


def test_without_a_promotion_the_shipped_version_is_in_use(tmp_path: Path) -> None:
    assert champion_folder(tmp_path) == find(None)
    assert find(None).name in versions(tmp_path)


def test_a_promotion_says_who_why_and_when(tmp_path: Path) -> None:
    folder = version(tmp_path, "desk-1")
    change(tmp_path, "desk-1")
    assert champion_folder(tmp_path) == folder
    (entry,) = history(tmp_path)
    assert (entry.who, entry.why, entry.when) == ("A. Okoye", "knows our region", "2025-02-14T12:00:00+00:00")


@pytest.mark.parametrize("figure", ["micro_f1", "macro_f1", "urgency_kappa", "restriction_of_freedoms"])
def test_a_worse_version_is_refused_with_the_figure(tmp_path: Path, figure: str) -> None:
    version(tmp_path, "desk-1", **{figure: 0.2})
    with pytest.raises(ModelError, match=figure.replace("_", ".")):
        change(tmp_path, "desk-1")
    assert champion_folder(tmp_path) == find(None)


def test_one_critical_report_fewer_is_chance_and_two_are_not() -> None:
    incumbent = score(find(None))["synthetic reports"]
    critical = sum(incumbent["urgency_confusion"][-1])
    for fewer, refused in ((1, False), (2, True)):
        candidate = json.loads(json.dumps(incumbent))
        candidate["figures"]["critical_as_critical_or_high"]["value"] -= fewer / critical
        assert bool(worse({"synthetic": candidate}, {"synthetic": incumbent})) is refused


def test_a_rollback_returns_to_the_version_before(tmp_path: Path) -> None:
    for name in ("desk-1", "desk-2"):
        version(tmp_path, name)
        change(tmp_path, name)
    rollback(models=tmp_path, who="A. Okoye", why="too many alarms", now=NOW)
    assert champion_folder(tmp_path).name == "desk-1"
    assert [e.name for e in history(tmp_path)] == ["desk-1", "desk-2", "desk-1"]


def test_the_first_rollback_returns_to_the_shipped_version(tmp_path: Path) -> None:
    version(tmp_path, "desk-1")
    change(tmp_path, "desk-1")
    rollback(models=tmp_path, who="A. Okoye", why="too many alarms", now=NOW)
    assert champion_folder(tmp_path) == find(None)


def test_a_folder_changed_after_its_promotion_is_refused(tmp_path: Path) -> None:
    folder = version(tmp_path, "desk-1")
    change(tmp_path, "desk-1")
    (folder / WEIGHTS).write_bytes(b"other")
    with pytest.raises(ModelError, match="changed since it was promoted"):
        champion_folder(tmp_path)


def test_a_version_in_use_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = version(tmp_path, "desk-1")
    change(tmp_path, "desk-1")
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="'desk-1', is gone"):
        champion_folder(tmp_path)


def test_altered_weights_are_not_promoted(tmp_path: Path) -> None:
    folder = version(tmp_path, "desk-1")
    (folder / WEIGHTS).write_bytes(b"other")
    with pytest.raises(ModelError, match="altered or damaged"):
        change(tmp_path, "desk-1")


def test_a_damaged_history_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / CHAMPION).write_text("{")
    with pytest.raises(ModelError, match="restore it"):
        champion_folder(tmp_path)
