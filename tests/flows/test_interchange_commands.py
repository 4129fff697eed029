"""Out to other tools and back, as commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import datasets
import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.workspace import open_workspace

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    open_workspace.cache_clear()
    runner = CliRunner()

    def running(*arguments: str, code: int = 0) -> Result:
        given = [*arguments, "--workspace", str(tmp_path / "desk")]
        result = runner.invoke(app, given if arguments[0] != "init" else [*arguments])
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    running("init", str(tmp_path / "desk"))
    reports = tmp_path / "r.jsonl"
    reports.write_text(
        json.dumps({"id": "A1", "text": "🚒 Soldiers beat two traders in Gao, Mali, on 12 February 2025.\r\nOne died."}) + "\n"
        + json.dumps({"id": "A2", "text": "Police arrested four journalists in Mopti, Mali, for their reporting."}) + "\n"
    )  # fmt: skip
    running("run", str(reports), "--direct")
    return running


@pytest.mark.parametrize("what", ["label-studio", "argilla", "uwazi", "primero", "followthemoney", "hxl", "geojson"])
def test_every_format_holds_every_report(run: Run, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    assert json.loads(run("export", what, "--out", str(out), "--json").stdout)["written"] == 2
    assert "Gao" in out.read_text(encoding="utf-8")


def test_the_labels_of_a_project_lie_beside_its_tasks(run: Run, tmp_path: Path) -> None:
    said = json.loads(run("export", "label-studio", "--out", str(tmp_path / "tasks.json"), "--json").stdout)
    labels = ElementTree.parse(said["project"])
    assert Path(said["project"]) == tmp_path / "tasks.labels.xml"
    for task in json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8")):
        for result in task["predictions"][0]["result"]:
            control = labels.find(f"*[@name='{result['from_name']}'][@toName='{result['to_name']}']")
            assert control is not None
            assert control.tag.lower() == result["type"]
            assert {*result["value"][result["type"]]} <= {choice.get("value") for choice in control}
    said = json.loads(run("export", "argilla", "--out", str(tmp_path / "records.jsonl"), "--json").stdout)
    questions = {q["name"] for q in json.loads(Path(said["project"]).read_text(encoding="utf-8"))["questions"]}
    records = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(set(record["suggestions"]) <= questions for record in records)


def test_annotations_come_back_once_and_become_a_dataset(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "tasks.json"
    run("export", "label-studio", "--out", str(out))
    tasks = json.loads(out.read_text(encoding="utf-8"))
    for task in tasks:
        task["annotations"] = [{"completed_by": 7, "result": task["predictions"][0]["result"]}]
    out.write_text(json.dumps(tasks), encoding="utf-8")
    assert json.loads(run("import", "corrections", str(out), "--json").stdout)["added"] == 2
    assert json.loads(run("import", "corrections", str(out), "--json").stdout) == {
        "added": 0, "known": 2, "unknown_reports": 0,
    }  # fmt: skip
    run("export", "corrections", "--out", str(tmp_path / "set"))
    loaded = datasets.load_from_disk(str(tmp_path / "set"))
    row = next(r for r in loaded if r["text"].startswith("🚒"))
    assert (row["source"], len(row["known"])) == ("corrections", 16)
    assert "Gao" in {row["text"][s["start"] : s["end"]] for s in row["spans"] if s["kind"] == "P"}
    assert json.loads(run("agreement", "--json").stdout)[0]["reports"] == 0
    assert json.loads(run("review-next", "--json").stdout) == []


def test_what_to_review_next_is_told(run: Run) -> None:
    assert len(json.loads(run("review-next", "--count", "2", "--json").stdout)) == 2
