"""The API: the same rights as on the page, changes once, errors as problem details, never a server error."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as cases
from schemathesis.checks import not_a_server_error
from starlette.testclient import TestClient

from pipeline.intake import Limits
from pipeline.review import create_app
from pipeline.route import Policy
from pipeline.settings import ReviewSettings
from pipeline.store import Store, tokens
from pipeline.triage import Rooms
from tests.conftest import NOW
from tests.review.test_restricted import MISCONDUCT, shared

__all__ = ["shared"]
Client = Callable[..., TestClient]


@pytest.fixture
def client(desk: Store, rooms: Rooms, policy: Policy, settings: ReviewSettings) -> Client:
    def made(login: str, *scopes: str) -> TestClient:
        with desk.write() as connection:
            token = tokens.issue(
                connection, login, name="t", scopes=scopes or tokens.SCOPES, days=1, by="test", now=NOW
            )
        app = create_app(
            desk, policy=policy, taxonomy=rooms.taxonomy, limits=Limits(), settings=settings, now=lambda: NOW
        )
        return TestClient(app, headers={"Authorization": f"Bearer {token}"})

    return made


def first(client: TestClient, queue: str) -> dict[str, Any]:
    item: dict[str, Any] = client.get(f"/api/queues/{queue}/items").json()["items"][0]
    return item


def test_without_a_token_or_its_scope_nothing_is_told(client: Client, desk: Store) -> None:
    reader = client("ada", "read")
    assert reader.get("/api/queues").status_code == 200
    assert reader.post("/api/batches", json={"reports": [{"text": "x"}]}).status_code == 403
    refused = reader.get("/api/queues", headers={"Authorization": "Bearer wrong"})
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    with desk.write() as connection:
        assert tokens.revoke(connection, "ada", by="test", now=NOW) == 1
    assert reader.get("/api/queues").status_code == 401


def test_a_token_ends(desk: Store) -> None:
    with desk.write() as connection:
        token = tokens.issue(connection, "ada", name="t", scopes=["read"], days=1, by="test", now=NOW)
        assert tokens.find(connection, token, now=NOW) is not None
        assert tokens.find(connection, token, now=NOW + timedelta(days=2)) is None


def test_what_one_may_not_see_is_answered_as_what_is_not_there(client: Client) -> None:
    ada, cy = client("ada"), client("cy")
    item = first(cy, "conduct-and-discipline")
    hidden = ada.get(f"/api/queues/conduct-and-discipline/items/{item['report']}")
    absent = ada.get("/api/queues/no-such-queue/items/none")
    assert (hidden.status_code, hidden.json()) == (404, absent.json())
    assert "conduct-and-discipline" not in {q["queue"] for q in ada.get("/api/queues").json()}
    monitor = client("mo")
    assert monitor.get("/api/queues").json() == []
    assert monitor.get("/api/review-next").json() == []


def test_a_report_that_is_in_a_restricted_queue_too_does_not_tell(client: Client, shared: str) -> None:
    queue, report = shared.split("/")[2:]
    seen = client("ada").get(f"/api/queues/{queue}/items/{report}")
    whole = client("cy").get(f"/api/queues/conduct-and-discipline/items/{report}")
    assert (seen.status_code, whole.status_code) == (200, 200)
    for trace in (MISCONDUCT, "conduct-and-discipline"):
        assert trace in whole.text
        assert trace not in seen.text


def test_pages_by_key_hold_every_item_once(client: Client) -> None:
    ada = client("ada")
    for queue in (q["queue"] for q in ada.get("/api/queues").json()):
        whole = ada.get(f"/api/queues/{queue}/items").json()["items"]
        found, after = [], None
        while True:
            page = ada.get(
                f"/api/queues/{queue}/items", params={"limit": 1} | ({"after": after} if after else {})
            ).json()
            found += page["items"]
            if not (after := page["next"]):
                break
        assert found == whole


def test_a_decision_is_made_once_under_a_key_and_a_stale_one_is_refused(client: Client) -> None:
    ada = client("ada")
    queue = next(q["queue"] for q in ada.get("/api/queues").json() if q["open"])
    item = first(ada, queue)
    path = f"/api/queues/{queue}/items/{item['report']}/decision"
    said = {"version": item["version"], "violations": ["unlawful_killing"], "urgency": "high"}
    answer = ada.post(path, json=said, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 200
    assert ada.post(path, json=said, headers={"Idempotency-Key": "k1"}).json() == answer.json()
    assert ada.post(path, json=said).status_code == 409
    assert ada.post(path, json={**said, "urgency": "low"}, headers={"Idempotency-Key": "k1"}).status_code == 422
    assert ada.get(path.removesuffix("/decision")).json()["reviewed"]["violations"] == ["unlawful_killing"]


def test_a_batch_is_taken_in_once_under_a_key(client: Client) -> None:
    mo, ada = client("mo"), client("ada")
    body = {
        "source": "gao",
        "reports": [{"id": "Z1", "text": "Police beat two traders in Gao.", "report_date": "2025-02-13"}],
    }
    taken = mo.post("/api/batches", json=body, headers={"Idempotency-Key": "b1"})
    assert (taken.status_code, taken.json()["accepted"]) == (201, 1)
    assert mo.post("/api/batches", json=body, headers={"Idempotency-Key": "b1"}).json() == taken.json()
    assert mo.get(f"/api/batches/{taken.json()['batch']}").json()["received"] == 1
    assert ada.get(f"/api/batches/{taken.json()['batch']}").status_code == 404


def test_input_that_does_not_fit_is_explained_without_quoting_it(client: Client) -> None:
    answer = client("mo").post("/api/batches", json={"reports": [{"text": "Aminatou was here", "country": "Aminatou"}]})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "Aminatou" not in answer.text


def open_queue(client: TestClient) -> str:
    return str(next(q["queue"] for q in client.get("/api/queues").json() if q["open"]))


def test_an_item_is_held_let_go_made_urgent_closed_and_opened_again(client: Client) -> None:
    ada, bo = client("ada"), client("bo")
    queue, item = next(
        (queue["queue"], item)
        for queue in ada.get("/api/queues").json()
        for item in ada.get(f"/api/queues/{queue['queue']}/items").json()["items"]
        if item["urgency"] != "critical"
    )
    path = f"/api/queues/{queue}/items/{item['report']}"
    held = ada.post(f"{path}/claim", json={"version": item["version"]}).json()
    assert held["state"] == "claimed"
    assert bo.post(f"{path}/claim", json={"version": held["version"]}).status_code == 409
    free = ada.post(f"{path}/release", json={"version": held["version"]}).json()
    assert free["state"] == "open"
    urgent = bo.post(f"{path}/escalate", json={"version": free["version"], "note": "a child"}).json()
    assert urgent["urgency"] != item["urgency"]
    said = {"violations": [], "urgency": urgent["urgency"], "outcome": "referred", "version": urgent["version"]}
    closed = bo.post(f"{path}/decision", json=said).json()
    assert closed["state"] == "closed"
    assert bo.post(f"{path}/reopen", json={"version": closed["version"], "note": " "}).status_code == 422
    assert bo.post(f"{path}/reopen", json={"version": closed["version"], "note": "new facts"}).json()["state"] == "open"
    history = ada.get(path).json()["history"]
    assert [e["action"] for e in history][-4:] == ["released", "escalated", "closed", "reopened"]


def test_an_item_is_handed_to_a_colleague_and_to_another_queue(client: Client) -> None:
    ada = client("ada")
    queue = open_queue(ada)
    item = first(ada, queue)
    path = f"/api/queues/{queue}/items/{item['report']}"
    assert ada.post(f"{path}/reassign", json={"version": item["version"], "to": "nobody"}).status_code == 422
    given = ada.post(f"{path}/reassign", json={"version": item["version"], "to": "bo"}).json()
    assert ada.get(path).json()["assignee"] == "bo"
    free = client("bo").post(f"{path}/release", json={"version": given["version"]}).json()
    taken = {q["queue"] for q in ada.get(path).json()["queues"]}
    other = next(q["queue"] for q in ada.get("/api/queues").json() if q["queue"] not in taken)
    said = {"version": free["version"], "to": other, "note": "rather there"}
    assert ada.post(f"{path}/refer", json=said).json()["state"] == "closed"
    assert item["report"] in [i["report"] for i in ada.get(f"/api/queues/{other}/items").json()["items"]]
    hidden = {"version": 1, "to": "conduct-and-discipline", "note": "there"}
    assert ada.post(f"/api/queues/{other}/items/{item['report']}/refer", json=hidden).status_code == 422


def test_the_next_item_is_handed_out_once_under_a_key(client: Client) -> None:
    ada = client("ada")
    queue = open_queue(ada)
    path, keyed = f"/api/queues/{queue}/claim-next", {"Idempotency-Key": "n1"}
    taken = ada.post(path, headers=keyed).json()
    assert taken["state"] == "claimed"
    assert ada.post(path, headers=keyed).json() == taken
    others = [ada.post(path).json()["report"] for _ in range(10)]
    assert taken["report"] not in others
    assert others[-1] is None


def test_mentions_that_a_person_marked_are_kept(client: Client) -> None:
    ada = client("ada")
    queue = open_queue(ada)
    item = first(ada, queue)
    path = f"/api/queues/{queue}/items/{item['report']}"
    spans = [{"start": 0, "end": 4, "kind": "actor", "type": "civilians", "role": "victim"}]
    said = {"version": item["version"], "violations": [], "urgency": "low", "spans": spans}
    assert ada.post(f"{path}/decision", json=said).status_code == 200
    assert ada.get(path).json()["reviewed"]["spans"] == spans


def test_items_are_found_by_what_is_in_them(client: Client) -> None:
    ada = client("ada")
    found = {
        words: [
            item["report"]
            for queue in ada.get("/api/queues").json()
            for item in ada.get(f"/api/queues/{queue['queue']}/items", params={"words": words}).json()["items"]
        ]
        for words in ("farmers", "journalists", "nowhere")
    }
    assert found["farmers"]
    assert found["journalists"]
    assert not found["nowhere"]
    assert not set(found["farmers"]) & set(found["journalists"])


def test_files_are_taken_in_and_rows_to_mend_come_back(client: Client) -> None:
    mo, ada = client("mo"), client("ada")
    upload = {"files": ("r.csv", b"id,text,report_date\n1,Police beat a trader in Gao.,2025-02-13\n2,,2025-02-13\n")}
    taken = mo.post("/api/batches/files", files=upload, data={"source": "gao"})
    assert (taken.status_code, taken.json()["accepted"], taken.json()["quarantined"]) == (201, 1, 1)
    batch = taken.json()["batch"]
    assert batch in [receipt["batch"] for receipt in mo.get("/api/batches").json()]
    assert '"_quarantined"' in mo.get(f"/api/batches/{batch}/quarantine").text
    table = mo.get(f"/api/batches/{batch}/quarantine", params={"form": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert "_quarantined_reason" in table.text
    assert mo.get(f"/api/batches/{batch}/quarantine", params={"form": "exe"}).status_code == 422
    assert ada.get(f"/api/batches/{batch}/quarantine").status_code == 404
    assert batch not in [receipt["batch"] for receipt in ada.get("/api/batches").json()]


def test_every_route_asks_who_it_is_and_monitors_find_no_queue(client: Client) -> None:
    su, mo, reader = client("su"), client("mo"), client("ada", "read")
    described = su.get("/api/openapi.json").json()["paths"]
    routes = [(method, "/api" + path) for path, methods in described.items() for method in methods]
    seen = first(su, open_queue(su))
    for method, path in routes:
        filled = path.format(queue=open_queue(su), report=seen["report"], batch="none")
        body = {"version": 1, "violations": [], "urgency": "low", "note": "x"} if method == "post" else None
        assert su.request(method, filled, headers={"Authorization": ""}).status_code == 401, path
        if method == "post":
            assert reader.request(method, filled, json=body).status_code == 403, path
        if "{queue}" in path:
            fields = ("version", "violations", "urgency") if "decision" in path else ("version", "note")
            if path.endswith(("second-review", "adjudication")):
                fields = ("violations", "urgency")
            wanted = {k: v for k, v in (body or {}).items() if k in fields}
            if path.endswith(("claim", "release")):
                wanted = {"version": 1}
            if path.endswith("reassign"):
                wanted = {"version": 1, "to": "bo"}
            if path.endswith("refer"):
                wanted |= {"to": "archive"}
            assert mo.request(method, filled, json=wanted if body else None).status_code == 404, path
    assert len(routes) == 23


# A few cases for each operation in the suite; SITREP_API_CASES=500 for as many as one likes.
CASES = int(os.environ.get("SITREP_API_CASES", "12"))


@pytest.mark.parametrize("settings", [ReviewSettings(requests_per_minute=0)])
def test_no_request_is_a_server_error(client: Client) -> None:
    tester = client("su")
    loaded = schemathesis.openapi.from_asgi("/api/openapi.json", tester.app)
    statuses: set[int] = set()
    operations = [found.ok() for found in loaded.get_all_operations()]
    assert len(operations) == 23

    for operation in operations:

        @cases(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def never_a_server_error(case: Any) -> None:
            answer = case.call(headers=dict(tester.headers))
            case.validate_response(answer, checks=[not_a_server_error])
            statuses.add(answer.status_code)

        never_a_server_error()
    assert {200, 404} <= statuses
    assert 401 not in statuses
