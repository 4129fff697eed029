"""What a desk needs: reports a second, memory as the reports grow in number, bytes of store for each.

The reports are put together from sentences of the authored corpus, with log-normal lengths (median 120 words) and other
numbers in each, taken in and triaged by one process without Prefect. Memory is the resident set of that process, read
when so many reports were done: what grows with their number would show in it.

    python tests/benchmarks/capacity.py [--reports 20000] [--triage 5000] [--chunk 1000] [--database postgresql://...]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import text

from corpora.markup import parse
from flows.workspace import init_workspace, open_workspace, utc_now
from pipeline.store import Store, batches, reports
from pipeline.submit import submit
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import triage_chunk

SENTENCE = re.compile(r"(?<=[.!?])\s+")
MARKS = (0.25, 0.5, 1.0)


def texts(count: int) -> Iterator[str]:
    """Synthetic reports of real length and vocabulary; the same on every machine."""
    rng, taxonomy = random.Random(1), load_taxonomy()
    authored = Path(__file__).parents[2] / "corpora" / "authored"
    sentences = [
        sentence
        for path in sorted(authored.glob("*.txt"))
        for example in parse(path.read_text("utf-8"), name=path.name, taxonomy=taxonomy)
        for sentence in SENTENCE.split(example.text)
    ]
    for _ in range(count):
        wanted, words = max(15, min(600, int(rng.lognormvariate(4.79, 0.6)))), 0
        chosen: list[str] = []
        while words < wanted:
            chosen.append(re.sub(r"\d", lambda _: str(rng.randint(1, 9)), rng.choice(sentences)))
            words += len(chosen[-1].split())
        yield " ".join(chosen)


class Memory:
    """Resident megabytes of this process when a share of the reports was done; told on the way, for long runs."""

    def __init__(self, verb: str, count: int) -> None:
        self._verb, self._marks, self.done = verb, [round(count * share) for share in MARKS], 0
        self.resident: dict[int, int] = {}

    def advance(self, reports: int) -> None:
        self.done += reports
        while self._marks and self.done >= self._marks[0]:
            self.resident[self._marks.pop(0)] = megabytes("VmRSS")
        if self.done % 1000 == 0:
            told = f"{self.done:,} {self._verb}, {megabytes('VmRSS')} MB, {time.process_time():.0f} s of processor"
            print(told, file=sys.stderr, flush=True)


def megabytes(what: str) -> int:
    """VmRSS (now) or VmHWM (the most so far) of this process."""
    found = re.search(rf"^{what}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return round(int(found[1]) / 1024)


def store_bytes(store: Store) -> int:
    query = (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if store.is_sqlite
        else "SELECT pg_database_size(current_database())"
    )
    with store.read() as connection:
        return int(connection.execute(text(query)).scalar_one())


def timed(action: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of processor time over all threads, which a busy machine leaves alone."""
    clock, processor = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - clock, time.process_time() - processor


def measure(count: int, *, most: int | None, chunk: int, folder: Path) -> dict[str, Any]:
    path = folder / "reports.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for number, words in enumerate(texts(count)):
            stream.write(json.dumps({"id": f"c{number}", "text": words, "report_date": "2025-02-14"}) + "\n")
    init_workspace(folder / "desk")
    opened = open_workspace(folder / "desk")
    empty = store_bytes(opened.store)
    taking = Memory("taken in", count)
    submitted = timed(lambda: submit(opened.store, [path], now=utc_now, limits=opened.limits, progress=taking.advance))
    with opened.store.read() as connection:
        (batch,) = batches.recent(connection)
        receipt = batches.receipt(connection, batch)
        chunks = reports.pending_chunks(connection, size=chunk)[: None if most is None else most // chunk]
    taken_in = store_bytes(opened.store)
    opened.rooms.model.read(["ready"])

    triaging = Memory("triaged", min(receipt.accepted, len(chunks) * chunk))

    def triage() -> None:
        for first, last in chunks:
            triaging.advance(triage_chunk(opened.store, first, last, opened.rooms, now=utc_now).triaged)

    triaged = timed(triage)
    whole = store_bytes(opened.store)
    found = {
        "reports": receipt.received, "accepted": receipt.accepted, "duplicates": receipt.duplicates,
        "triaged": triaging.done,
        "cores": len(os.sched_getaffinity(0)), "load_average": round(os.getloadavg()[0], 1),
        "database": opened.store.engine.dialect.name,
        "submit_reports_per_second": round(receipt.received / submitted[0]),
        "submit_reports_per_core_second": round(receipt.received / submitted[1]),
        "triage_reports_per_second": round(triaging.done / triaged[0], 1),
        "triage_reports_per_core_second": round(triaging.done / triaged[1], 1),
        "resident_mb_taking_in": taking.resident, "resident_mb_triaging": triaging.resident,
        "peak_mb": megabytes("VmHWM"),
        "input_bytes_per_report": round(path.stat().st_size / receipt.received),
        "store_bytes_per_report_taken_in": round((taken_in - empty) / receipt.accepted),
        "store_bytes_added_per_report_triaged": round((whole - taken_in) / triaging.done) if triaging.done else None,
    }  # fmt: skip
    opened.store.dispose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=20_000)
    parser.add_argument("--triage", type=int, help="triage the first chunks of so many reports instead of all")
    parser.add_argument("--chunk", type=int, default=1000)
    parser.add_argument("--database", help="an empty PostgreSQL database instead of SQLite")
    given = parser.parse_args()
    if given.database:
        os.environ["SITREP_DATABASE"] = given.database
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(given.reports, most=given.triage, chunk=given.chunk, folder=Path(folder)), indent=1))


if __name__ == "__main__":
    main()
