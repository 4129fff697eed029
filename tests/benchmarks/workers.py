"""Triage by one process, by one Dask worker and by two: reports a second, each worker on one thread of the model.

A run's whole time holds the start of Prefect and of the workers; the speed is the slope between a small run and a
large one, which both pay that alike. Rounds alternate. Run it as

    python tests/benchmarks/workers.py --small 500 --large 2000
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from flows.workspace import init_workspace, open_workspace, utc_now
from pipeline.submit import submit
from tests.benchmarks.speed import texts

MODES = {
    "this process, every core": {},
    "1 worker of 1 thread": {"SITREP_DASK": "1", "SITREP_THREADS": "1"},
    "2 workers of 1 thread": {"SITREP_DASK": "2", "SITREP_THREADS": "1"},
}


def seconds(count: int, mode: dict[str, str]) -> float:
    """Wall-clock seconds of `sitrep run` on so many reports that wait."""
    with tempfile.TemporaryDirectory() as folder:
        path, desk = Path(folder) / "reports.jsonl", Path(folder) / "desk"
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts(count)), encoding="utf-8")
        init_workspace(desk)
        opened = open_workspace(desk)
        submit(opened.store, [path], now=utc_now, limits=opened.limits)
        opened.store.dispose()
        environment = {**os.environ, "SITREP_CHUNK_SIZE": "125", "PREFECT_HOME": str(Path(folder) / "prefect"), **mode}
        environment.pop("PREFECT_API_URL", None)
        began = time.perf_counter()
        command = [sys.executable, "-m", "flows.cli", "run", "--json", "-w", str(desk)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    speeds: dict[str, list[float]] = {name: [] for name in MODES}
    starts: dict[str, list[float]] = {name: [] for name in MODES}
    for _ in range(given.rounds):
        for name, mode in MODES.items():
            small, large = seconds(given.small, mode), seconds(given.large, mode)
            speeds[name].append((given.large - given.small) / (large - small))
            starts[name].append(small - given.small / speeds[name][-1])
    first = speeds["1 worker of 1 thread"]
    for name in MODES:
        ratios = [speed / one for speed, one in zip(speeds[name], first, strict=True)]
        print(
            json.dumps(
                {
                    "triage by": name,
                    "reports_per_second": round(statistics.median(speeds[name]), 1),
                    "range": [round(min(speeds[name]), 1), round(max(speeds[name]), 1)],
                    "times_one_worker": round(statistics.median(ratios), 2),
                    "start_seconds": round(statistics.median(starts[name]), 1),
                }
            )
        )


if __name__ == "__main__":
    main()
