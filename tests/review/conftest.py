"""A desk with triaged reports and people, and browsers that need no socket."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.intake import Limits
from pipeline.review import create_app
from pipeline.route import Policy
from pipeline.settings import ReviewSettings
from pipeline.store import Store, open_store, people, reports
from pipeline.store.migrate import upgrade
from pipeline.store.queues import work as open_items
from pipeline.submit import submit
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import NOW

PASSWORD = "four horses on a hill"
REPORTS = {
    "A1": "Armed men abducted seven farmers near Bankass on 13 February. They are still held and were beaten.",
    "A2": "On 12 February police in Mopti arrested two journalists for reporting on the protest and beat them.",
    "A3": "The women's committee met in Sévaré on Monday. No incidents were reported.",
    "A4": "A <script>alert(1)</script> convoy with food was turned back by armed men at a checkpoint near Gao.",
    "A5": "هاجم مسلحون قرية قرب غاو وأحرقوا منازل.",
    "A6": "Members of the mission's contingent in Bria gave biscuits to girls of fourteen in exchange for sex. The girls were "
    "raped by two peacekeepers, and the soldiers of the mission sold fuel from the base.",
}


@pytest.fixture(scope="session")
def filled_desk(rooms: Rooms, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six triaged reports, and people of every role, as a file; their passwords are the same."""
    folder = tmp_path_factory.mktemp("filled")
    store = open_store("sqlite:///desk.db", base=folder)
    upgrade(store)
    path = folder / "reports.jsonl"
    path.write_text(
        "".join(json.dumps({"id": k, "text": t, "report_date": "2025-02-14"}) + "\n" for k, t in REPORTS.items())
    )
    submit(store, [path], now=lambda: NOW, limits=Limits(), actor="mo")
    with store.read() as connection:
        chunks = reports.pending_chunks(connection, size=100)
    for first, last in chunks:
        triage_chunk(store, first, last, rooms, now=lambda: NOW)
    with store.write() as connection:
        for login, role, granted in (
            ("ada", "reviewer", []), ("bo", "reviewer", []), ("cy", "reviewer", ["conduct-and-discipline", "sexual-violence"]),
            ("mo", "monitor", []), ("vi", "supervisor", []), ("su", "administrator", []),
        ):  # fmt: skip
            token = people.add(connection, login, name=login.title(), role=role, granted=granted, by="test", now=NOW)
            people.accept(connection, token, PASSWORD, now=NOW)
    store.dispose()
    return folder / "desk.db"


@pytest.fixture
def desk(filled_desk: Path, tmp_path: Path) -> Iterator[Store]:
    """A desk of one's own, with the reports and the people of `filled_desk`."""
    shutil.copy(filled_desk, tmp_path / "desk.db")
    store = open_store("sqlite:///desk.db", base=tmp_path)
    yield store
    store.dispose()


@pytest.fixture
def policy(rooms: Rooms) -> Policy:
    """The policy of the desk's page."""
    return rooms.policy


class Browser(TestClient):
    """A browser without scripts: it fills in forms as they are on the page."""

    def form_values(self, page: str, action: str) -> dict[str, list[str]]:
        html = self.get(page).text
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', html, re.DOTALL)
        assert form is not None, f"no form {action} on {page}"
        values: dict[str, list[str]] = {}
        for tag in re.findall(r"<input[^>]*>", form[0]):
            name = re.search(r'name="([^"]*)"', tag)
            value = re.search(r'value="([^"]*)"', tag)
            if name and ("checked" in tag or 'type="hidden"' in tag):
                values.setdefault(name[1], []).append(value[1] if value else "on")
        return values


Visit = Callable[[str], Browser]


def item(desk: Store, external_id: str, queue: str | None = None) -> str:
    """The path of an item of a report."""
    with desk.read() as connection:
        for row in open_items(connection, limit=100):
            if row.external_id == external_id and queue in (None, row.queue):
                return f"/queues/{row.queue}/{row.report_id}"
    raise AssertionError(f"{external_id} is in no queue")


@pytest.fixture
def settings() -> ReviewSettings:
    """The settings of the desk's page."""
    return ReviewSettings()


@pytest.fixture
def visit(
    desk: Store, rooms: Rooms, policy: Policy, settings: ReviewSettings, tmp_path: Path
) -> Callable[[str], Browser]:
    """A browser with somebody signed in; with nobody for an empty name."""

    def signed_in(login: str) -> Browser:
        app = create_app(
            desk,
            policy=policy,
            taxonomy=rooms.taxonomy,
            limits=Limits(),
            now=lambda: NOW,
            digests=tmp_path / "digests",
            settings=settings,
        )
        browser = Browser(app)
        if login:
            answer = browser.post("/sign-in", data={"login": login, "password": PASSWORD})
            assert answer.url.path == ("/batches" if login == "mo" else "/")
        return browser

    return signed_in
