"""What supervisors do on the command line: queues paused and handed over, a policy tried before it is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.workspace import open_workspace
from pipeline.errors import ConfigurationError, NotFound
from pipeline.store import audit, reports
from pipeline.store.documents import assessment_body, stored_assessment

TEXTS = {
    "A1": "On 13 February armed men entered Bankass, Mali, and shot seven farmers at the well before burning the granaries.",
    "A2": "The office held a two-day training in Gao on the prohibition of torture for forty officers of the police.",
    "A3": "Police arrested six journalists outside the court in Gao, beat them and broke their cameras.",
}
Run = Callable[..., Result]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return tmp_path / "desk"


@pytest.fixture
def run(tmp_path: Path, desk: Path) -> Run:
    open_workspace.cache_clear()
    runner = CliRunner()

    def running(*arguments: str, code: int = 0) -> Result:
        result = runner.invoke(app, [*arguments, "--workspace", str(desk)], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    assert runner.invoke(app, ["init", str(desk)]).exit_code == 0
    lines = [json.dumps({"id": ident, "text": text}) for ident, text in TEXTS.items()]
    (tmp_path / "reports.jsonl").write_text("\n".join(lines), encoding="utf-8")
    running("run", str(tmp_path / "reports.jsonl"), "--direct")
    return running


def test_a_paused_queue_delivers_nothing_until_it_goes_on(run: Run, desk: Path) -> None:
    run("queue", "pause", "investigations", "--reason", "training day")
    run("deliver", code=1)  # something is still owed
    assert not list((desk / "outbox").glob("investigations*"))
    assert json.loads(run("queue", "resume", "investigations", "--json").output) == {
        "queue": "investigations", "paused": False,
    }  # fmt: skip
    run("deliver")
    assert list((desk / "outbox").glob("investigations*"))
    with open_workspace(desk).store.read() as connection:
        events = [event.action for event in audit.events(connection, subject="investigations")]
    assert events == ["queue paused", "queue resumed"]


def test_an_item_goes_to_a_person_who_may_see_the_queue(run: Run) -> None:
    run("people", "add", "a.okoye", "--role", "reviewer")
    run("queue", "reassign", "investigations", "A1", "--to", "a.okoye")
    items = json.loads(run("queues", "--items", "--queue", "investigations", "--json").output)
    assert {item["external_id"]: item["assignee"] for item in items}["A1"] == "a.okoye"
    run("people", "add", "m.ba", "--role", "monitor")
    with pytest.raises(ConfigurationError, match=r"m\.ba may not see investigations"):
        run("queue", "reassign", "investigations", "A1", "--to", "m.ba")
    with pytest.raises(NotFound, match="no person"):
        run("queue", "reassign", "investigations", "A1", "--to", "nobody")


def test_a_queue_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(ConfigurationError, match="there is no queue 'investigation'; queues: protection-response"):
        run("queue", "pause", "investigation", "--reason", "x")


def test_the_policy_in_use_moves_nothing(run: Run, desk: Path) -> None:
    found = json.loads(run("policy", "test", str(desk / "policy.toml"), "--json").output)
    assert (found["reports"], found["moved"]) == (3, 0)
    assert found["queues"]["investigations"]["now"] == found["queues"]["investigations"]["then"] > 0


def test_an_erased_report_moves_nowhere(run: Run, desk: Path) -> None:
    run("erase", "A1", "--why", "request 1")
    tried = json.loads(run("policy", "test", str(desk / "policy.toml"), "--json").output)
    assert (tried["reports"], tried["moved"]) == (2, 0)


def test_a_policy_that_is_tried_shows_what_would_move_and_changes_nothing(run: Run, desk: Path, tmp_path: Path) -> None:
    changed = (desk / "policy.toml").read_text("utf-8").replace(
        'queue = "investigations"\nwhen', 'queue = "rule-of-law"\nwhen', 1
    )  # fmt: skip
    tried = tmp_path / "tried.toml"
    tried.write_text(changed, encoding="utf-8")
    before = json.loads(run("queues", "--json").output)
    found = json.loads(run("policy", "test", str(tried), "--json").output)
    move = next(move for move in found["moves"] if move["external_id"] == "A1")
    assert (move["leaves"], move["joins"]) == (["investigations"], ["rule-of-law"])
    assert found["queues"]["investigations"]["then"] == 0
    assert found["moved"] == found["queues"]["investigations"]["leave"]
    assert "would move" in run("policy", "test", str(tried)).output
    assert [(q["queue"], q["open"]) for q in json.loads(run("queues", "--json").output)] == [
        (q["queue"], q["open"]) for q in before
    ]


def test_a_stored_assessment_comes_back_as_it_was(run: Run, desk: Path) -> None:
    with open_workspace(desk).store.read() as connection:
        loaded = reports.load(connection, [1, 2, 3])
        for seq, row in reports.newest_assessments(connection, [1, 2, 3]).items():
            again = stored_assessment(loaded[seq], row.body, model=row.model, taxonomy=row.taxonomy)
            assert assessment_body(again) == row.body
