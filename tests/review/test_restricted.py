"""What only some may see: it is answered as what is not there, and looks at it are on record."""

from __future__ import annotations

import html

import pytest
from sqlalchemy import insert, select

from pipeline.store import Store, audit, corrections, reports, tokens
from pipeline.store.queues import work as open_items
from pipeline.store.schema import assessment, queue_item
from pipeline.taxonomy import load_taxonomy
from tests.conftest import NOW
from tests.review.conftest import Visit, item
from tests.review.test_noninterference import CHANGING

MISCONDUCT = "peacekeeper_misconduct"  # restricted in the taxonomy


@pytest.fixture
def hidden(desk: Store) -> tuple[str, str]:
    """The queue and id of a report that only people with the right may see."""
    path = item(desk, "A6")
    queue, report = path.split("/")[2:]
    assert queue in ("conduct-and-discipline", "sexual-violence")
    return queue, report


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


def test_a_restricted_item_is_given_only_to_those_who_may_see_it(visit: Visit, hidden: tuple[str, str]) -> None:
    path = "/queues/{}/{}".format(*hidden)
    cy = visit("cy")
    values = cy.form_values(path, f"{path}/claim")
    assert 'value="bo"' not in cy.get(path).text
    assert cy.post(f"{path}/reassign", data={**values, "to": "bo"}).status_code == 422


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
        text = CHANGING.sub("", browser.get(page).text)  # two given letters are often in a token of 43
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
    assert "Arbitrary arrest and detention; low" in page
    assert MISCONDUCT.replace("_", " ") not in page
    with desk.read() as connection:
        seq = reports.find(connection, "A2")[0]
        assert corrections.in_force(connection, [seq])[seq]["violations"] == ["arbitrary_detention", MISCONDUCT]


def test_a_look_at_a_restricted_item_is_on_record(visit: Visit, hidden: tuple[str, str], desk: Store) -> None:
    queue, report = hidden
    assert visit("cy").get(f"/queues/{queue}/{report}").status_code == 200
    with desk.read() as connection:
        viewed = [e for e in audit.events(connection, subject=report) if e.action == "restricted item viewed"]
    assert [e.actor for e in viewed] == ["cy"]
