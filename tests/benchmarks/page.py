"""Speed of the review page over a queue of 100,000 open items, beside as many that are closed, on both databases.

First byte: from the request to the answer's first byte, with sign-in checked, all queries and the page made, in one
process without a network; median and 95th percentile of rounds. Processor: this process's time meanwhile (all of it on
SQLite, without the database's own on PostgreSQL), which other programs on the machine do not stretch. Slowest query:
each statement that a page sent, alone, until its last row was fetched; the median of rounds, the largest of a page's
statements. Reports are made up of drawn words (a common one, one in half a per cent of reports, one in a single
report), so that filters of each width are tried; the narrowest combinations find nothing.

    python tests/benchmarks/page.py [--items 100000] [--rounds 20] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert, update
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[2]))

from pipeline.intake import Limits
from pipeline.report import QueueItem
from pipeline.review import create_app
from pipeline.route import load_policy
from pipeline.settings import ReviewSettings
from pipeline.store import Store, open_store, people, queues, reports
from pipeline.store.migrate import upgrade
from pipeline.store.schema import batch, queue_facet, queue_item, report
from pipeline.taxonomy import load_taxonomy
from tests.postgres import binaries, database, server

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
QUEUE, PASSWORD, CHUNK = "investigations", "four horses on a hill", 2000
LEVELS = load_taxonomy().urgency_ids
TYPES = load_taxonomy().violation_ids
PLACES = [f"Town {n}" for n in range(400)]
ACTORS = ("security_forces", "non_state_armed_group", "civilian", "unknown")
WORDS = [
    f"{a}{b}{c}" for a in ("ka", "mo", "ti", "su", "re", "lo") for b in "bdgklmnprst" for c in ("an", "er", "ou", "ish")
]


def fill(store: Store, items: int) -> str:
    """Reports with assessments in one queue, half of them closed; the id of an open one."""
    draw = random.Random(7)
    with store.write() as connection:
        connection.execute(insert(batch).values(id="b", fingerprint="f", submitted_at=NOW))
        token = people.add(connection, "ada", name="Ada", role="reviewer", granted=[], by="bench", now=NOW)
        people.accept(connection, token, PASSWORD, now=NOW)
    for first in range(1, 2 * items + 1, CHUNK):
        seqs = range(first, min(first + CHUNK, 2 * items + 1))
        with store.write() as connection:
            connection.execute(insert(report), [_report(n, draw) for n in seqs])
            stored = reports.add_assessments(
                connection,
                [{"report": n, "model": "m", "taxonomy": "1", "urgency": "high", "body": _body(draw)} for n in seqs],
                policy="1", now=NOW,
            )  # fmt: skip
            level = {n: draw.choices(LEVELS, (1, 4, 10, 5))[0] for n in seqs}
            queues.add(
                connection,
                [(n, QueueItem(f"r{n}", QUEUE, "unlawful_killing >= 0.5", level[n], NOW + timedelta(minutes=n % 9999 - 500))) for n in seqs],
                assessments=stored, ranks={name: rank for rank, name in enumerate(LEVELS)}, destinations={}, now=NOW,
            )  # fmt: skip
            if first <= items:
                connection.execute(update(queue_item).where(queue_item.c.report.in_(seqs)).values(state="closed"))
                here = [row.seq for rows in queues.of_reports(connection, seqs).values() for row in rows]
                connection.execute(update(queue_facet).where(queue_facet.c.item.in_(here)).values(closed=True))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return f"r{items + 1}"


def _report(n: int, draw: random.Random) -> dict[str, Any]:
    words = draw.choices(WORDS, k=draw.randint(60, 180))
    words += ["police"] * (draw.random() < 0.6) + ["granary"] * (draw.random() < 0.005) + [f"unique{n}"]
    return {
        "seq": n, "id": f"r{n}", "batch": "b", "line": n, "external_id": f"GAO-{n:06}", "sha256": "0" * 64,
        "text": " ".join(words), "metadata": {}, "flags": [], "received_at": NOW, "normalised_sha256": f"{n:064}",
        "report_date": (NOW - timedelta(days=n % 700)).date(), "source": f"Office {n % 12}", "country": "ML", "language": "en",
    }  # fmt: skip


def _body(draw: random.Random) -> dict[str, Any]:
    decided = set(draw.choices(TYPES, range(len(TYPES), 0, -1), k=2))
    places = draw.choices(PLACES, k=2)
    return {
        "violations": [
            {"id": t, "probability": 0.9 if t in decided else 0.03, "decided": t in decided, "evidence": []} for t in TYPES
        ],
        "urgency": {"id": "high", "probabilities": dict.fromkeys(LEVELS, 0.25), "evidence": []},
        "places": [{"start": 0, "end": 4, "name": p, "iso2": "ML", "lat": 14.0, "lon": -3.0, "precision": "exact", "geonames_id": 1} for p in places],
        "actors": [{"start": 5, "end": 9, "type": draw.choice(ACTORS), "role": "perpetrator", "canonical": None}],
        "dates": [], "counts": [], "claim_status": {}, "flags": [], "abstained": [],
    }  # fmt: skip


def addresses(ident: str) -> dict[str, str]:
    queue = f"/queues/{QUEUE}"
    return {
        "board": "/", "queue": queue, "after 50,000 items": f"{queue}?after=r150000", "one level": f"{queue}?urgency=low",
        "overdue": f"{queue}?overdue=true", "common type": f"{queue}?type={TYPES[0]}", "rare type": f"{queue}?type={TYPES[-1]}",
        "place": f"{queue}?place=Town+17", "actor": f"{queue}?actor=security+forces", "source": f"{queue}?source=office+3",
        "type and place": f"{queue}?type={TYPES[0]}&place=town+17", "one day": f"{queue}?since=2024-06-01&until=2024-06-01",
        "a year": f"{queue}?since=2024-01-01&until=2024-12-31", "a day to come": f"{queue}?since=2026-01-01",
        "common word": f"{queue}?q=police", "rare word": f"{queue}?q=granary", "no such word": f"{queue}?q=zzzz",
        "submitter's id": f"{queue}?q=GAO-150000", "two words": f"{queue}?q=police+granary",
        "all at once": f"{queue}?q=police&type={TYPES[0]}&place=town+17&actor=civilian&source=office+3&since=2024-01-01&urgency=medium",
        "item": f"{queue}/{ident}",
    }  # fmt: skip


@contextmanager
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile."""
    sent: list[tuple[str, Any]] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine, "before_cursor_execute", note)


