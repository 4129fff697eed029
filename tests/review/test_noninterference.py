"""Two desks that differ only in what restricted queues hold look the same to whoever may not see those (law 6).

Everything that a person can reach is compared, by following every link and asking every list of the API; whatever tells the
desks apart (a count, a number that grew, an error of another kind) would tell of reports that are none of theirs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from pipeline.intake import Limits
from pipeline.review import create_app
from pipeline.store import Store, corrections, open_store, people, reports, tokens, work
from pipeline.store.migrate import upgrade
from pipeline.store.queues import work as open_items
from pipeline.store.schema import corroboration, report
from pipeline.submit import submit
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import NOW
from tests.review.conftest import PASSWORD, REPORTS

RESTRICTED = ("conduct-and-discipline", "sexual-violence")
SECRET = {
    "S1": REPORTS["A6"],
    "S2": "Two soldiers of the mission in Gao raped a girl of fifteen behind the camp on 12 February.",
}
PLAIN = {key: text for key, text in REPORTS.items() if key != "A6"}
CHANGING = re.compile(r'name="csrf" value="[^"]*"')


def filled(folder: Path, rooms: Rooms, monkeypatch: pytest.MonkeyPatch, *, secret: str) -> Store:
    """A desk with the plain reports, and with the secret ones `before` them, `after` them, or `never`."""
    folder.mkdir()
    store = open_store("sqlite:///desk.db", base=folder)
    upgrade(store)
    with store.write() as connection:
        for login, role, granted in (
            ("ada", "reviewer", []), ("cy", "reviewer", RESTRICTED), ("mo", "monitor", []), ("zed", "monitor", []),
        ):  # fmt: skip
            token = people.add(connection, login, name=login, role=role, granted=granted, by="test", now=NOW)
            people.accept(connection, token, PASSWORD, now=NOW)
    steps = {"never": ["plain"], "before": ["secret", "plain"], "after": ["plain", "secret"]}[secret]
    for step in steps:
        # The names of batches and reports are drawn by lot: the same draw on each desk.
        monkeypatch.setattr("pipeline.store.batches.secrets.token_hex", lambda size, step=step: step)
        rows = PLAIN if step == "plain" else SECRET
        path = folder / "reports.jsonl"
        path.write_text(
            "".join(json.dumps({"id": k, "text": t, "report_date": "2025-02-14"}) + "\n" for k, t in rows.items())
        )
        submit(store, [path], now=lambda: NOW, limits=Limits(), actor="mo" if step == "plain" else "zed")
        with store.read() as connection:
            chunks = reports.pending_chunks(connection, size=100)
        for first, last in chunks:
            triage_chunk(store, first, last, rooms, now=lambda: NOW)
        if step == "secret":
            review(store)
    link(store, secret=len(steps) > 1)
    return store


def link(store: Store, *, secret: bool) -> None:
    """A1 tells of the same event as A2; and, where there are secret reports, as each of those."""
    with store.write() as connection:
        seqs = {row.external_id: row.seq for row in connection.execute(select(report.c.external_id, report.c.seq))}
        for other in ("A2", *(SECRET if secret else ())):
            pair = {"report": seqs["A1"], "other": seqs[other], "similarity": 0.5}
            connection.execute(insert(corroboration).values(pair))


def review(store: Store) -> None:
    """Somebody who may works on the restricted reports."""
    with store.write() as connection:
        for row in [row for row in open_items(connection, limit=100) if row.queue in RESTRICTED]:
            item = work.get(connection, row.report_id, row.queue)
            work.claim(connection, item.seq, person="cy", version=item.version, now=NOW)
            corrections.add(
                connection, item.report, reviewer="cy", violations=["sexual_violence"], urgency="high", note="mine",
                assessment=item.assessment, now=NOW, queue=row.queue,
            )  # fmt: skip


def everything(store: Store, rooms: Rooms, login: str) -> dict[str, str]:
    """What each address shows a person: pages by following links, the API by its lists."""
    app = create_app(store, policy=rooms.policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: NOW)
    browser = TestClient(app)
    browser.post("/sign-in", data={"login": login, "password": PASSWORD})
    found: dict[str, str] = {}
    waiting = ["/", "/batches", "/submit", "/people", *guesses()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        answer = browser.get(path)
        found[path] = f"{answer.status_code} {answer.url.path} {CHANGING.sub('', answer.text)}"
        if "html" in answer.headers["content-type"]:
            waiting += [unquote(link).split("#")[0] for link in re.findall(r'href="(/[^"]*)"', answer.text)]
    with store.write() as connection:
        token = tokens.issue(connection, login, name="t", scopes=tokens.SCOPES, days=1, by="test", now=NOW)
    for path, text in listed(TestClient(app, headers={"Authorization": f"Bearer {token}"})):
        found[path] = text
    return found


def names(batch: str, rows: dict[str, str]) -> list[str]:
    """Our names of the reports of a batch, as they are where the store is not encrypted."""
    return [
        reports.report_id(f"20250214-120000-{batch}", line, hashlib.sha256(text.encode()).hexdigest())
        for line, text in enumerate(rows.values(), 1)
    ]


def guesses() -> list[str]:
    """Addresses of what is restricted, as somebody might guess them who has heard of it."""
    plain, secret = names("plain", PLAIN), names("secret", SECRET)
    beside = [
        f"/queues/{queue}/{report}/beside/{other}"
        for queue in ("investigations", "rule-of-law", RESTRICTED[0]) for report in plain for other in (*secret, "none")
    ]  # fmt: skip
    return beside + [f"/queues/{queue}" for queue in (*RESTRICTED, "no-such-queue")] + [
        f"/queues/{queue}/{report}" for queue in RESTRICTED for report in (*secret, "none")
    ] + ["/batches/20250214-120000-secret", "/batches/20250214-120000-none"]  # fmt: skip


def listed(client: TestClient) -> Iterator[tuple[str, str]]:
    for path in ("/api/queues", "/api/review-next", "/api/batches/20250214-120000-secret"):
        answer = client.get(path)
        yield path, f"{answer.status_code} {answer.text}"
    for queue in client.get("/api/queues").json():
        after = ""
        while after is not None:
            path = f"/api/queues/{queue['queue']}/items?limit=1{after}"
            answer = client.get(path)
            yield path, answer.text
            page = answer.json()
            for item in page["items"]:
                inner = f"/api/queues/{queue['queue']}/items/{item['report']}"
                yield inner, client.get(inner).text
            after = f"&after={page['next']}" if page["next"] else None


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory, rooms: Rooms) -> dict[str, Store]:
    folder = tmp_path_factory.mktemp("desks")
    with pytest.MonkeyPatch.context() as patch:
        return {secret: filled(folder / secret, rooms, patch, secret=secret) for secret in ("never", "before", "after")}


@pytest.mark.parametrize("login", ["ada", "mo"])
def test_nothing_tells_that_there_is_something_else(desks: dict[str, Store], rooms: Rooms, login: str) -> None:
    without = everything(desks["never"], rooms, login)
    assert len(without) > 12
    assert any("/beside/" in path and shown.startswith("200") for path, shown in without.items()) == (login == "ada")
    for secret in ("before", "after"):
        with_it = everything(desks[secret], rooms, login)
        assert with_it.keys() == without.keys()
        for path, shown in without.items():
            assert with_it[path] == shown, path


def test_the_desks_do_differ(desks: dict[str, Store], rooms: Rooms) -> None:
    without, with_it = everything(desks["never"], rooms, "cy"), everything(desks["before"], rooms, "cy")
    assert with_it["/"] != without["/"]
    assert any("the mission in Gao" in page for page in with_it.values())
    assert any("A1 beside S2" in page and "/beside/" in path for path, page in with_it.items())
    guessed = [with_it[path] for path in guesses() if "/beside/" in path]
    assert any(
        "A1 beside S2" in page for page in guessed
    )  # the guesses are right: it is not there for want of the right
