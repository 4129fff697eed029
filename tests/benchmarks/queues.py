"""Speed of the queues on both databases: items a second into queues, claims a second by eight processes at once.

Into queues: what triage stores of reports (assessment, queue item with its history, delivery owed, audit event), a
thousand reports to a transaction, without the model. A claim: the most urgent free item, one to a transaction, as
`sitrep review` claims. Both databases wait for the disk (SQLite synchronous=FULL, PostgreSQL fsync=on). Medians of
rounds in which the databases alternate.

    python tests/benchmarks/queues.py [--items 20000] [--claims 1600] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).parents[2]))

from pipeline.report import QueueItem
from pipeline.store import Store, audit, open_store, queues, reports
from pipeline.store.migrate import upgrade
from pipeline.store.schema import batch, pending, report
from tests.postgres import binaries, database, server

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
WORKERS, CHUNK = 8, 1000
LEVELS = ("critical", "high", "medium", "low")
BODY = {
    "violations": [{"id": f"type-{n}", "probability": 0.03, "decided": False, "evidence": []} for n in range(16)],
    "urgency": {"id": "high", "probabilities": dict.fromkeys(LEVELS, 0.25), "evidence": []},
    "places": [], "actors": [], "dates": [], "counts": [], "claim_status": {}, "flags": [], "abstained": [],
}  # fmt: skip
CLAIMER = """
import sys
from datetime import UTC, datetime
from pipeline.store import open_store, work
store = open_store(sys.argv[1])
with store.read():
    pass
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    with store.write() as connection:
        assert work.claim_next(connection, ["investigations"], person=sys.argv[2], now=datetime.now(UTC))
"""


def fill(store: Store, items: int) -> float:
    """Items a second, from reports that wait."""
    with store.write() as connection:
        connection.execute(insert(batch).values(id="b", fingerprint="f", submitted_at=NOW))
        rows = [
            {"seq": n, "id": f"r{n}", "batch": "b", "line": n, "sha256": "0" * 64, "text": "A synthetic report.",
             "metadata": {}, "flags": [], "received_at": NOW, "normalised_sha256": f"{n:064}"}
            for n in range(1, items + 1)
        ]  # fmt: skip
        connection.execute(insert(report), rows)
        connection.execute(insert(pending), [{"report": row["seq"]} for row in rows])
    begun = time.perf_counter()
    for first in range(1, items + 1, CHUNK):
        seqs = range(first, min(first + CHUNK, items + 1))
        with store.write() as connection:
            waiting = reports.still_pending(connection, seqs[0], seqs[-1], lock=True)
            stored = reports.add_assessments(
                connection,
                [{"report": n, "model": "m", "taxonomy": "1", "urgency": "high", "body": BODY} for n in waiting],
                policy="1",
                now=NOW,
            )
            queues.add(
                connection,
                [
                    (n, QueueItem(f"r{n}", "investigations", "", LEVELS[n % 4], NOW + timedelta(minutes=n)))
                    for n in waiting
                ],
                assessments=stored,
                ranks={level: rank for rank, level in enumerate(LEVELS)},
                destinations={"investigations": ("folder",)},
                now=NOW,
            )
            audit.append(connection, at=NOW, actor="bench", action="triage", subject="", body={"reports": len(seqs)})
    seconds = time.perf_counter() - begun
    if not store.is_sqlite:  # what autovacuum does within a minute; till then the planner takes the table for empty
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    return items / seconds


def claim(store: Store, claims: int) -> float:
    """Claims a second by all workers together."""
    url = store.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", CLAIMER, url]
    workers = [
        subprocess.Popen(
            [*command, f"p{n}", str(claims // WORKERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for n in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    begun = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    codes = [worker.wait() for worker in workers]
    assert codes == [0] * WORKERS
    return claims // WORKERS * WORKERS / (time.perf_counter() - begun)


@contextmanager
def urls(folder: Path, socket: str | None) -> Iterator[dict[str, str]]:
    found = {"sqlite": f"sqlite:///{folder / 'bench.db'}"}
    if socket is None:
        yield found
        return
    with database(socket) as url:
        yield {**found, "postgresql": url}


def measure(items: int, claims: int, rounds: int, socket: str | None) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, urls(Path(folder), socket) as found:
            for name, url in found.items():
                store = open_store(url)
                upgrade(store)
                line = figures.setdefault(name, {"items_per_second": [], "claims_per_second": []})
                line["items_per_second"].append(fill(store, items))
                line["claims_per_second"].append(claim(store, claims))
                store.dispose()
    return {name: {key: round(statistics.median(v)) for key, v in line.items()} for name, line in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--claims", type=int, default=1_600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        if binaries() is None:
            print("PostgreSQL is not installed: SQLite alone is measured", file=sys.stderr)
            figures = measure(asked.items, asked.claims, asked.rounds, None)
        else:
            with server(Path(folder), durable=True) as socket:
                figures = measure(asked.items, asked.claims, asked.rounds, socket)
    if asked.json:
        print(json.dumps(figures, indent=2))
        return
    for name, line in figures.items():
        print(f"{name:12}", *(f"{value:>8,} {key.replace('_per_second', '/s')}" for key, value in line.items()))


if __name__ == "__main__":
    main()
