"""Triage by Dask workers: what two of them find is what one process finds, and the death of one loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from flows.workers import chunk_runner
from flows.workspace import Workspace, init_workspace, open_workspace
from pipeline.errors import ConfigurationError
from pipeline.results import batch_results
from pipeline.settings import load_settings
from pipeline.store import audit, batches

FATAL, FATAL_ONCE = "The well at Kidal is poisoned", "The bridge at Bria fell"
TEXTS = [
    "Soldiers shelled the market of Mindat at noon and killed nine traders and two children.",
    "Armed men abducted two teachers near Goma on Friday and demand a ransom from their families.",
    "The committee met and adopted its agenda; the next session is in March.",
    f"{FATAL_ONCE} and a convoy with food for the camp had to turn back for the third time.",
    "Police arrested six journalists outside the court and broke their cameras.",
    "La mission a visité la prison de Bamako et a trouvé quarante détenus sans dossier.",
    f"{FATAL} and nobody in the quarter has water that is safe to drink.",
    "Election officers in Herat were beaten by masked men who took the ballot boxes.",
]
# What Python runs at its start: a worker that reads one of the two texts is killed, by the second of them only once.
FAULTS = f"""
import os, signal
from pathlib import Path
from models.cpu import OpenVinoModel
read = OpenVinoModel.read
def read_or_die(self, texts):
    once = Path(os.environ["DIED_ONCE"])
    if any({FATAL_ONCE!r} in text for text in texts) and not once.exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if any({FATAL!r} in text for text in texts):
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, texts)
OpenVinoModel.read = read_or_die
"""


def desk(folder: Path, *, workers: int | None) -> Path:
    """A workspace with small chunks and the texts as a file beside it."""
    init_workspace(folder)
    settings = folder / "sitrep.toml"
    dask = f"dask = {workers}\n" if workers else ""
    written = settings.read_text("utf-8").replace('precision = "auto"', 'precision = "fp32"')
    settings.write_text(f"{dask}chunk_size = 3\n{written}", encoding="utf-8")
    rows = [json.dumps({"id": f"d{n}", "text": words, "report_date": "2025-02-14"}) for n, words in enumerate(TEXTS)]
    (folder / "reports.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str, home: Path | None = None, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", str(folder / "reports.jsonl"), "--json", "-w", str(folder), *arguments],
        capture_output=True, text=True, timeout=300, check=False,
        env={
            **{name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"},
            "PREFECT_HOME": str(home or folder.parent / "prefect"), **environment,
        },
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr[-3000:]
    assert FATAL not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def results(opened: Workspace) -> dict[str, dict[str, Any]]:
    """What was found in each report, by the submitter's id; ids and times, which differ by run, left out."""
    with opened.store.read() as connection:
        chosen = batches.recent(connection)
        assert audit.verify(connection).broken_at is None
        lines = [line for batch in chosen for line in batch_results(connection, batch)]
    return {line.pop("id"): {k: v for k, v in line.items() if k not in ("report", "batch", "queues")}
            | {"queues": [(q["queue"], q["reason"]) for q in line["queues"]]} for line in lines}  # fmt: skip


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What one process finds."""
    folder = desk(tmp_path_factory.mktemp("alone") / "desk", workers=None)
    assert run(folder, "--direct")["triaged"] == len(TEXTS)
    return results(open_workspace(folder))


def test_two_workers_find_what_one_process_finds(
    alone: dict[str, dict[str, Any]], prefect_home: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = desk(tmp_path / "desk", workers=2)
    assert run(folder, home=prefect_home(tmp_path))["triaged"] == len(TEXTS)
    assert results(open_workspace(folder)) == alone


def test_a_worker_that_dies_loses_nothing_and_a_report_that_kills_ends_alone(
    alone: dict[str, dict[str, Any]], prefect_home: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder, faults = desk(tmp_path / "desk", workers=2), tmp_path / "faults"
    faults.mkdir()
    (faults / "sitecustomize.py").write_text(FAULTS)
    path = os.pathsep.join([str(faults), str(Path(__file__).parents[2])])
    counts = run(folder, home=prefect_home(tmp_path), PYTHONPATH=path, DIED_ONCE=str(tmp_path / "died-once"))
    assert (tmp_path / "died-once").exists()
    assert counts["failed"] == 1
    opened = open_workspace(folder)
    found = results(opened)
    assert set(found) == set(alone)
    (fatal,) = [ident for ident in alone if found[ident] != alone[ident]]
    assert TEXTS[int(fatal[1:])].startswith(FATAL)
    assert found[fatal]["abstained"] == ["processing"]
    assert [queue for queue, _ in found[fatal]["queues"]] == ["manual-review"]
    with opened.store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM pending")).scalar_one() == 0
        twice = "SELECT count(*) FROM (SELECT report FROM assessment GROUP BY report HAVING count(*) > 1) AS twice"
        assert connection.execute(text(twice)).scalar_one() == 0


@pytest.mark.parametrize(
    ("database", "mend"),
    [("sqlite:///sitrep.db", "PostgreSQL"), ("postgresql://desk@10.0.0.6/sitrep", "PREFECT_API_URL")],
)
def test_workers_elsewhere_need_what_they_reach(
    database: str, mend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = desk(tmp_path / "desk", workers=None)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("SITREP_DASK", "tls://10.0.0.5:8786")
    monkeypatch.setenv("SITREP_DATABASE", database)
    with pytest.raises(ConfigurationError, match=mend), chunk_runner(load_settings(folder)):
        pass


@pytest.mark.parametrize("wrong", ["10.0.0.5:8786", "0", "many"])
def test_a_wrong_number_or_address_is_named(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = desk(tmp_path / "desk", workers=None)
    monkeypatch.setenv("SITREP_DASK", wrong)
    with pytest.raises(ConfigurationError, match="SITREP_DASK"):
        load_settings(folder)
