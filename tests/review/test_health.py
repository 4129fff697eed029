"""What orchestrators and monitoring read: health, metrics, and that they tell nothing of restricted queues."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update
from starlette.testclient import TestClient

from pipeline.intake import Candidate, Limits, Row
from pipeline.metrics import exposition
from pipeline.review import create_app
from pipeline.settings import ReviewSettings
from pipeline.store import Store, audit, nights, open_store, people, tokens, work
from pipeline.store.schema import outbox, queue_item
from pipeline.submit import take_in
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import NOW
from tests.review.conftest import REPORTS

Labels = tuple[tuple[str, str], ...]
DOCUMENTS = ("operations.md", "runbook.md")
LATER = NOW + timedelta(hours=3)


def page(store: Store, rooms: Rooms, **settings: Any) -> TestClient:
    return TestClient(
        create_app(
            store, policy=rooms.policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: NOW,
            settings=ReviewSettings(**settings),
        )
    )  # fmt: skip


def read(store: Store, rooms: Rooms) -> dict[tuple[str, Labels], float]:
    """The metrics three hours after everything came in, by name and labels."""
    with store.read() as connection:
        found = exposition(connection, policy=rooms.policy, now=LATER).decode()
    return {
        (sample.name.removeprefix("sitrep_"), tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(found)
        for sample in family.samples
    }


def token(store: Store, login: str, *scopes: str) -> dict[str, str]:
    with store.write() as connection:
        made = tokens.issue(connection, login, name="t", scopes=scopes, days=1, by="test", now=NOW)
    return {"Authorization": f"Bearer {made}"}


def test_a_character_that_no_database_holds_is_no_fault_of_the_page(any_store: Store, rooms: Rooms) -> None:
    browser = page(any_store, rooms)
    assert browser.post("/sign-in", data={"login": "ada\0", "password": "x"}).status_code in (403, 422)


def test_health_needs_no_sign_in_and_tells_only_itself(desk: Store, rooms: Rooms) -> None:
    browser = page(desk, rooms)
    assert (browser.get("/health/live").text, browser.get("/health/ready").text) == ("live\n", "ready\n")


@pytest.mark.parametrize("what", ["no tables", "another version"])
def test_a_page_that_cannot_serve_is_alive_but_not_ready(
    what: str, desk: Store, rooms: Rooms, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if what == "no tables":
        desk = open_store("sqlite:///none.db", base=tmp_path)
    else:
        with desk.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    browser = page(desk, rooms)
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.text) == (503, "not ready\n")
    assert "sitrep" in caplog.text  # the command that mends it
    assert browser.get("/health/live").status_code == 200


def test_metrics_need_a_token_for_them_of_somebody_who_reviews(desk: Store, rooms: Rooms) -> None:
    browser = page(desk, rooms)
    assert browser.get("/metrics").status_code == 401
    assert browser.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert browser.get("/metrics", headers=token(desk, "ada", "read", "review", "submit")).status_code == 403
    assert browser.get("/metrics", headers=token(desk, "mo", "metrics")).status_code == 403
    answer = browser.get("/metrics", headers=token(desk, "ada", "metrics"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "sitrep_queue_items{" in answer.text
    assert browser.get("/api/queues", headers=token(desk, "ada", "metrics")).status_code == 403


def test_tokens_for_metrics_are_paced_and_wrong_ones_are_on_record(desk: Store, rooms: Rooms) -> None:
    browser, good = page(desk, rooms, requests_per_minute=2), token(desk, "ada", "metrics")
    wrong = {"Authorization": "Bearer wrong"}
    assert [browser.get("/metrics", headers=wrong).status_code for _ in range(3)] == [401, 401, 429]
    assert [browser.get("/metrics", headers=good).status_code for _ in range(3)] == [200, 200, 429]
    with desk.read() as connection:
        failed = [e.body for e in audit.events(connection, subject=people.NOBODY) if e.action == "sign-in failed"]
    assert failed == [{"step": "token"}] * 2


def test_queues_with_ages_and_what_is_overdue(desk: Store, rooms: Rooms) -> None:
    found = read(desk, rooms)
    assert found["queue_oldest_item_age_seconds", (("queue", "rule-of-law"),)] == 3 * 3600
    with desk.write() as connection:
        connection.execute(
            update(queue_item).where(queue_item.c.queue == "rule-of-law").values(due=NOW + timedelta(hours=1))
        )
        open_items = connection.execute(
            text("SELECT count(*) FROM queue_item WHERE queue = 'rule-of-law'")
        ).scalar_one()
        work.pause(connection, "rule-of-law", person="su", note="the destination moves", now=NOW)
    found = read(desk, rooms)
    assert found["queue_overdue_items", (("queue", "rule-of-law"),)] == open_items > 0
    assert found["queue_paused", (("queue", "rule-of-law"),)] == 1
    assert found["queue_paused", (("queue", "archive"),)] == 0


def test_what_waits_is_rounded_up_and_its_age_is_told(desk: Store, rooms: Rooms) -> None:
    assert read(desk, rooms)["pending_reports", ()] == 0
    rows = [Row("f", 1, {}, candidate=Candidate("A patrol met nobody on the road to Gao on Monday."))]
    take_in(desk, rows, name="later", now=lambda: NOW + timedelta(hours=1))
    found = read(desk, rooms)
    assert (found["pending_reports", ()], found["pending_oldest_age_seconds", ()]) == (100, 2 * 3600)


def test_deliveries_that_fail(desk: Store, rooms: Rooms) -> None:
    with desk.write() as connection:
        shown = text(
            "SELECT min(seq), max(seq) FROM queue_item WHERE queue NOT IN ('conduct-and-discipline', 'sexual-violence')"
        )
        first, last = connection.execute(shown).one()
        connection.execute(update(outbox).where(outbox.c.item == first).values(attempts=2, last_error="timed out"))
        connection.execute(update(outbox).where(outbox.c.item == last).values(state="dead", attempts=8))
    found = read(desk, rooms)
    folder = ("destination", "folder")
    assert found["deliveries", (folder, ("state", "dead"))] == 1
    assert found["deliveries", (folder, ("state", "owed"))] > 1
    assert found["deliveries_retrying", (folder,)] == 1
    assert found["delivery_oldest_owed_age_seconds", (folder,)] == 3 * 3600


def test_the_last_night_and_the_chain(desk: Store, rooms: Rooms) -> None:
    assert ("night_finished_timestamp_seconds", ()) not in read(desk, rooms)
    counts = {"quarantined": 2, "failed": 1, "chain_intact": False}
    with desk.write() as connection:
        nights.begin(connection, "2025-02-14", now=NOW)
        nights.finish(connection, "2025-02-14", counts=counts, now=NOW + timedelta(minutes=4))
    found = read(desk, rooms)
    assert found["night_finished_timestamp_seconds", ()] == NOW.timestamp() + 240
    assert found["night_duration_seconds", ()] == 240
    assert found["night_reports", (("outcome", "failed"),)] == 1
    assert (found["audit_chain_intact", ()], found["night_unfinished", ()]) == (0, 0)
    with desk.write() as connection:
        nights.begin(connection, "2025-02-15", now=NOW + timedelta(days=1))
    assert read(desk, rooms)["night_unfinished", ()] == 1


def test_a_report_that_only_a_restricted_queue_holds_changes_nothing(desk: Store, rooms: Rooms) -> None:
    before = read(desk, rooms)
    words = REPORTS["A6"].replace("fourteen", "fifteen").replace("Bria", "Bambari") + " The commander knew of it."
    take_in(desk, [Row("f", 1, {}, candidate=Candidate(words))], name="another", now=lambda: NOW)
    triage_chunk(desk, 1, 10_000, rooms, now=lambda: NOW)
    with desk.read() as connection:
        where = {row.queue for row in connection.execute(text("SELECT queue FROM queue_item WHERE report = 7"))}
    assert where
    assert where <= {"conduct-and-discipline", "sexual-violence"}
    assert read(desk, rooms) == before
    assert not any("conduct" in str(key) or "sexual" in str(key) for key in before)


def test_the_metrics_that_the_documents_name_are_there(desk: Store, rooms: Rooms) -> None:
    counts = {"quarantined": 0, "failed": 0, "mailbox_failed": 0, "chain_intact": True}
    with desk.write() as connection:
        nights.begin(connection, "2025-02-14", now=NOW)
        nights.finish(connection, "2025-02-14", counts=counts, now=NOW)
    given = {name for name, _ in read(desk, rooms)}
    named = {page: set(re.findall(r"\bsitrep_(\w+)", Path("docs", page).read_text("utf-8"))) for page in DOCUMENTS}
    assert named["operations.md"] == given
    assert named["runbook.md"] <= given
