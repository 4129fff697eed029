"""The Prefect flow on a real, ephemeral Prefect server, and what it leaves in Prefect's database."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import StatusCode
from pytest_socket import disable_socket, enable_socket

from flows import telemetry
from flows.nightly import nightly
from flows.triage import triage

CANARY = "Aminatou Sekele"
REPORTS = (
    "id,report_date,country,text\n"
    f'A1,2025-02-14,NG,"Armed men abducted {CANARY} and ten others on the road to Kankara and ask for money."\n'
    'A2,2025-02-10,ML,"The office held a training in Gao on the prohibition of torture for forty officers."\n'
)
SCRIPT = """
import asyncio, sys
from pathlib import Path
from flows.workspace import init_workspace
from flows import telemetry
from flows.triage import triage
telemetry.start()
init_workspace(Path(sys.argv[1]))
print(asyncio.run(triage(sys.argv[1], paths=[sys.argv[2]])))
print(asyncio.run(triage(sys.argv[1])))
"""


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A receiver of OTLP over http; its address, and the requests' bodies as they come."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    enable_socket()
    try:
        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}", bodies
            server.shutdown()
    finally:
        disable_socket(allow_unix_socket=True)


def spans_of(bodies: list[bytes]) -> list[Span]:
    """The spans that a collector was sent."""
    return [
        span
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.fixture(scope="module")
def sent() -> list[bytes]:
    """What was sent to the collector while the flow ran."""
    return []


@pytest.fixture(scope="module")
def ran(sent: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("flow")
    (folder / "reports.csv").write_text(REPORTS, encoding="utf-8")
    environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_LOGGING_LEVEL": "DEBUG",
                   "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}  # fmt: skip
    environment.pop("PREFECT_API_URL", None)
    with collector() as (address, bodies):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder / "desk"), str(folder / "reports.csv")], check=False, timeout=300,
            capture_output=True, text=True, env={**environment, "OTEL_EXPORTER_OTLP_ENDPOINT": address},
        )  # fmt: skip
    sent += bodies
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout + done.stderr


def test_the_flow_takes_in_and_triages(ran: tuple[Path, str]) -> None:
    folder, output = ran
    assert "'triaged': 2" in output
    connection = sqlite3.connect(folder / "desk" / "sitrep.db")
    assert connection.execute("SELECT count(*) FROM queue_item").fetchone()[0] >= 2
    assert connection.execute("SELECT count(*) FROM pending").fetchone()[0] == 0
    connection.close()


def test_a_second_run_has_nothing_to_do(ran: tuple[Path, str]) -> None:
    assert "'triaged': 0" in ran[1]


def test_no_text_reaches_prefect_or_the_logs(ran: tuple[Path, str]) -> None:
    folder, output = ran
    assert CANARY not in output
    files = [path for path in (folder / "prefect").rglob("*") if path.is_file()]
    assert files
    assert all(CANARY.encode() not in path.read_bytes() for path in files)


def test_the_receipt_is_an_artifact(ran: tuple[Path, str]) -> None:
    (database,) = (ran[0] / "prefect").glob("prefect.db")
    connection = sqlite3.connect(database)
    keys = [key for (key,) in connection.execute("SELECT key FROM artifact WHERE key IS NOT NULL")]
    connection.close()
    assert "batch-receipt" in keys


def test_results_are_never_pickles(ran: tuple[Path, str]) -> None:
    assert {flow.result_serializer for flow in (triage, nightly)} == {"json"}
    home = ran[0] / "prefect"
    assert (home / "prefect.db").exists()
    stored = [path.read_text(encoding="utf-8") for path in home.rglob("storage/**/*") if path.is_file()]
    assert [words for words in stored if "pickle" in words] == []  # Prefect's default writes pickles within JSON


def test_spans_tell_steps_and_counts_and_no_words(ran: tuple[Path, str], sent: list[bytes]) -> None:
    spans = spans_of(sent)
    counts = {attribute.key: attribute.value.int_value for span in spans for attribute in span.attributes}
    assert {span.name.rpartition("-")[0] for span in spans} >= {"take-in", "triage-chunk"}
    assert (counts["sitrep.accepted"], counts["sitrep.triaged"]) == (2, 2)
    assert len({span.trace_id for span in spans}) == 2  # two runs
    assert not [body for body in sent if CANARY.encode() in body or b"reports.csv" in body]


def test_an_error_leaves_its_kind_and_not_its_words() -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("step") as span:
        telemetry.count({"failed": 3})
        span.set_attributes(
            {"prefect.tags": [CANARY], "prefect.run.parameter.paths": CANARY, "prefect.run.type": "task"}
        )
        span.add_event("Failed", {"prefect.state.type": "FAILED", "prefect.state.message": CANARY})
        span.record_exception(ValueError(CANARY))
        span.set_status(StatusCode.ERROR, CANARY)
        assert isinstance(span, ReadableSpan)
        left = telemetry.bare(span).to_json()
    assert CANARY not in left
    found = json.loads(left)
    assert found["attributes"] == {"sitrep.failed": 3, "prefect.run.type": "task"}
    assert [event["attributes"] for event in found["events"]] == [
        {"prefect.state.type": "FAILED"}, {"exception.type": "ValueError"}
    ]  # fmt: skip
    assert found["status"] == {"status_code": "ERROR"}


def test_a_flow_whose_span_is_recorded_gets_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in telemetry.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    with TracerProvider().get_tracer("test").start_as_current_span("flow") as span, telemetry.run("nightly"):
        assert trace.get_current_span() is span


def test_nothing_is_sent_where_no_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in telemetry.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("opentelemetry.trace.set_tracer_provider", lambda provider: pytest.fail("a provider was set"))
    telemetry.start()
