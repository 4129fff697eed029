"""A desk where nothing has happened yet says so in words, not in tables of noughts."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import init_workspace, open_workspace

SAID = {
    "status": "Nothing has come in yet",
    "queues --items": "No items are open.",
    "agreement": "No report was reviewed by two people yet",
    "agreement --blind-only": "without seeing what the first had said yet",
    "second-reviews": "No report was drawn for a second review yet",
    "review-next": "No report waits for a review here.",
    "deliveries list": "nothing waits for a destination",
    "actors new": "No names to review.",
    "hold list": "Nothing is held.",
    "people list": "sitrep people add",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    open_workspace.cache_clear()
    desk = tmp_path_factory.mktemp("empty") / "desk"
    init_workspace(desk)
    return desk


@pytest.mark.parametrize(("command", "words"), SAID.items(), ids=SAID)
def test_an_empty_desk_says_so(desk: Path, command: str, words: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "--workspace", str(desk)], catch_exceptions=False)
    assert done.exit_code == 0
    assert words in " ".join(done.output.split())
    assert "n/a" not in done.output


def test_what_is_too_little_to_compare_has_no_figures(desk: Path) -> None:
    done = CliRunner().invoke(app, ["drift", "--workspace", str(desk)], catch_exceptions=False)
    assert "too few" in done.output
    assert "0.00" not in done.output


def test_an_export_prints_one_line_and_no_bar(desk: Path, tmp_path: Path) -> None:
    out = tmp_path / "corrections.jsonl"
    done = CliRunner().invoke(
        app, ["export", "corrections", "--out", str(out), "--workspace", str(desk)], catch_exceptions=False
    )
    assert done.output.startswith("0 reports in")
    assert "Creating" not in done.output


def test_a_place_that_is_nowhere_is_said_to_be(desk: Path) -> None:
    done = CliRunner().invoke(app, ["gazetteer", "find", "Qzxwvutrs", "--workspace", str(desk)], catch_exceptions=False)
    assert "There is no place of that name" in done.output
