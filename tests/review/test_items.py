"""The page of an item, without scripts: what it shows, what a reviewer says there, and whose it becomes."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from pipeline.review.marks import Mark, pieces
from pipeline.store import Store, audit, corrections, reports
from pipeline.store.schema import assessment, queue_item
from pipeline.taxonomy import load_taxonomy
from tests.review.conftest import REPORTS, Visit, item


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
    assert "Arbitrary arrest and detention; high" in page
    with desk.read() as connection:
        report = path.rpartition("/")[2]
        assert [e.action for e in audit.events(connection, subject=report)][-2:] == ["item closed", "reviewed"]


@pytest.mark.parametrize("action", ["confirmed", "save"])
def test_a_form_that_is_sent_twice_counts_once(visit: Visit, desk: Store, action: str) -> None:
    path, browser = item(desk, "A2"), visit("ada")
    values = browser.form_values(path, f"{path}/decide") | {
        "urgency": ["high"],
        "action": [action],
        "note": ["so it is"],
    }
    first, second = (browser.post(f"{path}/decide", data=values) for _ in range(2))
    assert (first.status_code, second.url) == (200, first.url)
    assert len(spans_of(desk, path)) == 1
    other = browser.post(f"{path}/decide", data={**values, "note": ["or not"]})
    assert other.status_code == 409
    assert len(spans_of(desk, path)) == 1


def test_who_decided_that_a_critical_report_shows_no_violation_leaves_it_to_a_colleague(
    visit: Visit, desk: Store
) -> None:
    path, ada = item(desk, "A2"), visit("ada")
    with desk.write() as connection:
        connection.execute(queue_item.update().values(urgency="critical", rank=0))
    values = ada.form_values(path, f"{path}/decide") | {"urgency": ["low"], "action": ["no_violation"]}
    assert "waits for a second person" in ada.post(f"{path}/decide", data=values).text
    page, theirs = ada.get(path).text, visit("bo").get(path).text
    assert "Decided by you as no violation: a colleague can confirm it" in page
    assert "Decided by ada as no violation: you can confirm it" in theirs
    assert ['value="no_violation"' in shown for shown in (page, theirs)] == [False, True]


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


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6))
def test_pieces_joined_are_the_text_and_each_has_the_marks_that_lie_on_it(
    text: str, spans: list[tuple[int, int]]
) -> None:
    marks = [
        Mark(min(a, b, len(text)), min(max(a, b), len(text)), f"kind{n}", f"title {n}")
        for n, (a, b) in enumerate(spans)
    ]
    made = pieces(text, marks)
    assert "".join(piece.text for piece in made) == text
    start = 0
    for piece in made:
        over = {m.kind for m in marks if m.start <= start and start + len(piece.text) <= m.end}
        assert piece.marks == over
        assert set(filter(None, piece.title.split("; "))) == {kind.replace("kind", "title ") for kind in over}
        start += len(piece.text)
