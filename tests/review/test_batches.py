"""Submissions, receipts and rows to mend on the page: each sees their own."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pipeline.review import uploads
from pipeline.review.uploads import MEND, plain_name
from pipeline.store import Store, audit, batches
from pipeline.store.schema import report
from tests.review.conftest import Visit, item


def test_a_reviewer_sees_no_batch_of_others(visit: Visit, desk: Store) -> None:
    with desk.read() as connection:
        batch = batches.recent(connection)[0]
    browser = visit("ada")
    assert batch not in browser.get("/batches").text
    for page in (f"/batches/{batch}", *(f"/batches/{batch}/quarantine.{form}" for form in MEND)):
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


def test_a_monitor_mends_what_was_set_aside_in_a_workbook_and_submits_it_as_it_is(visit: Visit, desk: Store) -> None:
    browser = visit("mo")
    values = browser.form_values("/submit", "/submit")
    content = "ref,report_date,text\n=1+1,2025-02-31,Two herders were beaten in Gao.\n"
    page = browser.post("/submit", data=values, files={"files": ("week.csv", content)})
    (link,) = re.findall(r'href="([^"]+\.xlsx)"', page.text)
    taken = browser.get(link)
    assert taken.headers["content-disposition"].startswith("attachment")
    book = openpyxl.load_workbook(io.BytesIO(taken.content))
    header, cells = book.active.rows
    row = dict(zip((cell.value for cell in header), cells, strict=True))
    assert (row["ref"].value, row["ref"].data_type) == ("'=1+1", "s")  # no formula
    assert row["_quarantined_reason"].value == "bad_date"
    row["report_date"].value = "2025-02-13"
    mended = io.BytesIO()
    book.save(mended)
    page = browser.post("/submit", data=values, files={"files": ("week.xlsx", mended.getvalue())})
    assert "<strong>1</strong> accepted" in page.text
    with desk.read() as connection:
        kept = connection.execute(select(report.c.external_id).order_by(report.c.seq.desc()).limit(1)).scalar_one()
    assert kept == "=1+1"
    csv = browser.get(link.replace(".xlsx", ".csv"))
    assert "'=1+1,2025-02-31" in csv.content.decode("utf-8-sig")
    assert browser.get(link.replace(".xlsx", ".ods")).status_code == 404


def test_a_file_that_was_refused_whole_is_told_by_its_name_and_what_to_do_on_the_page(visit: Visit) -> None:
    browser = visit("mo")
    values = browser.form_values("/submit", "/submit")
    content = b"Ref,Narrative\n1,Soldiers burnt ten houses in Rann on Monday.\n"
    files = [("files", (name, content)) for name in ("../Week 7.CSV", "/etc/Week 7.CSV")]
    page = browser.post("/submit", data=values, files=files).text
    assert page.count('<th scope="row">Week 7.csv</th>') == 2
    assert "say which one holds the reports, such as Narrative; columns: Ref, Narrative." in page
    assert "--map" not in page
    (again,) = set(re.findall(r'"(/submit\?[^"]+)"', page))
    assert 'name="text_column" maxlength="200" value="Narrative"' in browser.get(again).text
    nothing = browser.post(
        "/submit", data={**values, "source": "Rann office"}, files={"files": ("", b"", "text/plain")}
    )
    assert nothing.status_code == 422
    assert ".xlsx" not in page  # there are no rows to mend in it
    assert "2 files could not be read at all" in page


@given(st.text(max_size=90))
def test_a_files_name_is_a_name_and_nothing_else(name: str) -> None:
    made = plain_name(name, otherwise="upload-0")
    assert Path(made).name == made
    assert not made.startswith(".")
    assert len(made) <= 73
    assert made.isprintable()


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
