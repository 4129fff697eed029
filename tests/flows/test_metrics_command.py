"""`sitrep metrics`: printed, or as a file that node_exporter reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import init_workspace


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "desk")
    return tmp_path / "desk"


def test_metrics_are_printed_or_written_whole(desk: Path, tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["metrics", "-w", str(desk)])
    assert printed.exit_code == 0
    assert "sitrep_pending_reports" in {family.name for family in text_string_to_metric_families(printed.stdout)}
    out = tmp_path / "sitrep.prom"
    assert CliRunner().invoke(app, ["metrics", "--out", str(out), "-w", str(desk)]).exit_code == 0
    assert out.read_text() == printed.stdout
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["sitrep.prom"]


def test_a_folder_that_is_not_there_is_named(desk: Path, tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["metrics", "--out", str(tmp_path / "none" / "sitrep.prom"), "-w", str(desk)])
    assert refused.exit_code == 2
    assert "cannot be written" in refused.stderr
