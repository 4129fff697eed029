"""kill -9 at random moments of submit, triage and deliver: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipeline.store import audit, batches, open_store

ROWS = 260
ROUNDS = int(os.environ.get("SITREP_KILLS", "12"))
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


def run_once(workspace: Path, reports: Path, *, kill_after: float | None) -> bool:
    """Run the worker; True where it finished by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(workspace), str(reports)], stdout=subprocess.PIPE, text=True
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


def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    from flows.workspace import init_workspace

    workspace, reports = tmp_path / "desk", tmp_path / "reports.jsonl"
    init_workspace(workspace)
    reports_file(reports)
    rng = random.Random(11)
    kills = 0
    for _ in range(ROUNDS):
        if run_once(workspace, reports, kill_after=rng.uniform(0.0, 0.9)):
            break
        kills += 1
    store = open_store("sqlite:///sitrep.db", base=workspace)
    # Whatever lease the last victim held has to run out before its deliveries are taken over.
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET lease_until = NULL")
    assert run_once(workspace, reports, kill_after=None)
    with store.read() as connection:
        first = batches.recent(connection)[-1]
        receipt = batches.receipt(connection, first)
        lines = list(batches.lines(connection, first))
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert audit.verify(connection).broken_at is None
        doubled = connection.exec_driver_sql(
            "SELECT count(*) FROM (SELECT report FROM assessment GROUP BY report HAVING count(*) > 1)"
        ).scalar_one()
        unqueued = connection.exec_driver_sql(
            "SELECT count(*) FROM report WHERE seq NOT IN (SELECT report FROM queue_item)"
        ).scalar_one()
        items = connection.exec_driver_sql("SELECT count(*) FROM queue_item").scalar_one()
    store.dispose()
    assert receipt.received == ROWS == len(lines)
    assert receipt.quarantined == ROWS // 20
    assert receipt.pending == 0
    assert (doubled, unqueued) == (0, 0)
    keys = [
        json.loads(line)["key"]
        for file in (workspace / "outbox").rglob("*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert len(keys) == len(set(keys)) == items
    assert kills > 0
