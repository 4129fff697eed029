"""Submissions, receipts and rows to mend on the page: each sees their own."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.review import uploads
from pipeline.store import Store, audit, batches
from tests.review.conftest import Visit, item


def test_a_reviewer_sees_no_batch_of_others(visit: Visit, desk: Store) -> None:
    with desk.read() as connection:
        batch = batches.recent(connection)[0]
    browser = visit("ada")
    assert batch not in browser.get("/batches").text
    for page in (f"/batches/{batch}", f"/batches/{batch}/quarantine.jsonl"):
        assert browser.get(page).status_code == 404
    for login in ("mo", "su"):
        assert visit(login).get(f"/batches/{batch}").status_code == 200


def test_a_monitor_submits_sees_the_receipt_and_gets_back_what_was_set_aside(
    visit: Visit, desk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "CHUNK", 16)  # what is sent and taken goes in many pieces
    browser = visit("mo")
    values = browser.form_values("/submit", "/submit")
    content = "id,text\n1,Soldiers burnt ten houses in Rann on Monday.\n2,\n3,=1+1\n"
    answer = browser.post("/submit", data=values, files={"files": ("week.csv", content, "text/csv")})
    assert answer.url.path.startswith("/batches/")
    assert "<strong>3</strong> received" in answer.text
    assert "empty text" in answer.text
    sent = browser.get(f"{answer.url.path}/quarantine.jsonl").content
    rows = sent.decode().splitlines()
    assert len(rows) == 2
    assert "=1+1" in rows[1]
    with desk.read() as connection:
        (taken,) = audit.events(connection, subject="quarantine")
    assert (taken.actor, taken.body["rows"]) == ("mo", 2)
    assert taken.body["file"] == hashlib.sha256(sent).hexdigest()


def test_a_monitor_sees_no_queue_and_no_other_batch(visit: Visit, desk: Store) -> None:
    administrator = visit("su")
    values = administrator.form_values("/submit", "/submit")
    other = administrator.post(
        "/submit", data=values, files={"files": ("a.txt", "Police beat a man in Gao.", "text/plain")}
    )
    browser = visit("mo")
    assert browser.get("/").url.path == "/batches"
    for page in (
        other.url.path,
        f"{other.url.path}/quarantine.jsonl",
        "/queues/investigations",
        item(desk, "A1"),
        "/people",
    ):
        assert browser.get(page).status_code == 404
