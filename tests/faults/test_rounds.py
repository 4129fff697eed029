"""The rounds count what they should: what is missing, what is too much, and no request that was cut off."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.extract import Extractor
from pipeline.route import load_policy
from pipeline.route.webhook import sign
from pipeline.store import Store, open_store
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import Rooms
from tests.faults.rounds import SECRET, Figures, StandIn, count, receiver, reports_file, work_through

ROWS = 21  # the eighth of them is empty


def request(key: str, body: bytes, *, signature: str | None = None) -> bytes:
    lines = [
        "POST / HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}", f"webhook-id: {key}", "webhook-timestamp: 1",
        f"webhook-signature: {signature or sign(SECRET, key, 1, body)}", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + body


def test_a_request_that_was_cut_off_is_none(tmp_path: Path, socket_enabled: None) -> None:
    whole = request("a", b'{"type": "item"}')
    forged = request("a", b'{"type": "item"}', signature="v1,bm8=")
    with receiver(tmp_path / "log") as address:
        for sent in [whole[:cut] for cut in range(len(whole))] + [forged, whole]:
            with socket.create_connection(("127.0.0.1", urlsplit(address).port or 0)) as connection:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(100)
    assert [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()] == ["forged", "a"]


def in_folder(job: Path, change: Callable[[list[str]], list[str]]) -> None:
    path = next((job / "outbox").rglob("*.jsonl"))
    path.write_text("".join(change(path.read_text("utf-8").splitlines(keepends=True))), "utf-8")


def requested(job: Path, change: Callable[[list[str]], list[str]]) -> None:
    path = job / "requests"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


def stored(job: Path, *statements: str) -> None:
    """Change what the store refuses to have changed."""
    with closing(sqlite3.connect(job / "test.db")) as connection, connection:
        guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for statement in [*(f"DROP TRIGGER {name}" for (name,) in guards), *statements]:
            connection.execute(statement)


LAST = "(SELECT max(seq) FROM queue_item)"
TAMPERINGS: list[tuple[str, Callable[[Path], None]]] = [
    ("lost", lambda job: in_folder(job, lambda lines: lines[1:])),
    ("lost", lambda job: requested(job, lambda lines: lines[1:])),
    ("lost", lambda job: stored(job, "UPDATE outbox SET state = 'owed' WHERE seq = 1")),
    ("lost", lambda job: stored(job, f"DELETE FROM outbox WHERE item = {LAST} AND destination = 'folder'")),
    ("lost", lambda job: stored(job, "DELETE FROM quarantine")),
    ("lost", lambda job: stored(job, "INSERT INTO pending (report) SELECT min(seq) FROM report")),
    ("doubled", lambda job: in_folder(job, lambda lines: [*lines, lines[0]])),
    ("doubled", lambda job: requested(job, lambda lines: [*lines, "unknown 00\n"])),
    ("doubled", lambda job: stored(job, f"UPDATE queue_item SET queue = 'elsewhere' WHERE seq = {LAST}")),
    ("doubled", lambda job: stored(
        job, "INSERT INTO quarantine (batch, line, locator, reason, message, content)"
        " SELECT batch, 900, locator, reason, message, content FROM quarantine")),
    ("forged", lambda job: requested(job, lambda lines: [*lines, "forged 00\n", "forged 00\n"])),
    ("altered", lambda job: requested(job, lambda lines: [*lines, f"{lines[0].split()[0]} 00\n"])),
    ("broken", lambda job: stored(job, "UPDATE audit_event SET actor = 'nobody' WHERE seq = 1")),
]  # fmt: skip


def test_each_fault_is_counted_as_what_it_is(
    store: Store, extractor: Extractor, tmp_path: Path, socket_enabled: None
) -> None:
    reports_file(tmp_path / "reports.jsonl", ROWS)
    policy = load_policy()
    both = [queue.model_copy(update={"destinations": ("folder", "receiver")}) for queue in policy.queues]
    rooms = Rooms(StandIn(), extractor, replace(policy, queues=tuple(both)), load_taxonomy())
    with receiver(tmp_path / "requests") as address:
        work_through(tmp_path, f"sqlite:///{tmp_path / 'test.db'}", address, rooms)
    usual = count(figures := Figures("sqlite"), tmp_path, store, ROWS, Counter())
    assert not figures.failed
    assert (figures.reports, figures.sent_again, figures.set_apart) == (ROWS, 0, 0)
    assert usual.total() == figures.deliveries >= 2 * (ROWS - 1)

    for number, (fault, tamper) in enumerate(TAMPERINGS):
        shutil.copytree(tmp_path, job := tmp_path.with_name(f"{tmp_path.name}-{number}"))
        tamper(job)
        tampered = open_store("sqlite:///test.db", base=job)
        count(figures := Figures("sqlite"), job, tampered, ROWS, usual)
        tampered.dispose()
        assert getattr(figures, fault), (number, fault, figures)
