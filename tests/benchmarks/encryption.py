"""What encryption at rest costs: taking in, opening, searching and rotating, beside the same in clear.

The reports are those of `capacity.py`. Each round takes the same ones into a clear and into an encrypted store, one after
the other, and the ratio is of processor time, which other work on the machine leaves alone.

    python tests/benchmarks/encryption.py [--reports 5000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from flows.workspace import utc_now
from pipeline.custody import resealing
from pipeline.custody.keyring import Keyring, add_key, make_keyring
from pipeline.intake import Limits
from pipeline.report import QueueItem
from pipeline.store import Store, open_store, queues, reports
from pipeline.store.migrate import upgrade
from pipeline.store.search import Filter
from pipeline.submit import submit
from tests.benchmarks.capacity import store_bytes, texts, timed

BODY: dict[str, Any] = {"violations": [], "urgency": None, "places": [], "actors": []}


def queue_up(store: Store, count: int) -> None:
    """An item in one queue for each report."""
    now = utc_now()
    for start in range(1, count + 1, 500):
        with store.write() as connection:
            found = reports.load(connection, range(start, min(start + 500, count + 1)))
            rows = [{"report": seq, "model": "m", "taxonomy": "1", "urgency": None, "body": BODY} for seq in found]
            stored = reports.add_assessments(connection, rows, policy="1", now=now)
            items = [(seq, QueueItem(report.id, "q", "", "low", now)) for seq, report in found.items()]
            queues.add(connection, items, assessments=stored, ranks={"low": 3}, destinations={}, now=now)


def search(store: Store) -> None:
    """A word that is in no report: every one of the queue is looked at."""
    with store.read() as connection:
        assert queues.page(connection, "q", wanted=Filter(words="zorvathquell"), limit=50) == []


def measure(count: int, rounds: int, folder: Path) -> dict[str, Any]:
    path, key_file = folder / "reports.jsonl", folder / "store.keys"
    with path.open("w", encoding="utf-8") as stream:
        for number, words in enumerate(texts(count)):
            stream.write(json.dumps({"id": f"c{number}", "text": words, "source": "office", "sector": "north"}) + "\n")
    make_keyring(key_file, today=date.today())
    spent: dict[str, list[float]] = {"clear": [], "encrypted": []}
    sizes: dict[str, int] = {}
    store = open_store("sqlite://")
    for number in range(rounds):
        for kind, taken in spent.items():
            keys = Keyring(key_file) if kind == "encrypted" else None
            store = open_store(f"sqlite:///{folder}/{kind}-{number}.db", keys=keys)
            upgrade(store)
            resealing.begin(store, keys.newest if keys else None, now=utc_now(), actor="bench")
            empty = store_bytes(store)
            taken.append(timed(lambda: submit(store, [path], now=utc_now, limits=Limits()))[1])  # noqa: B023
            sizes[kind] = (store_bytes(store) - empty) // count
    with store.read() as connection:
        accepted = reports.next_seq(connection) - 1
    opened = timed(lambda: loaded(store, accepted))[1]
    queue_up(store, accepted)
    searched = timed(lambda: search(store))[1]
    key = add_key(key_file, today=date.today())

    def rotate() -> None:
        resealing.begin(store, key, now=utc_now(), actor="bench")
        resealing.finish(store, now=utc_now, actor="bench")

    rotated = timed(rotate)[1]
    ratios = [sealed / clear for clear, sealed in zip(spent["clear"], spent["encrypted"], strict=True)]
    return {
        "reports": count, "accepted": accepted,
        "submit_reports_per_core_second": {kind: round(count / statistics.median(s)) for kind, s in spent.items()},
        "submit_time_encrypted_over_clear": [round(ratio, 3) for ratio in ratios],
        "store_bytes_per_report_taken_in": sizes,
        "encrypted_reports_read_per_core_second": round(accepted / opened),
        "encrypted_items_searched_per_core_second": round(accepted / searched),
        "reports_rotated_per_core_second": round(accepted / rotated),
    }  # fmt: skip


def loaded(store: Store, count: int) -> list[int]:
    """Every report opened, a thousand at a time."""
    with store.read() as connection:
        return [len(reports.load(connection, range(s, s + 1000))) for s in range(1, count + 1, 1000)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(given.reports, given.rounds, Path(folder)), indent=1))


if __name__ == "__main__":
    main()