def measure(store: Store, ident: str, rounds: int) -> dict[str, dict[str, float]]:
    app = create_app(
        store,
        policy=load_policy(),
        taxonomy=load_taxonomy(),
        limits=Limits(),
        settings=ReviewSettings(requests_per_minute=0),
        now=lambda: NOW,
    )
    browser = TestClient(app)
    assert browser.post("/sign-in", data={"login": "ada", "password": PASSWORD}).status_code == 200
    figures = {}
    for name, address in addresses(ident).items():
        waits, busy = [], []
        for _ in range(rounds):
            with statements(store) as sent:
                begun, worked = time.perf_counter(), time.process_time()
                with browser.stream("GET", address) as answer:
                    next(answer.iter_raw())
                    waits.append(time.perf_counter() - begun)
                    busy.append(time.process_time() - worked)
                assert answer.status_code == 200, (name, answer.status_code)
        slowest = max(_alone(store, statement, parameters, rounds) for statement, parameters in sent)
        figures[name] = {
            "first_byte_ms": _ms(statistics.median(waits)), "p95_ms": _ms(sorted(waits)[math.ceil(0.95 * rounds) - 1]),
            "processor_ms": _ms(statistics.median(busy)), "slowest_query_ms": _ms(slowest), "queries": len(sent),
        }  # fmt: skip
    return figures


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


def _alone(store: Store, statement: str, parameters: Any, rounds: int) -> float:
    waits = []
    with store.read() as connection:
        for _ in range(rounds):
            begun = time.perf_counter()
            connection.exec_driver_sql(statement, parameters).fetchall()
            waits.append(time.perf_counter() - begun)
    return statistics.median(waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        store = open_store(f"sqlite:///{folder}/bench.db")
        upgrade(store)
        figures["sqlite"] = measure(store, fill(store, asked.items), asked.rounds)
        store.dispose()
        if binaries() is None:
            print("PostgreSQL is not installed: SQLite alone is measured", file=sys.stderr)
        else:
            with server(Path(folder)) as socket, database(socket) as url:
                store = open_store(url)
                upgrade(store)
                figures["postgresql"] = measure(store, fill(store, asked.items), asked.rounds)
                store.dispose()
    if asked.json:
        print(json.dumps(figures, indent=2))
        return
    for database_name, pages in figures.items():
        print(f"{database_name:20}{'first byte':>14}{'p95':>10}{'processor':>12}{'slowest query':>16}  (ms)")
        for name, line in pages.items():
            print(
                f"  {name:18}{line['first_byte_ms']:>14}{line['p95_ms']:>10}{line['processor_ms']:>12}"
                f"{line['slowest_query_ms']:>16}"
            )


if __name__ == "__main__":
    main()
