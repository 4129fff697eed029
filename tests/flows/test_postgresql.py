"""A team's desk: the commands on PostgreSQL, its URL with the password from the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import open_workspace
from tests.postgres import database

REPORTS = """id,text
A1,"On 13 February armed men entered Bankass, Mali, and shot seven farmers at the well before burning the granaries."
A2,""
"""


def test_the_main_job_on_postgresql(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, runner = tmp_path / "desk", CliRunner()
    (tmp_path / "reports.csv").write_text(REPORTS, encoding="utf-8")

    def run(*arguments: str, code: int = 0) -> str:
        result = runner.invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    with database(postgres) as url:
        monkeypatch.setenv("SITREP_DATABASE", url)
        open_workspace.cache_clear()
        run("init", str(desk))
        assert not (desk / "sitrep.db").exists()
        assert url not in (desk / "sitrep.toml").read_text("utf-8")
        run("run", str(tmp_path / "reports.csv"), "--direct", "-w", str(desk), code=1)  # one row is quarantined
        items = json.loads(run("queues", "--items", "--json", "-w", str(desk)))
        assert {item["external_id"] for item in items} == {"A1"}
        run("deliver", "-w", str(desk))
        run("audit", "verify", "-w", str(desk))
        checks = {check["check"]: check for check in json.loads(run("doctor", "--json", "-w", str(desk)))}
        assert checks["store"]["found"].startswith("postgresql, schema")
        assert url not in json.dumps(checks)
        open_workspace(desk).store.dispose()
        open_workspace.cache_clear()
