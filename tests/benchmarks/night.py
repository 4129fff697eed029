"""One whole night, as `sitrep nightly --once` runs it: time, memory, and the size of what it leaves.

The reports are those of capacity.py, dropped as one file; the flow runs in this process with a Prefect server of its own.
A stand-in reads the texts, since the model's part is capacity.py's: what is measured are intake, extraction, routing, the
store, delivery to a folder, the check of the chain, backup and digest.

    python tests/benchmarks/night.py [--reports 50000] [--database postgresql://...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from flows.run import night_quietly
from flows.workspace import Workspace, init_workspace, open_workspace
from pipeline.extract import Extractor
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import Rooms
from tests.benchmarks.capacity import megabytes, store_bytes, texts, timed
from tests.faults.rounds import StandIn


def bytes_under(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def desk(folder: Path, reports: int) -> Workspace:
    """A workspace with a file in its drop folder, and a stand-in for the model."""
    init_workspace(folder)
    with (folder / "sitrep.toml").open("a") as stream:
        stream.write('\nbackups = "backups"\n')
    (folder / "drop").mkdir()
    with (folder / "drop" / "reports.jsonl").open("w", encoding="utf-8") as stream:
        for number, words in enumerate(texts(reports)):
            stream.write(json.dumps({"id": f"c{number}", "text": words, "report_date": "2025-02-14"}) + "\n")
    opened = open_workspace(folder)
    opened.__dict__["rooms"] = Rooms(StandIn(), Extractor(), opened.policy, load_taxonomy())
    return opened


def measure(reports: int, folder: Path) -> dict[str, Any]:
    opened = desk(folder, reports)
    empty, made = store_bytes(opened.store), dict[str, Any]()

    async def night() -> None:
        made.update(await night_quietly(folder))

    clock, processor = timed(lambda: asyncio.run(night()))
    (backup,) = (folder / "backups").iterdir()
    (digest,) = (folder / "digests").iterdir()
    return {
        "night": made, "cores": len(os.sched_getaffinity(0)), "load_average": round(os.getloadavg()[0], 1),
        "database": opened.store.engine.dialect.name, "seconds": round(clock), "processor_seconds": round(processor),
        "reports_per_core_second": round(reports / processor), "peak_mb": megabytes("VmHWM"),
        "store_mb": round((store_bytes(opened.store) - empty) / 2**20), "backup_mb": round(bytes_under(backup) / 2**20),
        "outbox_mb": round(bytes_under(folder / "outbox") / 2**20), "digest_kb": round(digest.stat().st_size / 1024),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=50_000)
    parser.add_argument("--database", help="an empty PostgreSQL database instead of SQLite")
    given = parser.parse_args()
    if given.database:
        os.environ["SITREP_DATABASE"] = given.database
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        print(json.dumps(measure(given.reports, Path(folder) / "desk"), indent=1))


if __name__ == "__main__":
    main()
