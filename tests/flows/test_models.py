"""Versions of the model through the commands: scored side by side, promoted, refused, rolled back."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import init_workspace, open_workspace
from models.manifest import MANIFEST, WEIGHTS
from models.registry import find
from pipeline.errors import ModelError
from pipeline.store import audit

runner = CliRunner()


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "desk")
    return tmp_path / "desk"


def candidate(desk: Path, name: str, *, threshold: float | None = None) -> None:
    """The shipped version under another name, with other bytes in its weights file; deaf, where a threshold is given."""
    folder = desk / "models" / name
    shutil.copytree(find(None), folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    with (folder / WEIGHTS).open("r+b") as stream:  # a comment in the header's padding: other bytes, same tensors
        data = stream.read()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        header["__metadata__"] = {"name": name}
        packed = json.dumps(header).encode()
        stream.seek(0)
        stream.write(len(packed).to_bytes(8, "little") + packed + data[8 + size :])
        stream.truncate()
    manifest |= {"name": name, "weights_sha256": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()}
    if threshold is not None:
        manifest["rules"]["thresholds"] = dict.fromkeys(manifest["rules"]["thresholds"], threshold)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def run(desk: Path, *arguments: str) -> dict[str, object]:
    result = runner.invoke(app, ["models", *arguments, "-w", str(desk), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_an_equal_version_is_promoted_and_rolled_back_with_a_trace(desk: Path) -> None:
    candidate(desk, "desk-1")
    assert run(desk, "promote", "desk-1", "--why", "knows our region", "--by", "A. Okoye")["name"] == "desk-1"
    opened = open_workspace(desk)
    assert opened.model_folder == desk / "models" / "desk-1"
    back = run(desk, "rollback", "--why", "too many alarms")
    assert opened.model_folder == find(None)
    assert back["name"] == find(None).name
    with opened.store.read() as connection:
        assert [e.action for e in audit.events(connection, subject="desk-1")] == ["model promoted"]
        assert [e.action for e in audit.events(connection, subject=find(None).name)] == ["model rolled back"]


def test_a_deaf_version_is_refused_with_its_figures(desk: Path) -> None:
    candidate(desk, "desk-1", threshold=0.999)
    with pytest.raises(ModelError, match=r"desk-1 was not promoted over .*micro f1 0\.\d+ to 0\.\d+"):
        run(desk, "promote", "desk-1", "--why", "a try")
    assert open_workspace(desk).model_folder == find(None)
