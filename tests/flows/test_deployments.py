"""`prefect.yaml`: what it deploys is what a worker of a pool runs to its end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.workspace import init_workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of commands that talk to a Prefect server of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR",
        "SITREP_WORKSPACE": str(tmp_path / "desk"), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 90
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield environment
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.enable_socket
def test_a_worker_runs_the_deployed_night(prefect: dict[str, str], tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    init_workspace(desk)
    (desk / "drop").mkdir()
    (desk / "drop" / "week.csv").write_text("id,text\nA1,Armed men burnt nine houses in Bankass at dawn.\n", "utf-8")

    def call(*arguments: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            env=prefect, cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    call("work-pool", "create", "sitrep", "--type", "process")
    call("deploy", "--all", cwd=ROOT)
    deployed = call("deployment", "ls")
    assert "nightly/nightly" in deployed
    assert "retrain/retrain" in deployed
    call("deployment", "run", "nightly/nightly")
    call("worker", "start", "--pool", "sitrep", "--run-once")
    assert list((desk / "digests").glob("2*.html"))
    assert not list((desk / "drop").glob("*.csv"))
