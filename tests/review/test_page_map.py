"""docs/pages.md against the application: every page is in the table, and is there for those whom it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from pipeline.store import Store
from tests.review.conftest import Visit, item

ROLES = ("everybody", "monitor", "reviewer", "supervisor", "administrator")
LOGINS = {"monitor": "mo", "reviewer": "ada", "supervisor": "vi", "administrator": "su"}


def table() -> Iterator[tuple[str, str, str]]:
    """*(method, path, lowest role)* of each page in the document."""
    for line in Path("docs/pages.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for method, path in re.findall(r"`(GET|POST) ([^`]+)`", cells[0]):
            yield method, path, cells[1]


def test_every_page_is_in_the_table(visit: Visit) -> None:
    described = cast(FastAPI, visit("").app).openapi()["paths"]
    pages = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert {(method, path) for method, path, _ in table()} == pages


@pytest.mark.parametrize("login", ["", *LOGINS.values()])
def test_a_page_is_there_for_those_whom_the_table_names(visit: Visit, desk: Store, login: str) -> None:
    browser = visit(login)
    rank = next((ROLES.index(role) for role, name in LOGINS.items() if name == login), 0)
    queue, report = item(desk, "A2").split("/")[2:]
    for method, path, role in table():
        named = ("{token}", "{batch}", "{night}", "/metrics", "/second-review", "/adjudication", "/provider", "{other}")
        if method == "POST" or any(part in path for part in named):
            continue  # what these answer hangs on more than on who asks: the tests of each page
        answer: Any = browser.get(path.format(queue=queue, report=report), follow_redirects=False)
        expected = 200 if rank >= ROLES.index(role) else 404 if login else 303
        if (path, login) == ("/", "mo"):
            expected = 303
        assert answer.status_code == expected, (path, login or "nobody")
