"""`sitrep deliveries`, doctor and digest: what a destination did not take is seen, replayed and dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from flows.workspace import open_workspace
from pipeline.errors import NotFound
from pipeline.store import circuits
from pipeline.store.schema import outbox
from tests.flows.test_work_commands import Run, desk, run

__all__ = ["desk", "run"]


def listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("deliveries", "list", "--json", *arguments).stdout)["deliveries"]
    return found


@pytest.fixture
def blocked(run: Run, desk: Path) -> Run:
    """The folder cannot be written: a file stands in its place."""
    (desk / "outbox").write_text("in the way")
    run("deliver", code=1)
    return run


def test_what_was_not_taken_is_listed_with_its_reason(blocked: Run, desk: Path) -> None:
    rows = listed(blocked)
    assert {row["state"] for row in rows} == {"owed"}
    assert {row["last_error"] for row in rows} >= {"folder: Not a directory"}
    assert listed(blocked, "--destination", "other") == listed(blocked, "--state", "dead") == []
    queue = rows[0]["queue"]
    assert {row["queue"] for row in listed(blocked, "--queue", queue)} == {queue}
    circuit = json.loads(blocked("deliveries", "list", "--json").stdout)["circuits"][0]
    assert (circuit["destination"], circuit["failures"]) == ("folder", circuits.THRESHOLD)
    assert "folder failed 3 times" in " ".join(blocked("deliveries", "list").stdout.split())
    shown = json.loads(blocked("deliveries", "show", str(rows[0]["number"]), "--json").stdout)
    assert (shown["report_id"], shown["history"][0]["action"]) == (rows[0]["report_id"], "queued")
    assert rows[0]["idempotency_key"] in blocked("deliveries", "show", str(rows[0]["number"])).stdout


def test_dead_letters_are_named_replayed_and_dropped(blocked: Run, desk: Path, tmp_path: Path) -> None:
    with open_workspace(desk).store.write() as connection:
        connection.execute(update(outbox).values(state="dead"))
    checks = {check["check"]: check for check in json.loads(blocked("doctor", "--json", code=2).stdout)}
    assert "outbox" in checks["folders"]["found"]
    assert checks["deliveries"]["state"] == "warning"
    assert "dead letters; failing: folder since" in checks["deliveries"]["found"]
    digest = json.loads(blocked("digest", "--out", str(tmp_path / "digest.html"), "--json").stdout)
    assert set(digest["deliveries"]) == {"dead"}
    assert digest["triaged"] == sum(digest["by_urgency"].values())
    assert "given up after repeated failures" in (tmp_path / "digest.html").read_text()
    numbers = [str(row["number"]) for row in listed(blocked, "--state", "dead")]
    blocked("deliveries", "drop", numbers[0], "--reason", "handed over by telephone")
    replayed = json.loads(blocked("deliveries", "replay", "--all", "--reason", "mended", "--json").stdout)
    assert replayed == {"replayed": [int(number) for number in numbers[1:]]}
    (desk / "outbox").unlink()
    assert json.loads(blocked("deliver", "--json").stdout)["sent"] == len(numbers) - 1
    history = json.loads(blocked("deliveries", "show", numbers[0], "--json").stdout)["history"]
    assert history[-1]["note"] == "folder: handed over by telephone"


def test_usage_is_checked(run: Run) -> None:
    run("deliveries", "replay", "--reason", "mended", code=2)
    run("deliveries", "replay", "1", "--all", "--reason", "mended", code=2)
    run("deliveries", "drop", "1", code=2)
    with pytest.raises(NotFound, match="no delivery 999"):
        run("deliveries", "show", "999")


def test_a_policy_with_a_destination_that_is_not_there_is_broken(run: Run, desk: Path) -> None:
    policy = desk / "policy.toml"
    policy.write_text(policy.read_text().replace('id = "archive"', 'id = "archive"\ndestinations = ["cases"]'))
    open_workspace.cache_clear()
    checks = {check["check"]: check for check in json.loads(run("doctor", "--json", code=2).stdout)}
    assert checks["deliveries"]["found"] == "no such destination: cases"
