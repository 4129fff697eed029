"""Who may sign in, on the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import init_workspace, open_workspace, utc_now
from pipeline.errors import NotFound
from pipeline.store import audit, factors, people

PASSWORD = "four horses on a hill"


def test_a_lost_second_factor_is_taken_off_by_an_operator_and_the_password_stays(tmp_path: Path) -> None:
    open_workspace.cache_clear()
    init_workspace(tmp_path / "desk")
    where = ["--workspace", str(tmp_path / "desk")]
    runner, now = CliRunner(), utc_now()
    added = runner.invoke(app, ["people", "add", "ada", "--role", "reviewer", "--json", *where])
    path, _, token = json.loads(added.output)["invitation"].partition("#")
    assert path == "/invitation"
    store = open_workspace(tmp_path / "desk").store
    with store.write() as connection:
        people.accept(connection, token, PASSWORD, now=now)
        code = pyotp.TOTP(factors.begin(connection, "ada")).at(now - timedelta(seconds=30))
        assert factors.confirm(connection, "ada", code, now=now)
        made = people.sign_in(connection, "ada", PASSWORD, now=now)
        assert made is not None
        assert made.waits
    done = runner.invoke(app, ["people", "reset-factor", "ada", *where])
    assert (done.exit_code, "password alone" in done.output) == (0, True)
    with store.write() as connection:
        made = people.sign_in(connection, "ada", PASSWORD, now=now)
        assert made is not None
        assert not made.waits
        taken = [e for e in audit.events(connection, subject="ada") if e.action == "second factor taken off"]
        assert [e.actor for e in taken] != ["ada"]
        assert len(taken) == 1
    with pytest.raises(NotFound):
        runner.invoke(app, ["people", "reset-factor", "ada", *where], catch_exceptions=False)


def test_tokens_are_ended_in_json_too(tmp_path: Path) -> None:
    open_workspace.cache_clear()
    init_workspace(tmp_path / "desk")
    where = ["--json", "--workspace", str(tmp_path / "desk")]
    runner = CliRunner()
    runner.invoke(app, ["people", "add", "ada", "--role", "reviewer", *where])
    runner.invoke(app, ["people", "token", "ada", *where])
    done = runner.invoke(app, ["people", "token", "ada", "--revoke", *where])
    assert json.loads(done.output) == {"login": "ada", "ended": 1}
