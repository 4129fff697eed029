"""The review page without scripts: what each person sees, does, and cannot do."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from pipeline.review import uploads
from pipeline.review.marks import Mark, pieces
from pipeline.store import Store, audit, batches, corrections, reports, tokens
from pipeline.store.queues import work as open_items
from pipeline.store.schema import assessment, queue_item
from pipeline.taxonomy import load_taxonomy
from tests.conftest import NOW
from tests.review.conftest import PASSWORD, REPORTS, Browser

Visit = Callable[[str], Browser]
MISCONDUCT = "peacekeeper_misconduct"  # restricted in the taxonomy


def item(desk: Store, external_id: str, queue: str | None = None) -> str:
    """The path of an item of a report."""
    with desk.read() as connection:
        for row in open_items(connection, limit=100):
            if row.external_id == external_id and queue in (None, row.queue):
                return f"/queues/{row.queue}/{row.report_id}"
    raise AssertionError(f"{external_id} is in no queue")


def test_nobody_sees_anything_without_signing_in(visit: Visit, desk: Store) -> None:
    browser = visit("")
    for page in ("/", "/queues/investigations", item(desk, "A1"), "/batches", "/people", "/submit"):
        assert browser.get(page).url.path == "/sign-in"


def test_five_wrong_passwords_close_the_account_for_a_while(visit: Visit) -> None:
    browser = visit("")
    for _ in range(5):
        assert browser.post("/sign-in", data={"login": "ada", "password": "wrong"}).status_code == 403
    assert browser.post("/sign-in", data={"login": "ada", "password": "four horses on a hill"}).status_code == 403


def test_the_board_counts_only_what_may_be_seen(visit: Visit) -> None:
    plain, granted = visit("ada").get("/").text, visit("cy").get("/").text
    assert "Investigations" in plain
    assert "Conduct and discipline" not in plain
    assert "Conduct and discipline" in granted


def test_an_item_shows_the_text_as_it_came_in_with_its_marks(visit: Visit, desk: Store) -> None:
    page = visit("ada").get(item(desk, "A1")).text
    shown = re.search(r'<div class="text"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert shown is not None
    assert html.unescape(re.sub(r"<[^>]+>", "", shown[1])) == REPORTS["A1"]
    assert 'class="evidence' in shown[1]


def test_an_item_has_a_map_of_the_places_that_have_a_point_and_says_so_where_none_has(
    visit: Visit, desk: Store
) -> None:
    browser = visit("ada")
    page = browser.get(item(desk, "A2")).text
    assert 'role="img" aria-label="Map: Mopti in Mali"' in page
    assert page.count(">Mopti</text>") == 1
    assert page.index("Figures") < page.index("Map of the places")
    assert 'class="land here"' in page
    with desk.write() as connection:
        for row in connection.execute(select(assessment)).mappings().all():  # assessed again, by a smaller gazetteer
            places = [p | {"lat": None, "lon": None, "precision": None} for p in row["body"]["places"]]
            again = {name: value for name, value in row.items() if name != "seq"}
            connection.execute(
                insert(assessment).values(again | {"model": "test", "body": {**row["body"], "places": places}})
            )
    page = browser.get(item(desk, "A2")).text
    assert "<svg" not in page
    assert "No place named has a point on the map." in page


def test_markup_in_a_report_stays_text(visit: Visit, desk: Store) -> None:
    page = visit("ada").get(item(desk, "A4")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_arabic_is_shown_from_right_to_left(visit: Visit, desk: Store) -> None:
    path = item(desk, "A5", "manual-review")  # a language that the model does not read, short as the text is
    assert 'dir="rtl"' in visit("ada").get(path).text


def test_all_types_can_be_chosen_where_the_model_reads_nothing_and_an_urgency_has_to_be(
    visit: Visit, desk: Store
) -> None:
    browser, path = visit("ada"), item(desk, "A5", "manual-review")
    page = browser.get(path).text
    assert page.count('name="violations"') == len(load_taxonomy().violation_ids) - 1  # one is for others alone
    assert not re.search(r'name="urgency"[^>]*checked', page)
    values = browser.form_values(path, f"{path}/decide")
    values |= {"action": ["confirmed"], "violations": ["attack_on_civilians"]}
    assert browser.post(f"{path}/decide", data=values).status_code == 422
    answer = browser.post(f"{path}/decide", data={**values, "urgency": ["high"]})
    assert f'<a href="{path}">Look at it again</a>' in answer.text
    assert "You decided 1 in the last 24 hours, 1 of them in the last hour" in browser.get("/").text
    assert "You decided" not in visit("bo").get("/").text
    assert "Look at it again" not in browser.get(f"{path.rpartition('/')[0]}?closed=rnothing").text


def test_a_decision_is_kept_beside_the_prediction_and_closes_the_item(visit: Visit, desk: Store) -> None:
    browser, path = visit("ada"), item(desk, "A2")
    values = browser.form_values(path, f"{path}/decide")
    values |= {
        "violations": ["arbitrary_detention"],
        "urgency": ["high"],
        "action": ["confirmed"],
        "note": ["two sources"],
    }
    answer = browser.post(f"{path}/decide", data=values)
    assert answer.status_code == 200
    page = browser.get(path).text
    assert "closed" in page
    assert "arbitrary detention; high" in page
    with desk.read() as connection:
        report = path.rpartition("/")[2]
        assert [e.action for e in audit.events(connection, subject=report)][-2:] == ["item closed", "reviewed"]


def test_two_reviewers_at_once_the_second_is_told_and_nothing_is_overwritten(visit: Visit, desk: Store) -> None:
    path = item(desk, "A2")
    ada, bo = visit("ada"), visit("bo")
    mine, theirs = ada.form_values(path, f"{path}/decide"), bo.form_values(path, f"{path}/decide")
    assert ada.post(f"{path}/decide", data={**mine, "action": "save", "urgency": "high"}).status_code == 200
    answer = bo.post(f"{path}/decide", data={**theirs, "action": "confirmed", "urgency": "low"})
    assert answer.status_code == 409
    assert "ada changed the item meanwhile" in answer.text
    page = bo.get(path).text
    assert "held by ada" in page
    assert page.count("; high") == 1
    assert "; low" not in page


def test_filters_show_what_fits_and_keep_to_what_was_asked(visit: Visit, desk: Store) -> None:
    path = item(desk, "A2")
    queue, browser = path.rpartition("/")[0], visit("ada")
    for asked in (
        "q=journ", "q=MOPTI+journalists", "type=restriction_of_freedoms", "place=mopti", "place=Mali", "actor=Police",
        "since=2025-02-14&until=2025-02-14", "q=A2",
    ):  # fmt: skip
        page = browser.get(f"{queue}?{asked}").text
        assert path in page, asked
    for asked in ("q=farmers", "type=torture_no", "place=bria", "since=2025-02-15", "until=2025-02-13", "source=x"):
        assert (path in browser.get(f"{queue}?{asked}").text) == (asked == "type=torture_no"), asked
    assert browser.get(f"{queue}?since=soon").status_code == 422
    assert 'value="MOPTI"' in browser.get(f"{queue}?q=MOPTI").text


def test_a_corrected_type_is_what_the_filter_finds(visit: Visit, desk: Store) -> None:
    path = item(desk, "A2")
    queue, browser = path.rpartition("/")[0], visit("ada")
    assert path not in browser.get(f"{queue}?type=forced_displacement").text
    values = browser.form_values(path, f"{path}/decide")
    saved = {"violations": ["forced_displacement"], "urgency": "high", "action": "save"}
    assert browser.post(f"{path}/decide", data={**values, **saved}).status_code == 200
    assert path in browser.get(f"{queue}?type=forced_displacement").text
    assert path not in browser.get(f"{queue}?type=restriction_of_freedoms").text


def spans_of(desk: Store, path: str) -> list[list[dict[str, object]] | None]:
    """The mentions that each correction of the report says, oldest first."""
    with desk.read() as connection:
        seq = reports.find(connection, path.rpartition("/")[2])[0]
        return [c.body.get("spans") for c in corrections.of_report(connection, seq)]


def mention_rows(page: str) -> dict[str, list[str]]:
    """The rows of mentions as a browser would send them."""
    table = re.search(r'<tbody id="mention-rows">(.*?)</tbody>', page, re.DOTALL)
    assert table is not None
    selects = re.findall(r'<select name="(span_is|span_role)".*?</select>', table[1], re.DOTALL)
    assert len(selects) % 2 == 0
    rows: dict[str, list[str]] = {"span_at": re.findall(r'name="span_at"[^>]*value="([^"]*)"', table[1])}
    for name in ("span_is", "span_role"):
        rows[name] = []
        for select_ in re.findall(rf'<select name="{name}".*?</select>', table[1], re.DOTALL):
            chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected>([^<]*)", select_)
            rows[name].append("" if chosen is None else chosen[1] or chosen[2])
    return rows


def test_mentions_are_corrected_without_scripts_and_stay_through_later_decisions(visit: Visit, desk: Store) -> None:
    path, text = item(desk, "A2"), REPORTS["A2"]
    browser = visit("ada")

    def save(**more: object) -> int:
        page = browser.get(path).text
        values = browser.form_values(path, f"{path}/decide")
        sent = {**values, "urgency": "high", "action": "save", **mention_rows(page), **more}
        return browser.post(f"{path}/decide", data=sent).status_code

    assert save() == 200
    assert spans_of(desk, path) == [None]  # nobody went through them
    rows = mention_rows(browser.get(path).text)
    place = text.index("Mopti")
    assert f"{place}-{place + 5}" in rows["span_at"]
    kinds = [
        "" if at == f"{place}-{place + 5}" else what for at, what in zip(rows["span_at"], rows["span_is"], strict=True)
    ]
    assert save(span_is=kinds, mark_words="the protest", mark_is="civilians", mark_role="victim") == 200
    said = spans_of(desk, path)[-1]
    assert said is not None
    protest = text.index("the protest")
    assert {"start": protest, "end": protest + 11, "kind": "actor", "type": "civilians", "role": "victim"} in said
    assert all(span["start"] != place for span in said)
    page = browser.get(path).text
    assert 'title="civilians, victim">the protest<' in page
    queue = path.rpartition("/")[0]
    assert path not in browser.get(f"{queue}?place=mopti").text
    assert path in browser.get(f"{queue}?actor=civilians").text
    values = browser.form_values(path, f"{path}/decide")
    assert browser.post(f"{path}/decide", data={**values, "action": "save", "urgency": "low"}).status_code == 200
    assert spans_of(desk, path)[-1] == said
    assert save(spans_checked="true") == 200
    assert spans_of(desk, path)[-1] == said


@pytest.mark.parametrize(
    "wrong",
    [
        {"span_at": ["0-9999"], "span_is": ["place"], "span_role": [""]},
        {"span_at": ["5-5"], "span_is": ["place"], "span_role": [""]},
        {"span_at": ["x"], "span_is": ["place"], "span_role": [""]},
        {"span_at": ["0-2"], "span_is": ["place"]},
        {"span_at": ["0-2"], "span_is": ["wizard"], "span_role": [""]},
        {"span_at": ["0-2"], "span_is": ["police"], "span_role": ["hero"]},
        {"mark_words": "nowhere in the text", "mark_is": "place"},
    ],
    ids=str,
)
def test_mentions_that_cannot_be_are_refused_and_nothing_is_kept(
    visit: Visit, desk: Store, wrong: dict[str, object]
) -> None:
    path, browser = item(desk, "A2"), visit("ada")
    values = browser.form_values(path, f"{path}/decide")
    sent = {**values, "urgency": "high", "action": "save", **wrong}
    assert browser.post(f"{path}/decide", data=sent).status_code == 422
    assert spans_of(desk, path) == []
    assert "held by" not in browser.get(path).text


def test_an_item_is_given_to_a_colleague_and_back_by_a_supervisor(visit: Visit, desk: Store) -> None:
    path = item(desk, "A2")
    ada = visit("ada")
    values = ada.form_values(path, f"{path}/reassign")
    page = ada.get(path).text
    assert [name in page for name in ('value="bo"', 'value="cy"', 'value="mo"')] == [True, True, False]
    assert ada.post(f"{path}/reassign", data={**values, "to": "mo"}).status_code == 422
    assert "held by bo" in ada.post(f"{path}/reassign", data={**values, "to": "bo"}).text
    values = ada.form_values(path, f"{path}/reassign")
    assert ada.post(f"{path}/reassign", data={**values, "to": "ada"}).status_code == 409
    vi = visit("vi")
    assert (
        "held by ada"
        in vi.post(f"{path}/reassign", data={**vi.form_values(path, f"{path}/reassign"), "to": "ada"}).text
    )


def test_a_restricted_item_is_given_only_to_those_who_may_see_it(visit: Visit, hidden: tuple[str, str]) -> None:
    path = "/queues/{}/{}".format(*hidden)
    cy = visit("cy")
    values = cy.form_values(path, f"{path}/claim")
    assert 'value="bo"' not in cy.get(path).text
    assert cy.post(f"{path}/reassign", data={**values, "to": "bo"}).status_code == 422


def test_a_report_is_referred_to_another_queue_that_one_may_see(visit: Visit, desk: Store) -> None:
    path = item(desk, "A2")
    report, ada = path.rpartition("/")[2], visit("ada")
    values = ada.form_values(path, f"{path}/refer") | {"note": ["aid was stopped too"]}
    refused = [
        ada.post(f"{path}/refer", data={**values, "to": to})
        for to in ("conduct-and-discipline", "no-such-queue", path.split("/")[2])
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 422]
    assert refused[0].text == refused[1].text
    answer = ada.post(f"{path}/refer", data={**values, "to": "humanitarian-access"})
    assert answer.url.path == f"/queues/humanitarian-access/{report}"
    assert "referred from" in answer.text
    assert "closed" in ada.get(path).text
    assert report in ada.get("/queues/humanitarian-access?type=restriction_of_freedoms").text


def test_a_report_that_leaves_a_restricted_queue_does_not_tell_where_it_was(
    visit: Visit, hidden: tuple[str, str]
) -> None:
    path, cy = "/queues/{}/{}".format(*hidden), visit("cy")
    values = cy.form_values(path, f"{path}/refer") | {"note": ["it is about fuel alone"], "to": ["investigations"]}
    assert cy.post(f"{path}/refer", data=values).url.path == f"/queues/investigations/{hidden[1]}"
    page = visit("ada").get(f"/queues/investigations/{hidden[1]}").text
    assert "referred by cy" in page
    assert hidden[0] not in page


def test_the_audit_of_a_report_tells_a_supervisor_nothing_of_hidden_queues(
    visit: Visit, shared: str, desk: Store
) -> None:
    report = shared.rpartition("/")[2]
    restricted, (cy, ada) = f"/queues/conduct-and-discipline/{report}", (visit("cy"), visit("ada"))
    said = {"action": "save", "urgency": "critical", "violations": [MISCONDUCT]}
    assert (
        cy.post(f"{restricted}/decide", data={**cy.form_values(restricted, f"{restricted}/decide"), **said}).status_code
        == 200
    )
    mine = {"action": "confirmed", "urgency": "low"}
    assert ada.post(f"{shared}/decide", data={**ada.form_values(shared, f"{shared}/decide"), **mine}).status_code == 200
    for browser in (ada, visit("mo")):
        assert browser.get(f"{shared}/audit").status_code == 404
    page = visit("vi").get(f"{shared}/audit").text
    assert "item closed" in page
    assert page.count("<td>reviewed</td>") == 1
    assert "<td>cy</td>" not in page
    assert "conduct" not in page
    assert "altered" not in page
    with desk.read() as connection:
        assert [e.actor for e in audit.events(connection, subject=report) if e.action == "audit of report viewed"] == [
            "vi"
        ]


def test_a_supervisor_reads_the_digests_of_the_nights(visit: Visit, tmp_path: Path) -> None:
    vi = visit("vi")
    assert "None yet" in vi.get("/digests").text
    folder = tmp_path / "digests"
    folder.mkdir()
    (folder / "2025-02-13.html").write_text("<h1>Digest of 13 February 2025</h1>", encoding="utf-8")
    (folder / "secret.html").write_text("no digest", encoding="utf-8")
    assert "secret" not in vi.get("/digests").text
    answer = vi.get("/digests/2025-02-13")
    assert "Digest of 13 February" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    for night in ("secret", "2025-02-14", "..%2Fsecret"):
        assert vi.get(f"/digests/{night}").status_code == 404
    assert [visit(who).get("/digests").status_code for who in ("ada", "mo", "su")] == [404, 404, 200]


def test_the_next_item_is_claimed_for_the_one_who_asks(visit: Visit, desk: Store) -> None:
    queue = item(desk, "A1").split("/")[2]
    browser = visit("ada")
    values = browser.form_values(f"/queues/{queue}", f"/queues/{queue}/next")
    answer = browser.post(f"/queues/{queue}/next", data=values)
    assert answer.url.path.startswith(f"/queues/{queue}/r")
    assert "held by ada" in answer.text


def test_a_form_from_elsewhere_is_refused(visit: Visit, desk: Store) -> None:
    path = item(desk, "A2")
    browser = visit("ada")
    values = browser.form_values(path, f"{path}/claim")
    assert browser.post(f"{path}/claim", data={**values, "csrf": "x" * 32}).status_code == 422
    assert browser.post(f"{path}/claim", data={**values, "csrf": "é" * 32}).status_code == 422
    assert "open" in browser.get(path).text


@pytest.fixture
def hidden(desk: Store) -> tuple[str, str]:
    """The queue and id of a report that only people with the right may see."""
    path = item(desk, "A6")
    queue, report = path.split("/")[2:]
    assert queue in ("conduct-and-discipline", "sexual-violence")
    return queue, report


def test_what_may_not_be_seen_is_answered_as_what_is_not_there(
    visit: Visit, hidden: tuple[str, str], desk: Store
) -> None:
    queue, report = hidden
    browser = visit("ada")
    nothing = browser.get("/queues/no-such-queue/rnothing")
    with desk.read() as connection:
        everywhere = {row.queue for row in open_items(connection, limit=100)} | {"conduct-and-discipline", "archive"}
    for name in sorted(everywhere):
        answer = browser.get(f"/queues/{name}/{report}")
        assert (answer.status_code, answer.text) == (404, nothing.text), name
    for page in ("/", *(f"/queues/{name}?q=mission" for name in sorted(everywhere))):
        text = browser.get(page).text
        assert report not in text
        assert "A6" not in text
    for name in sorted(everywhere - {queue}):
        empty = browser.get(f"/queues/{name}?q=zzzz").text
        for words in ("biscuits", "A6", "peacekeepers"):  # words of the hidden report alone
            assert browser.get(f"/queues/{name}?q={words}").text == empty.replace("zzzz", words), (name, words)
        for asked in ("place=bria", f"type={MISCONDUCT}", "actor=peacekeeper"):
            assert report not in browser.get(f"/queues/{name}?{asked}").text
        assert "bria" not in browser.get(f"/queues/{name}").text.lower()
        shown = browser.get(f"/queues/{name}?type={MISCONDUCT}").text
        assert shown == browser.get(f"/queues/{name}?type=no_such_type").text
    values = browser.form_values(item(desk, "A2"), f"{item(desk, 'A2')}/claim")
    for act in ("claim", "release", "decide", "escalate", "reopen", "reassign", "refer"):
        data = {**values, "note": "x", "urgency": "low", "action": "save", "to": "bo"}
        assert browser.post(f"/queues/{queue}/{report}/{act}", data=data).status_code == 404


@pytest.fixture
def shared(desk: Store) -> str:
    """A report in an open queue and, as one that only may belong there, in a restricted one; its id."""
    path = item(desk, "A2")
    with desk.write() as connection:
        here = connection.execute(
            select(queue_item).where(queue_item.c.report == reports.find(connection, "A2")[0])
        ).first()
        assert here is not None
        values = {k: v for k, v in here._mapping.items() if k != "seq"}
        connection.execute(insert(queue_item).values(**values | {"queue": "conduct-and-discipline"}))
        body = dict(
            connection.execute(select(assessment.c.body).where(assessment.c.seq == here.assessment)).scalar_one()
        )
        body["violations"] = [
            {**v, "decided": True, "evidence": [{"start": 0, "end": 30, "score": 1.0}]} if v["id"] == MISCONDUCT else v
            for v in body["violations"]
        ]
        connection.execute(
            insert(assessment).values(
                report=here.report, model="test", policy="test", taxonomy="test", urgency="high", body=body,
                sha256="0" * 64, created_at=NOW,
            )
        )  # fmt: skip
    return path


def test_a_hidden_type_shows_no_evidence_however_it_is_asked_for(visit: Visit, shared: str) -> None:
    granted = f"/queues/conduct-and-discipline/{shared.rpartition('/')[2]}?focus={MISCONDUCT}"
    name = next(v.name for v in load_taxonomy().violations if v.id == MISCONDUCT).lower()
    assert f"evidence of {name}" in html.unescape(visit("cy").get(granted).text).lower()
    browser = visit("ada")
    assert MISCONDUCT not in browser.get(shared).text
    assert browser.get(f"{shared}?focus={MISCONDUCT}").text == browser.get(f"{shared}?focus=no_such_type").text


def test_what_was_said_in_a_restricted_queue_is_read_there_alone_and_outlives_others_decisions(
    visit: Visit, shared: str, desk: Store
) -> None:
    report = shared.rpartition("/")[2]
    restricted, (cy, ada) = f"/queues/conduct-and-discipline/{report}", (visit("cy"), visit("ada"))
    with desk.write() as connection:
        token = tokens.issue(connection, "ada", name="t", scopes=["read"], days=1, by="test", now=NOW)

    def suggested() -> str:
        return ada.get("/api/review-next", headers={"Authorization": f"Bearer {token}"}).text

    before, to_review = ada.get(shared).text, suggested()
    assert report in to_review
    values = cy.form_values(restricted, f"{restricted}/decide")
    said = {"action": "save", "urgency": "critical", "violations": [MISCONDUCT], "note": "the canary note"}
    assert cy.post(f"{restricted}/decide", data={**values, **said}).status_code == 200
    assert "the canary note" in cy.get(restricted).text
    assert (ada.get(shared).text, suggested()) == (before, to_review)
    mine = ada.form_values(shared, f"{shared}/decide")
    for forbidden in (MISCONDUCT, "no_such_type"):
        assert (
            ada.post(f"{shared}/decide", data={**mine, "violations": [forbidden]} | {"action": "save"}).status_code
            == 422
        )
    saved = {"action": "save", "urgency": "low", "violations": ["arbitrary_detention"]}
    assert ada.post(f"{shared}/decide", data={**mine, **saved}).status_code == 200
    page = ada.get(shared).text
    assert report not in suggested()
    assert "arbitrary detention; low" in page
    assert MISCONDUCT.replace("_", " ") not in page
    with desk.read() as connection:
        seq = reports.find(connection, "A2")[0]
        assert corrections.in_force(connection, [seq])[seq]["violations"] == ["arbitrary_detention", MISCONDUCT]


def test_a_reviewer_sees_no_batch_of_others(visit: Visit, desk: Store) -> None:
    with desk.read() as connection:
        batch = batches.recent(connection)[0]
    browser = visit("ada")
    assert batch not in browser.get("/batches").text
    for page in (f"/batches/{batch}", f"/batches/{batch}/quarantine.jsonl"):
        assert browser.get(page).status_code == 404
    for login in ("mo", "su"):
        assert visit(login).get(f"/batches/{batch}").status_code == 200


def test_a_look_at_a_restricted_item_is_on_record(visit: Visit, hidden: tuple[str, str], desk: Store) -> None:
    queue, report = hidden
    assert visit("cy").get(f"/queues/{queue}/{report}").status_code == 200
    with desk.read() as connection:
        viewed = [e for e in audit.events(connection, subject=report) if e.action == "restricted item viewed"]
    assert [e.actor for e in viewed] == ["cy"]


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


def test_an_administrator_invites_and_the_link_works_once(visit: Visit) -> None:
    browser = visit("su")
    values = browser.form_values("/people", "/people")
    page = browser.post("/people", data={**values, "login": "di", "name": "Di", "role": "reviewer"}).text
    link = re.search(r"/invitation#([\w-]+)", page)
    assert link is not None
    fresh = visit("")

    def accepted(password: str) -> str:
        answer = fresh.post("/invitation", data={"invitation": link[1], "password": password})
        return f"{answer.status_code} {answer.url.path}"

    assert accepted("too short") == "422 /invitation"
    assert accepted("password1234") == "422 /invitation"  # among the commonest
    assert accepted("a long enough one") == "200 /sign-in"
    assert accepted("another long one") == "422 /invitation"
    assert fresh.post("/sign-in", data={"login": "di", "password": "a long enough one"}).url.path == "/"


def test_a_second_factor_is_set_up_asked_for_and_taken_off(visit: Visit) -> None:
    browser = visit("ada")
    csrf = browser.form_values("/account", "/account/factor")
    page = browser.post("/account/factor", data=csrf).text
    assert "<svg" in page
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found is not None
    totp = pyotp.TOTP(found[1])
    assert "The code is wrong" in browser.post("/account/factor/confirm", data={**csrf, "code": "000000x"}).text
    page = browser.post("/account/factor/confirm", data={**csrf, "code": totp.at(NOW - timedelta(seconds=30))}).text
    recovery = re.findall(r"<code>([a-z2-9]{8}-[a-z2-9]{8})</code>", page)
    assert len(set(recovery)) == 10

    fresh = visit("")

    def password() -> str:
        answer = fresh.post("/sign-in", data={"login": "ada", "password": PASSWORD})
        assert answer.url.path == "/sign-in/code"
        assert fresh.get("/").url.path == "/sign-in"  # not signed in yet
        return answer.text

    def code(given: str) -> str:
        return str(fresh.post("/sign-in/code", data={"code": given}).url.path)

    password()
    assert code(totp.at(NOW - timedelta(seconds=30))) == "/sign-in/code"  # taken when it was set up
    assert code(totp.at(NOW)) == "/"
    fresh.cookies.clear()
    password()
    assert code(totp.at(NOW)) == "/sign-in/code"  # a replay
    assert code(recovery[0].upper().replace("-", " ")) == "/"
    fresh.cookies.clear()
    password()
    assert code(recovery[0]) == "/sign-in/code"
    values = browser.form_values("/account", "/account/factor/remove")
    assert "The code is wrong" in browser.post("/account/factor/remove", data={**values, "code": recovery[0]}).text
    assert "Off." in browser.post("/account/factor/remove", data={**values, "code": recovery[1]}).text
    assert fresh.post("/sign-in", data={"login": "ada", "password": PASSWORD}).url.path == "/"


def test_signing_out_ends_the_session(visit: Visit) -> None:
    browser = visit("ada")
    values = browser.form_values("/", "/sign-out")
    token = browser.cookies["sitrep-session"]
    browser.post("/sign-out", data=values)
    browser.cookies.set("sitrep-session", token)
    assert browser.get("/").url.path == "/sign-in"


def test_every_answer_forbids_scripts_from_elsewhere_frames_and_caches(visit: Visit) -> None:
    for page in ("/", "/sign-in", "/nowhere", "/static/style.css"):
        headers = visit("ada").get(page).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6))
def test_pieces_joined_are_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    marks = [Mark(min(a, b, len(text)), min(max(a, b), len(text)), "place", "") for a, b in spans]
    assert "".join(piece.text for piece in pieces(text, marks)) == text
