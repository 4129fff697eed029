"""What people do, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Page, expect

from pipeline.store import Store, people
from tests.conftest import NOW

Visit = Callable[..., Page]
AXE = Path(__file__).with_name("axe.min.js")


def test_a_monitor_uploads_a_messy_spreadsheet_and_gets_back_what_was_set_aside(visit: Visit, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Weekly reports"], ["ref", "report_date", "narrative"],
        ["W1", "14/02/2025", "Soldiers burnt ten houses in Rann on Monday."], ["W2", "2025-02-31", "Police beat a man."],
        ["W3", None, None], ["W4", "2025-02-13", "=HYPERLINK(\"http://example.org\")"],
        ["W1", "14/02/2025", "Soldiers burnt ten houses in Rann on Monday."],
    ):  # fmt: skip
        sheet.append(row)
    path = tmp_path / "week.xlsx"
    book.save(path)
    page = visit("mo")
    page.click("text=Submit")
    page.set_input_files("#files", path)
    page.fill("#source", "Rann office")
    page.fill("#text_column", "narrative")
    page.click("button.main")
    expect(page.locator("main")).to_contain_text("received =")
    with page.expect_download() as download:
        page.click("text=Excel workbook")
    download.value.save_as(tmp_path / "mend.xlsx")
    header, *rows = load_workbook(tmp_path / "mend.xlsx").active.values
    assert {row[header.index("_quarantined_reason")] for row in rows} >= {"bad_date", "formula"}


def test_a_reviewer_clears_items_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit("ada")
    page.goto("/queues/rule-of-law")
    waiting = page.locator(".items li").count()
    assert waiting >= 1
    for left in reversed(range(waiting)):
        page.wait_for_load_state()
        page.keyboard.press("n")
        expect(page.locator("h1 .level")).to_be_visible()
        page.wait_for_load_state()
        page.keyboard.press("1")
        page.keyboard.press("u")
        page.keyboard.press("a")
        page.wait_for_url("**/queues/rule-of-law?closed=*")
        expect(page.locator(".items li")).to_have_count(left)


def test_a_queue_is_searched_and_filtered_from_the_keyboard(visit: Visit) -> None:
    page = visit("ada")
    page.goto("/queues/rule-of-law")
    waiting = page.locator(".items li").count()
    assert waiting > 1
    page.keyboard.press("/")
    page.keyboard.type("journalists")
    page.keyboard.press("Enter")
    expect(page.locator(".items li")).to_have_count(1)
    expect(page.locator("input[type=search]")).to_have_value("journalists")
    page.click("text=Clear filters")
    expect(page.locator(".items li")).to_have_count(waiting)
    page.click("summary")
    page.fill("input[name=place]", "Mopti")
    page.select_option("select[name=type]", "restriction_of_freedoms")
    page.click("text=Show")
    expect(page.locator(".items li")).to_have_count(1)
    expect(page.locator("input[name=place]")).to_be_visible()


def mentions(page: Page) -> dict[str, tuple[str, str]]:
    """What the form would send: words, what they are, role."""
    return {
        row.locator("bdi").text_content() or "": (
            row.locator("[name=span_is]").input_value(), row.locator("[name=span_role]").input_value()
        )
        for row in page.locator("#mention-rows tr").all()
    }  # fmt: skip


def open_report(page: Page, words: str) -> None:
    page.goto(f"/queues/rule-of-law?q={words}")
    page.locator(".items a").first.click()
    expect(page.locator("h1 .level")).to_be_visible()
    page.wait_for_load_state()


def test_mentions_are_marked_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit("ada")
    open_report(page, "journalists")
    assert mentions(page)["Mopti"] == ("place", "")
    page.keyboard.press("e")
    for _ in range(6):  # On 12 February police in Mopti
        page.keyboard.press("ArrowRight")
    expect(page.locator("#marking-says")).to_have_text("Chosen: Mopti")
    page.keyboard.press("Delete")
    expect(page.locator("#marking-says")).to_have_text("Mopti: no mention")
    expect(page.locator("#report-text .place")).to_have_count(0)
    while "protest" not in page.locator("#marking-says").inner_text():
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#marking-says")).to_have_text("Chosen: protest and")
    page.keyboard.press("p")
    expect(page.locator("#report-text .place")).to_have_text("protest and")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    expect(page.locator("tr:has-text('protest and') [name=span_is]")).to_be_focused()
    page.keyboard.type("civ")
    page.keyboard.press("Tab")
    page.keyboard.type("vic")
    before = page.locator("#report-text").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("main")).to_contain_text("held by ada")
    assert page.locator("#report-text").inner_text() == before
    found = mentions(page)
    assert found["protest and"] == ("civilians", "victim")
    assert "Mopti" not in found
    page.keyboard.press("e")
    for words in ("12 February", "police"):  # from mention to mention
        page.keyboard.press("ArrowDown")
        expect(page.locator("#marking-says")).to_have_text(f"Chosen: {words}")


def test_mentions_are_marked_with_the_mouse(visit: Visit) -> None:
    page = visit("ada")
    open_report(page, "farmers")
    box = page.evaluate(
        """() => {
            const text = document.querySelector("#report-text"), walk = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
                const at = walk.currentNode.data.indexOf("beaten");
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(walk.currentNode, at);
                range.setEnd(walk.currentNode, at + 6);
                const {x, y, width, height} = range.getBoundingClientRect();
                return {x, y, width, height};
            }
        }"""
    )
    page.mouse.move(box["x"] + 1, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(page.locator("#marking-says")).to_have_text("Chosen: beaten")
    page.click("[data-mark=date]")
    expect(page.locator("#report-text .date:has-text('beaten')")).to_have_count(1)
    page.click("#report-text .place:has-text('Bankass')")
    row = page.locator("tr:has-text('Bankass')")
    expect(row.locator("[name=span_is]")).to_be_focused()
    row.locator("[name=span_is]").select_option("")
    expect(page.locator("#report-text .place")).to_have_count(0)
    page.click("text=Save and keep")
    expect(page.locator("main")).to_contain_text("held by ada")
    assert mentions(page)["beaten"] == ("date", "")
    assert "Bankass" not in mentions(page)


def test_the_evidence_of_another_type_is_shown_and_ticks_and_notes_stay(visit: Visit) -> None:
    page = visit("ada")
    open_report(page, "farmers")
    page.fill("#note", "two sources")
    page.keyboard.press("Escape")
    page.keyboard.press("9")
    shown = set()
    for link in page.locator(".type [data-evidence]").all():
        link.click()
        shown.add("".join(page.locator("#report-text .evidence").all_inner_texts()))
    assert len(shown) > 1
    expect(page.locator("#note")).to_have_value("two sources")
    expect(page.locator("[data-key='9']")).to_be_checked()
    assert "focus" not in page.url
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("a")  # keys wait meanwhile
    expect(page.locator("dialog")).to_be_visible()


def test_the_second_of_two_reviewers_is_told(visit: Visit) -> None:
    ada, bo = visit("ada"), visit("bo")
    for page in (ada, bo):
        page.goto("/queues/rule-of-law")
        page.locator(".items a").first.click()
        expect(page.locator("h1 .level")).to_be_visible()
        page.wait_for_load_state()
    ada.keyboard.press("c")
    expect(ada.locator("main")).to_contain_text("held by ada")
    bo.keyboard.press("a")
    expect(bo.locator("h1")).to_have_text("Somebody was faster")


def test_everything_works_with_scripts_off(visit: Visit) -> None:
    page = visit("ada", scripts=False)
    page.goto("/queues/rule-of-law")
    page.click("text=Take the next item")
    page.click("text=Accept and close")
    expect(page.locator("h1")).to_have_text("Rule of law")


def test_an_invitation_is_taken_from_its_link_and_kept_out_of_addresses(visit: Visit, desk: Store) -> None:
    page = visit("")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with desk.write() as connection:
        token = people.invite(connection, "bo", by="test", now=NOW)
    page.goto(f"/invitation#{token}")
    expect(page.locator("#invitation")).to_have_value(token)
    expect(page.locator("#password")).to_be_focused()
    assert token not in page.url
    page.fill("#password", "a hill with four horses")
    page.click("button.main")
    page.wait_for_url("**/sign-in")
    assert not [address for address in asked if token in address]


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_the_screen(visit: Visit, width: int) -> None:
    page = visit("ada", width=width)
    for address in ("/", "/queues/rule-of-law", "/queues/rule-of-law?place=mali", "/submit", "/batches", "/account"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.goto("/queues/rule-of-law")
    page.locator(".items a").first.click()
    expect(page.locator("h1 .level")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("text=Map of the places")
    drawn = page.locator("svg.map").bounding_box()
    assert drawn is not None
    assert 300 < drawn["width"] <= min(width, 36 * 16)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, dark: bool) -> None:
    """With axe-core (Deque Systems, MPL-2.0), which holds pages to WCAG 2.2 AA; the Arabic report included."""
    page = visit("ada", dark=dark)
    addresses = [
        "/",
        "/queues/rule-of-law",
        "/queues/rule-of-law?place=mali",
        "/submit",
        "/batches",
        "/sign-in",
        "/nowhere",
    ]
    for queue in ("rule-of-law", "manual-review"):
        page.goto(f"/queues/{queue}")
        addresses += [a.get_attribute("href") or "" for a in page.locator(".items a").all()]
    for address in addresses:
        page.goto(address)
        if page.locator("#mentions").count():
            page.keyboard.press("e")
            page.keyboard.press("ArrowRight")
        if page.locator(".where").count():
            page.click(".where summary")
        assert not serious(page), address


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_what_supervisors_and_administrators_see(visit: Visit, dark: bool) -> None:
    page = visit("su", dark=dark)
    page.goto("/queues/rule-of-law")
    report = page.locator(".items a").first.get_attribute("href")
    page.goto("/queues/manual-review")  # the Arabic report is there
    arabic = [a.get_attribute("href") for a in page.locator(".items a").all()]
    for address in ("/account", "/digests", "/people", "/agreement", *(f"{path}/audit" for path in (report, *arabic))):
        page.goto(address)
        assert not serious(page), address
    page.goto("/account")
    page.click("text=Set up")
    expect(page.locator("svg")).to_be_visible()
    assert not serious(page)
    page.goto("/people")
    page.fill("#login", "di")
    page.fill("#name", "Di")
    page.click("button.main")
    expect(page.locator(".good")).to_be_visible()
    assert not serious(page)
    page.goto("/invitation")
    assert not serious(page)


def serious(page: Page) -> list[tuple[str, str]]:
    """What axe-core finds on a page that is serious or critical: the rule, and the first element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async () => (await axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})).violations"
    )
    return [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")]
