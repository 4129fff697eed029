"""A Prefect server of the tests' own on loopback, for what an ephemeral one does not show."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

SECONDS_TO_START = 300


@contextmanager
def prefect_server(home: Path) -> Iterator[dict[str, str]]:
    """Run a server that keeps its data in `home`; the environment of processes that use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR",
    }  # fmt: skip
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + SECONDS_TO_START
        while not _answers(port):
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.5)
        yield environment
    finally:
        server.terminate()
        server.wait(30)


def ask(environment: dict[str, str], method: str, path: str, **request: Any) -> httpx.Response:
    """What the server's API answers; asked again while it is too busy, as Prefect's own client does."""
    end = time.monotonic() + SECONDS_TO_START
    while True:
        answer = httpx.request(method, environment["PREFECT_API_URL"] + path, timeout=60, **request)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > end:
            return answer.raise_for_status()
        time.sleep(0.5)


def deployment(environment: dict[str, str], name: str) -> dict[str, Any]:
    """What the server knows of a deployment, `flow/deployment`."""
    found: dict[str, Any] = ask(environment, "GET", f"/deployments/name/{name}").json()
    return found


def forget_deployment(environment: dict[str, str], name: str) -> None:
    """Take a deployment and its scheduled runs away."""
    ask(environment, "DELETE", f"/deployments/{deployment(environment, name)['id']}")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
