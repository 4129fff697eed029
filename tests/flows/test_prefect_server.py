"""Against a running Prefect server: the flow, the night by its schedule, and what `prefect.yaml` deploys."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.workspace import init_workspace
from tests.flows.test_triage_flow import CANARY, REPORTS, SCRIPT, collector, spans_of
from tests.prefect_server import ask, deployment, forget_deployment, prefect_server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prefect_api(
    prefect_home: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The server; the environment of processes that use it. Tests that deploy take away what they deployed."""
    with prefect_server(prefect_home(tmp_path_factory.mktemp("server"))) as environment:
        yield environment


def steps_of_a_night(bodies: list[bytes]) -> set[str]:
    """The steps whose spans are in one trace, under that of a night."""
    spans = spans_of(bodies)
    nights = {span.trace_id: span.span_id for span in spans if span.name == "nightly" and not span.parent_span_id}
    return {span.name.rpartition("-")[0] for span in spans if nights.get(span.trace_id) == span.parent_span_id}


STEPS = {"collect", "collect-mail", "deliver", "check-chain", "digest"}


@pytest.mark.enable_socket
def test_the_flow_works_against_a_running_server(prefect_api: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text(REPORTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "desk"), str(tmp_path / "reports.csv")],
        env=prefect_api, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "'triaged': 2" in done.stdout


@pytest.mark.enable_socket
def test_a_scheduled_night_really_starts_and_finishes(prefect_api: dict[str, str], tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    init_workspace(desk)
    settings = desk / "sitrep.toml"
    settings.write_text(settings.read_text().replace("0 2 * * *", "* * * * * */20"))  # the sixth field are seconds
    (desk / "drop").mkdir()
    (desk / "drop" / "week.csv").write_text(REPORTS, encoding="utf-8")
    with collector() as (address, bodies):
        serving = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "nightly", "--serve", "-w", str(desk)],
            env={**prefect_api, "PREFECT_RUNNER_POLL_FREQUENCY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": address},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until = time.monotonic() + 240
            while time.monotonic() < until and not steps_of_a_night(bodies) >= STEPS:
                time.sleep(0.5)
        finally:
            serving.terminate()
            serving.wait(30)
            forget_deployment(prefect_api, "nightly/nightly")
    assert list((desk / "digests").glob("2*.html")), "no night came"
    assert not list((desk / "drop").glob("*.csv"))
    assert steps_of_a_night(bodies) >= STEPS
    assert not [body for body in bodies if CANARY.encode() in body or str(desk).encode() in body]


@pytest.mark.enable_socket
def test_a_worker_runs_the_deployed_night(prefect_api: dict[str, str], tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    init_workspace(desk)
    (desk / "drop").mkdir()
    (desk / "drop" / "week.csv").write_text("id,text\nA1,Armed men burnt nine houses in Bankass at dawn.\n", "utf-8")
    environment = {**prefect_api, "SITREP_WORKSPACE": str(desk), "PYTHONPATH": str(ROOT)}

    def prefect(*arguments: str, cwd: Path = tmp_path, **more: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            env=environment | more, cwd=cwd, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]

    prefect("work-pool", "create", "sitrep", "--type", "process")
    prefect("deploy", "--all", cwd=ROOT)
    with collector() as (address, bodies):
        try:
            night, retraining = (deployment(environment, name) for name in ("nightly/nightly", "retrain/retrain"))
            assert night["work_pool_name"] == retraining["work_pool_name"] == "sitrep"
            ask(environment, "POST", f"/deployments/{night['id']}/create_flow_run", json={})
            prefect("worker", "start", "--pool", "sitrep", "--run-once", OTEL_EXPORTER_OTLP_ENDPOINT=address)
        finally:
            for name in ("nightly/nightly", "retrain/retrain"):
                forget_deployment(environment, name)
    assert list((desk / "digests").glob("2*.html"))
    assert not list((desk / "drop").glob("*.csv"))
    assert steps_of_a_night(bodies) >= STEPS
