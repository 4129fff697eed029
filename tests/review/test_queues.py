"""The board and the lists of queues, without scripts."""

from __future__ import annotations

from pipeline.store import Store
from tests.review.conftest import Visit, item


def test_the_board_counts_only_what_may_be_seen(visit: Visit) -> None:
    plain, granted = visit("ada").get("/").text, visit("cy").get("/").text
    assert "Investigations" in plain
    assert "Conduct and discipline" not in plain
    assert "Conduct and discipline" in granted


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


def test_the_next_item_is_claimed_for_the_one_who_asks(visit: Visit, desk: Store) -> None:
    queue = item(desk, "A1").split("/")[2]
    browser = visit("ada")
    values = browser.form_values(f"/queues/{queue}", f"/queues/{queue}/next")
    answer = browser.post(f"/queues/{queue}/next", data=values)
    assert answer.url.path.startswith(f"/queues/{queue}/r")
    assert "held by ada" in answer.text
