"""The Prefect flow on a real, ephemeral Prefect server, and what it leaves in Prefect's database."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

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
from flows.triage import triage
init_workspace(Path(sys.argv[1]))
print(asyncio.run(triage(sys.argv[1], paths=[sys.argv[2]])))
print(asyncio.run(triage(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("flow")
    (folder / "reports.csv").write_text(REPORTS, encoding="utf-8")
    environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_LOGGING_LEVEL": "DEBUG",
                   "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}  # fmt: skip
    environment.pop("PREFECT_API_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder / "desk"), str(folder / "reports.csv")],
        capture_output=True, text=True, env=environment, timeout=300, check=False,
    )  # fmt: skip
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
    for path in (ran[0] / "prefect").rglob("storage/*"):
        if path.is_file():
            json.loads(path.read_text(encoding="utf-8"))
