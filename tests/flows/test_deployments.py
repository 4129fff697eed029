"""`prefect.yaml`: what it deploys is what a worker of a pool runs to its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.workspace import init_workspace
from tests.prefect_server import prefect_server

ROOT = Path(__file__).parents[2]


@pytest.mark.enable_socket
def test_a_worker_runs_the_deployed_night(tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    init_workspace(desk)
    (desk / "drop").mkdir()
    (desk / "drop" / "week.csv").write_text("id,text\nA1,Armed men burnt nine houses in Bankass at dawn.\n", "utf-8")

    with prefect_server(tmp_path) as server:
        environment = {**server, "SITREP_WORKSPACE": str(desk), "PYTHONPATH": str(ROOT)}

        def prefect(*arguments: str, cwd: Path = tmp_path) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
                env=environment, cwd=cwd, capture_output=True, text=True, timeout=600, check=False,
            )  # fmt: skip
            assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
            return done.stdout

        prefect("work-pool", "create", "sitrep", "--type", "process")
        prefect("deploy", "--all", cwd=ROOT)
        deployed = prefect("deployment", "ls")
        assert "nightly/nightly" in deployed
        assert "retrain/retrain" in deployed
        prefect("deployment", "run", "nightly/nightly")
        prefect("worker", "start", "--pool", "sitrep", "--run-once")
    assert list((desk / "digests").glob("2*.html"))
    assert not list((desk / "drop").glob("*.csv"))
