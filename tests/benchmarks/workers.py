"""Triage by one process, by one Dask worker and by two: reports a second, each worker on one thread of the model.

A run's whole time holds the start of Prefect and of the workers; the speed is the slope between a small run and a
large one, which both pay that alike. Rounds alternate. The speed by the clock says something on an idle machine only;
that by processor time, over all processes of a run, what each way costs. Run it as

    python tests/benchmarks/workers.py --small 500 --large 2000
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processor time over a run and its workers."""

    clock: float
    processor: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.clock - other.clock, self.processor - other.processor)


def now() -> Cost:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(time.perf_counter(), ended.ru_utime + ended.ru_stime)


def run(count: int, mode: dict[str, str]) -> Cost:
    """What `sitrep run` costs on so many reports that wait."""
    with tempfile.TemporaryDirectory() as folder:
        path, desk = Path(folder) / "reports.jsonl", Path(folder) / "desk"
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts(count)), encoding="utf-8")
        init_workspace(desk)
        opened = open_workspace(desk)
        submit(opened.store, [path], now=utc_now, limits=opened.limits)
        opened.store.dispose()
        environment = {**os.environ, "SITREP_CHUNK_SIZE": "125", "PREFECT_HOME": str(Path(folder) / "prefect"), **mode}
        environment.pop("PREFECT_API_URL", None)
        began = now()
        command = [sys.executable, "-m", "flows.cli", "run", "--json", "-w", str(desk)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return now() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    speeds: dict[str, list[Cost]] = {name: [] for name in MODES}
    more = given.large - given.small
    for number in range(given.rounds):
        for name, mode in MODES.items():
            small, large = run(given.small, mode), run(given.large, mode)
            slope = large - small
            speeds[name].append(Cost(more / slope.clock, more / slope.processor))
            print(f"round {number + 1}, {name}: {small}, {large}", file=sys.stderr, flush=True)
    for name, measured in speeds.items():
        ratios = [speed.clock / one.clock for speed, one in zip(measured, speeds["1 worker of 1 thread"], strict=True)]
        found = {
            "triage by": name,
            "reports_per_second": round(statistics.median(speed.clock for speed in measured), 1),
            "times_one_worker": round(statistics.median(ratios), 2),
            "reports_per_core_second": round(statistics.median(speed.processor for speed in measured), 1),
            "load_average": round(os.getloadavg()[0], 1),
        }
        print(json.dumps(found))


if __name__ == "__main__":
    main()
