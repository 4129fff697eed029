"""kill -9 at random moments of submit, triage and deliver, on both databases and in both of SQLite's journal modes.

SITREP_KILLS says how many processes to kill on each; docs/faults.md has the longer command and its figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("SITREP_KILLS", "8"))


@pytest.mark.parametrize("kind", ["sqlite", "sqlite-wal", "postgresql"])
def test_nothing_is_lost_or_doubled(kind: str, request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-m", "tests.faults.rounds", "--rounds", str(ROUNDS), "--rows", "24", "--store", kind]
    if kind == "postgresql":
        command += ["--postgres", request.getfixturevalue("postgres")]
    memory = (
        {"TMPDIR": "/dev/shm"} if os.access("/dev/shm", os.W_OK) else {}
    )  # a kill is no power cut: no need of a disk
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **memory},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    assert figures["kills"] == ROUNDS
    assert figures["deliveries"] > figures["reports"] > 0
    assert [figures[name] for name in ("lost", "doubled", "broken", "altered", "forged")] == [0] * 5
