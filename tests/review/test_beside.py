"""Two reports of the same event side by side: what differs is marked, and what may not be seen is not there."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from sqlalchemy import insert, select

from pipeline.review.compare import Fact, held_against
from pipeline.store import Store, audit
from pipeline.store.queues import work as open_items
from pipeline.store.schema import corroboration, report
from tests.review.conftest import REPORTS, Browser
from tests.review.test_pages import item

Visit = Callable[[str], Browser]


@pytest.fixture
def linked(desk: Store) -> dict[str, str]:
    """A desk where A1 is linked with A2, and with A6, which only restricted queues hold; our ids by the submitter's."""
    with desk.write() as connection:
        rows = connection.execute(select(report.c.external_id, report.c.seq, report.c.id)).all()
        seqs = {row.external_id: row.seq for row in rows}
        for one, other in (("A1", "A2"), ("A6", "A1")):
            pair = {"report": seqs[one], "other": seqs[other], "similarity": 0.5}
            connection.execute(insert(corroboration).values(pair))
    return {row.external_id: row.id for row in rows}


def texts(page: str) -> list[str]:
    """The texts on a page, without their marks."""
    found = re.findall(r'<div class="text"[^>]*>(.*?)</div>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", text)) for text in found]


def queues_of(desk: Store, ident: str) -> set[str]:
    with desk.read() as connection:
        return {row.queue for row in open_items(connection, limit=100) if row.report_id == ident}


def test_two_linked_reports_are_shown_whole_with_what_differs_marked(
    visit: Visit, desk: Store, linked: dict[str, str]
) -> None:
    path, browser = item(desk, "A1"), visit("ada")
    (link,) = re.findall(r'href="([^"]+/beside/[^"]+)"', browser.get(path).text)
    assert link == f"{path}/beside/{linked['A2']}"
    page = browser.get(link).text
    assert texts(page) == [REPORTS["A1"], REPORTS["A2"]]
    marked = [re.sub(r"<[^>]+>", "", m) for m in re.findall(r"<mark>(.*?)</mark>", page)]
    assert {
        "abducted 7 (farmers) only here",
        "2025-02-13 only here",
        "Bankass, ML only here",
        "Mopti, ML only here",
    } <= set(marked)
    assert "Torture and ill-treatment" in page
    assert not any(words.startswith("Torture") for words in marked)  # both say so


def test_the_same_reports_the_other_way_round(visit: Visit, desk: Store, linked: dict[str, str]) -> None:
    page = visit("ada").get(f"{item(desk, 'A2')}/beside/{linked['A1']}").text
    assert texts(page) == [REPORTS["A2"], REPORTS["A1"]]


def test_a_linked_report_that_one_may_not_see_is_not_there(visit: Visit, desk: Store, linked: dict[str, str]) -> None:
    path = item(desk, "A1")
    secret, nothing = f"{path}/beside/{linked['A6']}", f"{path}/beside/none"
    assert queues_of(desk, linked["A6"])  # it is in queues, all of them restricted
    for login, status in (("ada", 404), ("su", 404), ("cy", 200)):
        browser = visit(login)
        assert browser.get(secret).status_code == status
        assert (linked["A6"] in browser.get(path).text) == (status == 200)
        assert status == 200 or browser.get(secret).text == browser.get(nothing).text


def test_who_looks_at_a_restricted_report_beside_another_is_on_record(
    visit: Visit, desk: Store, linked: dict[str, str]
) -> None:
    visit("cy").get(f"{item(desk, 'A1')}/beside/{linked['A6']}")
    with desk.read() as connection:
        (look,) = [e for e in audit.events(connection, subject=linked["A6"]) if e.action == "restricted item viewed"]
    assert look.actor == "cy"


def test_reports_that_are_not_linked_are_not_shown_side_by_side(
    visit: Visit, desk: Store, linked: dict[str, str]
) -> None:
    assert visit("ada").get(f"{item(desk, 'A1')}/beside/{linked['A3']}").status_code == 404


def test_a_number_that_differs_is_told_from_one_that_only_one_report_has() -> None:
    mine = [Fact("killed", "killed 5", "villagers"), Fact("abducted", "abducted 2"), Fact("abducted", "abducted 1")]
    theirs = [Fact("killed", "killed 7"), Fact("abducted", "abducted 2", "women")]
    assert [fact.against for fact in held_against(mine, theirs)] == ["differs", "same", "only here"]
    assert [fact.against for fact in held_against(theirs, mine)] == ["differs", "same"]
    assert [fact.against for fact in held_against(theirs, [])] == ["only here", "only here"]
