"""kill -9 at random moments of submit, triage and deliver, as often as asked for, with the figures of what came of it.

    python -m tests.faults.rounds --rounds 300 --store sqlite

A job is a batch taken in, triaged and delivered to a folder and, signed, to a receiver in a process of its own, which
writes down every request and acts once per key. The job's process is killed at a moment drawn evenly from the time that
a whole job takes, longer after each kill, and started anew until it ends by itself; then everything is counted, and held
against what the first job came to, which nobody killed. A stand-in for the model reads the texts: what is proved is the
store's and the delivery's part.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from flows.workspace import utc_now
from pipeline import submit as submitting
from pipeline.classify.rules import DecisionRules
from pipeline.deliver import deliver
from pipeline.extract import Extractor
from pipeline.intake import Limits
from pipeline.report import Reading
from pipeline.route import load_policy
from pipeline.route.destinations import Folder
from pipeline.route.webhook import Webhook, sign
from pipeline.store import Store, audit, batches, engine, open_store, reports
from pipeline.store.migrate import upgrade
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import SHIPPED
from tests.postgres import database, server

STORES = ("sqlite", "sqlite-wal", "postgresql")
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
QUARANTINED_EVERY = 20
ROWS_AT_A_TIME = 8
"""Stored in a transaction, and triaged in a chunk: as many places to be killed at as in a batch of thousands."""
fork = get_context("fork")


@dataclass
class Figures:
    """What the rounds came to. `lost`: reports, items or deliveries that are missing in the end. `doubled`: second
    assessments, items or effects. `set_apart`: reports that went to manual review unread, since their process ended
    five times. `sent_again`: requests that repeated a key, `altered` those whose body was another.
    """

    store: str
    kills: int = 0
    jobs: int = 0
    reports: int = 0
    deliveries: int = 0
    lost: int = 0
    doubled: int = 0
    broken: int = 0
    set_apart: int = 0
    sent_again: int = 0
    altered: int = 0
    forged: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return bool(self.lost or self.doubled or self.broken or self.altered or self.forged)


class StandIn:
    """Finds the same in every text, at once."""

    version = "stand-in@0"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        taxonomy = load_taxonomy()
        self._types = [violation.id for violation in taxonomy.violations]
        self._levels = taxonomy.urgency_ids
        self.rules = DecisionRules(dict.fromkeys(self._types, 0.5), dict.fromkeys(self._types, 0.5))

    def read(self, texts: Sequence[str]) -> list[Reading]:
        violations = {name: 0.9 if name == "unlawful_killing" else 0.1 for name in self._types}
        urgency = {level: 0.97 if level == "high" else 0.01 for level in self._levels}
        return [Reading(violations, urgency) for _ in texts]


def is_empty(number: int) -> bool:
    """Whether a row of the file has no text, and has to be quarantined."""
    return number % QUARANTINED_EVERY == 7


def reports_file(path: Path, rows: int) -> None:
    rng = random.Random(5)
    towns = ["Gao", "Bria", "Goma", "Taizz", "Herat", "Kankara"]
    with path.open("w", encoding="utf-8") as stream:
        for n in range(rows):
            words = f"Report {n}: armed men took {rng.randint(2, 90)} sacks of grain near {rng.choice(towns)}, case {rng.random()}."
            stream.write(json.dumps({"id": f"k{n}", "text": "" if is_empty(n) else words}) + "\n")


def work_through(job: Path, url: str, receiver: str, rooms: Rooms) -> None:
    """One process of a job, from where the one before it was cut off."""
    store = open_store(url)
    submitting.submit(store, [job / "reports.jsonl"], now=utc_now, limits=Limits())
    with store.read() as connection:
        chunks = reports.pending_chunks(connection, size=ROWS_AT_A_TIME)
    for first, last in chunks:
        triage_chunk(store, first, last, rooms, now=utc_now)
    destinations = {
        "folder": Folder(job / "outbox"),
        "receiver": Webhook(receiver, (SECRET,), allow_private=True),
    }
    for days in itertools.count():  # until the lease of one that was killed, and the wait after a failure, have run out

        def later(days: int = days) -> datetime:
            return utc_now() + timedelta(days=days)

        if not deliver(store, destinations, **SHIPPED, now=later, rng=random.Random(0)).owed:
            break
    store.dispose()
    (job / "done").touch()


@contextmanager
def receiver(log: Path) -> Iterator[str]:
    """A receiver in a process of its own; its address. It writes a line for every request: its key, or that it is forged.

    A request that was cut off, in its headers or its body, is none: its sender was killed, and sends it again.
    """
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve() -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return
                key, moment = self.headers["webhook-id"], int(self.headers["webhook-timestamp"])
                genuine = self.headers["webhook-signature"] == sign(SECRET, key, moment, body)
                line = f"{key if genuine else 'forged'} {hashlib.sha256(body).hexdigest()}\n"
                with log.open("a") as stream:
                    stream.write(line)
                self.send_response(204)
                self.end_headers()

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (OSError, TypeError, ValueError):  # cut off before its length, or before the answer
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        made = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        made.socket = listening
        made.serve_forever()

    process = fork.Process(target=serve, daemon=True)
    process.start()
    port = listening.getsockname()[1]
    listening.close()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.join()


@contextmanager
def stores(folder: Path, postgres: str | None) -> Iterator[Callable[[Path], AbstractContextManager[str]]]:
    """Makes an empty store for each job, a copy of one that was migrated once; its address."""
    with database(postgres) if postgres else nullcontext(f"sqlite:///{folder / 'made.db'}") as made:
        store = open_store(made)
        upgrade(store)
        store.dispose()

        @contextmanager
        def fresh(job: Path) -> Iterator[str]:
            if postgres:
                with database(postgres, template=str(make_url(made).database)) as url:
                    yield url
            else:
                shutil.copy(folder / "made.db", job / "store.db")
                yield f"sqlite:///{job / 'store.db'}"

        yield fresh


def run(
    kind: str, *, rounds: int, minutes: float, rows: int, seed: int, postgres: str | None, folder: Path
) -> Figures:  # fmt: skip
    """Kill so many processes, in so many minutes at most; the figures."""
    if kind != "postgresql":
        engine.wal_is_safe = lambda *_: kind == "sqlite-wal"  # type: ignore[assignment] # children inherit it
    submitting.ROWS_PER_TRANSACTION = ROWS_AT_A_TIME
    policy = load_policy()
    both = [queue.model_copy(update={"destinations": ("folder", "receiver")}) for queue in policy.queues]
    rooms = Rooms(StandIn(), Extractor(), replace(policy, queues=tuple(both)), load_taxonomy())
    rng, figures, begun, span = random.Random(seed), Figures(kind), time.monotonic(), 0.0
    usual = Counter[Owed]()

    def more() -> bool:
        return figures.kills < rounds and time.monotonic() - begun < 60 * minutes

    with stores(folder, postgres) as fresh:
        while more():
            job = folder / "job"
            job.mkdir()
            reports_file(job / "reports.jsonl", rows)
            with fresh(job) as url, receiver(job / "requests") as address:
                if not usual:  # here, not in a child: what it loads, all children have, and are killed at work
                    work_through(job, url, address, rooms)
                started, killed = time.monotonic(), 0
                while not (job / "done").exists():
                    process = fork.Process(target=work_through, args=(job, url, address, rooms))
                    process.start()
                    struck = False
                    if span and more():  # the first child goes through, to learn how long a job takes
                        process.join(rng.uniform(0, span * 1.2**killed))  # a slower machine gets through as well
                        if struck := process.is_alive() and not (job / "done").exists():
                            process.kill()
                    process.join()
                    if struck and process.exitcode == -signal.SIGKILL:
                        killed += 1
                        figures.kills += 1
                    elif process.exitcode != 0:
                        raise SystemExit(f"job {figures.jobs}: a process ended with {process.exitcode} by itself")
                if usual:
                    span = span or time.monotonic() - started
                store = open_store(url)  # only now: a child must not inherit a connection
                found = count(figures, job, store, rows, usual)
                usual = usual or found
                store.dispose()
            figures.jobs += 1
            print(figures, file=sys.stderr)
            shutil.rmtree(job)
    figures.seconds = round(time.monotonic() - begun, 1)
    return figures


Owed = tuple[str, str, str]
"""Which report is owed from which queue to which destination."""


def placed(connection: Connection) -> tuple[Counter[Owed], set[str]]:
    """Where each report is and how often, and the reports that were set apart unread, by the ids of the file."""
    found, apart = Counter[Owed](), set[str]()
    for ident, queue, destination, urgency in connection.execute(
        text(
            "SELECT external_id, queue, destination, assessment.urgency FROM outbox"
            " JOIN queue_item ON queue_item.seq = outbox.item JOIN report ON report.seq = queue_item.report"
            " JOIN assessment ON assessment.seq = queue_item.assessment"
        )
    ):
        if urgency is None:
            apart.add(ident)
        else:
            found[ident, queue, destination] += 1
    return found, apart


def count(figures: Figures, job: Path, store: Store, rows: int, usual: Counter[Owed]) -> Counter[Owed]:
    """Add what a finished job came to, against what is usual, where that is known; what was found in the queues.

    What is missing and what is too many are counted apart: one must not make up for the other.
    """
    with store.read() as connection:

        def number(query: str) -> int:
            return int(connection.execute(text(f"SELECT count(*) FROM {query}")).scalar_one())

        first = batches.recent(connection, limit=1_000_000)[-1]  # a batch that was done is a new one when sent again
        receipt = batches.receipt(connection, first)
        owed = set(connection.scalars(text("SELECT idempotency_key FROM outbox")))
        to_folder = set(connection.scalars(text("SELECT idempotency_key FROM outbox WHERE destination = 'folder'")))
        figures.broken += audit.verify(connection).broken_at is not None
        if store.is_sqlite:
            figures.broken += connection.execute(text("PRAGMA integrity_check")).scalar_one() != "ok"
        good = {f"k{n}" for n in range(rows) if not is_empty(n)}
        found, apart = placed(connection)
        figures.set_apart += len(apart)
        figures.lost += receipt.pending + len(good - {ident for ident, _, _ in found} - apart)
        for expected, counted in [
            (Counter(accepted=len(good), quarantined=rows - len(good)),
             Counter(accepted=receipt.accepted, duplicate=receipt.duplicates, quarantined=receipt.quarantined)),
            (Counter(lines=rows), Counter(lines=len(list(batches.lines(connection, first))))),
            (Counter(reports=len(good)), Counter(reports=number("report"))),
            (Counter({at: n for at, n in (usual or found).items() if at[0] not in apart}), found),
        ]:  # fmt: skip
            figures.lost += (expected - counted).total()
            figures.doubled += (counted - expected).total()
        figures.lost += number("outbox WHERE state <> 'delivered'")
        figures.doubled += number("(SELECT report FROM assessment GROUP BY report HAVING count(*) > 1) AS twice")
        figures.doubled += number("(SELECT report FROM queue_item GROUP BY report, queue HAVING count(*) > 1) AS twice")
    files = [line for path in (job / "outbox").rglob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    in_folder = Counter(json.loads(line)["key"] for line in files)
    requests = [line.split() for line in (job / "requests").read_text().splitlines()]
    genuine = [(key, body) for key, body in requests if key != "forged"]
    bodies: dict[str, set[str]] = {}
    for key, body in genuine:
        bodies.setdefault(key, set()).add(body)
    figures.forged += len(requests) - len(genuine)
    figures.lost += len(to_folder - in_folder.keys()) + len(owed - to_folder - bodies.keys())
    figures.doubled += sum(n - 1 for n in in_folder.values())
    figures.doubled += len(in_folder.keys() - to_folder) + len(bodies.keys() - (owed - to_folder))
    figures.sent_again += len(genuine) - len(bodies)
    figures.altered += sum(len(sent) - 1 for sent in bodies.values())
    figures.reports += receipt.received
    figures.deliveries += len(owed)
    return found


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # end the server too
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rounds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300, help="processes to kill")
    parser.add_argument("--minutes", type=float, default=600, help="stop after so many, with fewer rounds")
    parser.add_argument("--store", choices=STORES, default="sqlite", help="sqlite is the rollback journal")
    parser.add_argument("--rows", type=int, default=24, help="reports in each job")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--postgres", help="socket of a running server; without it one is started")
    chosen = parser.parse_args()
    options = {"rounds": chosen.rounds, "minutes": chosen.minutes, "rows": chosen.rows, "seed": chosen.seed}
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        (jobs := Path(folder) / "jobs").mkdir()
        if chosen.store != "postgresql":
            figures = run(chosen.store, **options, postgres=None, folder=jobs)
        elif chosen.postgres:
            figures = run(chosen.store, **options, postgres=chosen.postgres, folder=jobs)
        else:
            with server(Path(folder)) as started:
                figures = run(chosen.store, **options, postgres=started, folder=jobs)
    print(json.dumps(asdict(figures)))
    return 1 if figures.failed else 0


if __name__ == "__main__":
    sys.exit(main())
