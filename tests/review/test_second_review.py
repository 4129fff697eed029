"""Second reviews: given without knowing the first, compared, settled by a third, and told to nobody who may not know."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from flows.cli import app as commands
from flows.workspace import init_workspace
from pipeline.intake import Limits
from pipeline.review import create_app
from pipeline.route import Policy
from pipeline.store import Store, audit, corrections, open_store, people, queues, reports, second_reviews, tokens
from pipeline.store.queues import work as open_items
from pipeline.triage import Rooms
from tests.conftest import NOW
from tests.review.conftest import PASSWORD, Browser, Visit, item
from tests.review.test_api import Client, client

__all__ = ["client"]

CHANGING = re.compile(r'name="csrf" value="[^"]*"')


@pytest.fixture
def policy(rooms: Rooms) -> Policy:
    """Every report is drawn."""
    return replace(rooms.policy, second_review=1.0)


def copied(filled_desk: Path, folder: Path) -> Store:
    folder.mkdir()
    shutil.copy(filled_desk, folder / "desk.db")
    return open_store("sqlite:///desk.db", base=folder)


def signed_in(desk: Store, rooms: Rooms, policy: Policy, login: str) -> Browser:
    app = create_app(desk, policy=policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: NOW)
    browser = Browser(app)
    browser.post("/sign-in", data={"login": login, "password": PASSWORD})
    return browser


def item_paths(desk: Store, report: str) -> list[str]:
    with desk.read() as connection:
        return [f"/queues/{row.queue}/{report}" for row in open_items(connection, limit=100) if row.report_id == report]


def decide(
    browser: Browser, path: str, *, types: list[str], urgency: str, action: str = "confirmed", note: str = ""
) -> None:
    values = browser.form_values(path, f"{path}/decide")
    said = {"violations": types, "urgency": urgency, "action": action, "note": note}
    assert browser.post(f"{path}/decide", data={**values, **said}).status_code == 200


def give(browser: Browser, path: str, *, types: list[str], urgency: str) -> int:
    """A second review by the form that the item leads to."""
    page = browser.get(path)
    assert page.url.path == f"{path}/second-review"
    values = browser.form_values(page.url.path, page.url.path) | {"violations": types, "urgency": [urgency]}
    return browser.post(page.url.path, data=values).status_code


def state(desk: Store, path: str) -> str:
    queue, report = path.split("/")[2:]
    with desk.read() as connection:
        pair = second_reviews.of_circle(connection, reports.find(connection, report)[0], {queue})
    return "none" if pair is None else str(pair.state)


def everything(browser: Browser, desk: Store, rooms: Rooms, policy: Policy, login: str, report: str) -> dict[str, str]:
    """What a person is shown of the desk: pages by following links, guesses about one report, the API by its lists."""
    with desk.read() as connection:
        seq = reports.find(connection, report)[0]
        around = {i.queue for i in queues.of_reports(connection, [seq])[seq]} | {"conduct-and-discipline", "archive"}
    found: dict[str, str] = {}
    waiting = ["/", "/agreement", "/digests", "/people", *guesses(around, report)]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        answer = browser.get(path)
        shown = CHANGING.sub("", answer.text)
        if path.endswith("/audit"):  # the numbers and hashes of a chain in which everything is, sign-ins too
            shown = re.sub(r'<td class="n"[^>]*>\d+</td>|<code>[0-9a-f]{16}</code>', "", shown)
        found[path] = f"{answer.status_code} {answer.url.path} {shown}"
        if "html" in answer.headers["content-type"]:
            waiting += [unquote(link).split("#")[0] for link in re.findall(r'href="(/[^"]*)"', answer.text)]
    with desk.write() as connection:
        token = tokens.issue(connection, login, name="t", scopes=tokens.SCOPES, days=1, by="test", now=NOW)
    app = create_app(desk, policy=policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: NOW)
    client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
    for path in listed(around, report):
        found[path] = client.get(path).text
    return found


def guesses(queues: Iterable[str], report: str) -> Iterator[str]:
    for queue in queues:
        yield f"/queues/{queue}?type=forced_displacement"
        for end in ("", "/audit", "/second-review", "/adjudication"):
            yield f"/queues/{queue}/{report}{end}"


def listed(queues: Iterable[str], report: str) -> Iterator[str]:
    yield from ("/api/queues", "/api/review-next", "/api/agreement")
    for queue in queues:
        for end in ("items", "items?type=forced_displacement", "second-reviews", f"items/{report}"):
            yield f"/api/queues/{queue}/{end}"


def test_no_route_tells_a_second_reviewer_what_the_first_one_said(
    filled_desk: Path, tmp_path: Path, rooms: Rooms, policy: Policy
) -> None:
    """Two desks on which the first one said and did different things are the same to the second, wherever they look."""
    shown = []
    for name, types, urgency, note in (
        ("one", ["forced_displacement"], "low", "canary one"), ("two", ["unlawful_killing"], "medium", "canary two")
    ):  # fmt: skip
        desk = copied(filled_desk, tmp_path / name)
        path = item(desk, "A2")
        report = path.rpartition("/")[2]
        ada, bo, vi = (signed_in(desk, rooms, policy, login) for login in ("ada", "bo", "vi"))
        if name == "one":
            values = ada.form_values(path, f"{path}/claim") | {"note": ["canary of urgency"]}
            assert ada.post(f"{path}/escalate", data=values).status_code == 200
            decide(ada, path, types=["torture_ill_treatment"], urgency="low", action="save", note="a first canary")
        decide(ada, path, types=types, urgency=urgency, note=note, action="confirmed" if name == "one" else "referred")
        seen = everything(bo, desk, rooms, policy, "bo", report)
        assert not [where for where, text in seen.items() if "canary" in text]
        assert "canary" in vi.get(path).text
        shown.append(seen)
        assert ada.get(f"{path}/second-review").status_code == 404
        assert vi.get(f"{path}/second-review").status_code == 404
        assert give(bo, path, types=[], urgency="high") == 200
        assert note in bo.get(path).text
    first, second = shown
    assert len(first) > 40
    assert [where for where in first if first[where] != second.get(where)] == []
    assert first.keys() == second.keys()


def test_a_second_review_that_agrees_stands_beside_the_first(visit: Visit, desk: Store) -> None:
    path, queue = item(desk, "A2"), item(desk, "A2").rpartition("/")[0]
    ada, bo = visit("ada"), visit("bo")
    decide(ada, path, types=["arbitrary_detention"], urgency="high", action="save")
    assert "for a second review" not in bo.get("/").text  # it is not decided yet
    decide(ada, path, types=["arbitrary_detention"], urgency="high", note="two sources")
    assert "for a second review" not in ada.get("/").text
    assert "1 for a second review" in bo.get("/").text
    taken = bo.post(f"{queue}/second-reviews/next", data=bo.form_values(queue, f"{queue}/second-reviews/next"))
    assert taken.url.path == f"{path}/second-review"
    assert "two sources" not in taken.text
    cy = visit("cy")
    assert "for a second review" not in cy.get("/").text  # bo holds it
    assert "reads this report a second time" in cy.get(path).text
    assert give(bo, path, types=["arbitrary_detention"], urgency="high") == 200
    assert state(desk, path) == "agreed"
    assert "two sources" in bo.get(path).text
    with desk.read() as connection:
        seq = reports.find(connection, path.rpartition("/")[2])[0]
        said = corrections.of_report(connection, seq)
        assert [(c.by, c.blind) for c in said] == [("bo", True), ("ada", False), ("ada", False)]
        assert corrections.in_force(connection, [seq])[seq]["by"] == "ada"
        assert audit.verify(connection).broken_at is None


def test_where_two_differ_a_third_has_the_last_word(visit: Visit, desk: Store) -> None:
    path, (vi, bo, su) = item(desk, "A2"), (visit("vi"), visit("bo"), visit("su"))
    queue = path.rpartition("/")[0]
    decide(vi, path, types=["arbitrary_detention"], urgency="high")
    assert give(bo, path, types=["torture_ill_treatment"], urgency="high") == 200
    assert state(desk, path) == "differs"
    page = su.get("/agreement").text
    assert f"{path}/adjudication" in page
    assert "vi and bo" in page
    assert bo.get("/agreement").status_code == 404
    refused = vi.get(f"{path}/adjudication").text
    assert "a third person" in refused
    values = su.form_values(f"{path}/adjudication", f"{path}/adjudication")
    last = {"violations": ["torture_ill_treatment"], "urgency": "critical", "note": "read twice"}
    mine = {"csrf": vi.form_values("/", "/sign-out")["csrf"], **last}
    assert vi.post(f"{path}/adjudication", data=mine).status_code == 422
    assert su.post(f"{path}/adjudication", data={**values, **last}).url.path == "/agreement"
    assert state(desk, path) == "adjudicated"
    assert su.post(f"{path}/adjudication", data={**values, **last}).status_code == 404
    assert "su, last word: Torture and ill-treatment; critical" in visit("ada").get(path).text
    with desk.read() as connection:
        seq = reports.find(connection, path.rpartition("/")[2])[0]
        word = corrections.in_force(connection, [seq])[seq]
    assert (word["by"], word["adjudicated"], word["violations"]) == ("su", True, ["torture_ill_treatment"])
    others = [p for p in (item_paths(desk, path.rpartition("/")[2])) if p.rpartition("/")[0] != queue]
    assert others  # what is found elsewhere follows the last word
    for other in others:
        assert other in visit("ada").get(f"{other.rpartition('/')[0]}?type=torture_ill_treatment").text


def test_a_critical_item_that_two_people_close_is_not_drawn(visit: Visit, desk: Store) -> None:
    path, (ada, bo) = item(desk, "A2"), (visit("ada"), visit("bo"))
    while "Make more urgent" in ada.get(path).text:
        values = ada.form_values(path, f"{path}/claim") | {"note": ["danger"]}
        assert ada.post(f"{path}/escalate", data=values).status_code == 200
    decide(ada, path, types=[], urgency="low", action="no_violation", note="a training day")
    assert state(desk, path) == "none"
    assert "a training day" in bo.get(path).text


def test_second_reviews_of_a_restricted_queue_are_told_nobody_else(
    filled_desk: Path, tmp_path: Path, rooms: Rooms, policy: Policy
) -> None:
    """Desks with and without a pair in a restricted queue are the same to those who may not see it."""
    shown = []
    for name in ("without", "with"):
        desk = copied(filled_desk, tmp_path / name)
        path = item(desk, "A6")
        report = path.rpartition("/")[2]
        with desk.write() as connection:
            token = people.add(
                connection, "di", name="Di", role="reviewer", granted=["conduct-and-discipline", "sexual-violence"],
                by="test", now=NOW,
            )  # fmt: skip
            people.accept(connection, token, PASSWORD, now=NOW)
        if name == "with":
            decide(signed_in(desk, rooms, policy, "cy"), path, types=["sexual_violence"], urgency="high")
            di = signed_in(desk, rooms, policy, "di")
            assert "1 for a second review" in di.get("/").text
            assert give(di, path, types=["sexual_violence"], urgency="low") == 200
            assert state(desk, path) == "differs"
        shown.append(
            [
                everything(signed_in(desk, rooms, policy, login), desk, rooms, policy, login, report)
                for login in ("ada", "vi")
            ]
        )
    for without, with_it in zip(*shown, strict=True):
        assert [where for where in without if without[where] != with_it.get(where)] == []
        assert without.keys() == with_it.keys()


def test_programs_give_second_reviews_and_last_words_too(client: Client, desk: Store) -> None:
    ada, bo, vi = client("ada"), client("bo"), client("vi")
    queue, report = item(desk, "A2").split("/")[2:]
    path = f"/api/queues/{queue}/items/{report}"
    version = ada.get(path).json()["version"]
    said = {"violations": ["arbitrary_detention"], "urgency": "high"}
    assert ada.post(f"{path}/decision", json={**said, "version": version, "outcome": "confirmed"}).status_code == 200
    assert "reviewed" not in bo.get(path).json()
    assert [c.get(f"/api/queues/{queue}/second-reviews").json() for c in (ada, bo, vi)] == [[], [report], []]
    taken = bo.post(f"/api/queues/{queue}/second-reviews/next", headers={"Idempotency-Key": "s1"})
    assert taken.json()["report"] == report
    assert ada.post(f"{path}/second-review", json=said).status_code == 404
    assert bo.post(f"{path}/second-review", json={**said, "urgency": "none"}).status_code == 422
    other = {**said, "urgency": "low"}
    given = bo.post(f"{path}/second-review", json=other, headers={"Idempotency-Key": "s2"})
    assert given.json()["state"] == "differs"
    assert bo.post(f"{path}/second-review", json=other, headers={"Idempotency-Key": "s2"}).json() == given.json()
    assert bo.post(f"{path}/second-review", json=other).status_code == 404
    assert bo.get(path).json()["reviewed"]["by"] == "ada"
    assert bo.get("/api/agreement").status_code == 404
    assert vi.get("/api/agreement").json()["differ"] == [{"report": report, "queue": queue}]
    assert bo.post(f"{path}/adjudication", json=said).status_code == 404
    assert vi.post(f"{path}/adjudication", json=said).json()["state"] == "adjudicated"
    found = vi.get("/api/agreement").json()
    urgency = next(line for line in found["labels"] if line["label"] == "urgency")
    assert (found["pairs"], found["differ"], urgency["pairs"], urgency["observed"]) == (1, [], 1, 0.0)


def test_commands_count_pairs_and_measure_agreement(visit: Visit, desk: Store, tmp_path: Path) -> None:
    path = item(desk, "A2")
    decide(visit("ada"), path, types=["arbitrary_detention"], urgency="high")
    assert give(visit("bo"), path, types=["arbitrary_detention"], urgency="low") == 200
    desk.dispose()
    init_workspace(tmp_path / "workspace")
    shutil.copy(tmp_path / "desk.db", tmp_path / "workspace" / "sitrep.db")
    run = CliRunner()
    where = ["--workspace", str(tmp_path / "workspace"), "--json"]
    counted = json.loads(run.invoke(commands, ["second-reviews", *where]).output)
    assert counted[path.split("/")[2]]["differs"] == 1
    lines = json.loads(run.invoke(commands, ["agreement", "--blind-only", *where]).output)
    figures = {line["label"]: (line["pairs"], line["observed"]) for line in lines}
    assert figures["urgency"] == (1, 0.0)
    assert figures["arbitrary_detention"] == (1, 1.0)
    assert figures["peacekeeper_misconduct"] == (0, 0.0)  # nobody in an open queue could name it
