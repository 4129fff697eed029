"""kill -9 at random moments of submit, triage and deliver, on both databases: nothing lost, nothing doubled.

SITREP_KILLS says how many processes to kill on each database; the longer command is

    SITREP_KILLS=2000 python -m pytest tests/faults/test_kill.py
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.workspace import init_workspace
from pipeline.store import audit, batches, open_store
from tests.postgres import database

ROWS = 260
ROUNDS = int(os.environ.get("SITREP_KILLS", "8"))
WORKER = """
import random, sys
from pathlib import Path
from flows.workspace import init_workspace, open_workspace, utc_now
from pipeline import submit as submitting
from pipeline.deliver import deliver
from pipeline.store import reports
from pipeline.triage import triage_chunk
submitting.ROWS_PER_TRANSACTION = 20
opened = open_workspace(Path(sys.argv[1]))
opened.rooms.model.read(["ready"])
print("ready", flush=True)
submitting.submit(opened.store, [Path(sys.argv[2])], now=utc_now, limits=opened.limits)
with opened.store.read() as connection:
    chunks = reports.pending_chunks(connection, size=25)
for first, last in chunks:
    triage_chunk(opened.store, first, last, opened.rooms, now=utc_now)
deliver(opened.store, opened.destinations, now=utc_now, rng=random.Random(0))
print("done", flush=True)
"""


def reports_file(path: Path) -> None:
    rng = random.Random(5)
    towns = ["Gao", "Bria", "Goma", "Taizz", "Herat", "Kankara"]
    with path.open("w", encoding="utf-8") as stream:
        for number in range(ROWS):
            text = f"Report {number}: armed men took {rng.randint(2, 90)} sacks of grain near {rng.choice(towns)}, case {rng.random()}."
            bad = number % 20 == 7
            stream.write(json.dumps({"id": f"k{number}", "text": "" if bad else text}) + "\n")


def run_once(workspace: Path, reports: Path, url: str, *, kill_after: float | None) -> bool:
    """Run the worker; True where it finished by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(workspace), str(reports)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SITREP_DATABASE": url},
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    if kill_after is not None:
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.stdout.close()
    process.wait()
    return "done" in rest


@contextmanager
def new_database(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[str]:
    postgres = kind == "postgresql"
    with database(request.getfixturevalue("postgres")) if postgres else nullcontext() as url:
        yield url or f"sqlite:///{folder / 'sitrep.db'}"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_doubled(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = tmp_path / "reports.jsonl"
    reports_file(reports)
    rng = random.Random(11)
    kills = jobs = 0
    while kills < ROUNDS:
        jobs += 1
        workspace = tmp_path / f"desk-{jobs}"
        with new_database(request, kind, workspace) as url:
            monkeypatch.setenv("SITREP_DATABASE", url)
            init_workspace(workspace)
            while kills < ROUNDS and not run_once(workspace, reports, url, kill_after=rng.uniform(0.0, 0.9)):
                kills += 1
            finish_and_check(workspace, reports, url)
    assert kills == ROUNDS


def finish_and_check(workspace: Path, reports: Path, url: str) -> None:
    store = open_store(url)
    # Whatever lease the last victim held has to run out before its deliveries are taken over.
    with store.write() as connection:
        connection.execute(text("UPDATE outbox SET lease_until = NULL"))
    assert run_once(workspace, reports, url, kill_after=None)
    with store.read() as connection:

        def count(query: str) -> int:
            return int(connection.execute(text(f"SELECT count(*) FROM {query}")).scalar_one())

        first = batches.recent(connection)[-1]
        receipt = batches.receipt(connection, first)
        lines = list(batches.lines(connection, first))
        if store.is_sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert audit.verify(connection).broken_at is None
        doubled = count("(SELECT report FROM assessment GROUP BY report HAVING count(*) > 1) AS twice")
        unqueued = count("report WHERE seq NOT IN (SELECT report FROM queue_item)")
        undelivered = count("outbox WHERE state <> 'delivered'")
        items = count("queue_item")
    store.dispose()
    assert receipt.received == ROWS == len(lines)
    assert receipt.quarantined == ROWS // 20
    assert receipt.pending == 0
    assert (doubled, unqueued, undelivered) == (0, 0, 0)
    keys = [
        json.loads(line)["key"]
        for file in (workspace / "outbox").rglob("*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert len(keys) == len(set(keys)) == items
