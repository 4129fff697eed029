"""What is typed is not lost to a second press, a wrong link or the end of a session; and an ended session's page closes."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from pipeline.store import Store
from pipeline.store.accounts import session
from tests.conftest import NOW
from tests.e2e.test_browser import open_report

Visit = Callable[..., Page]


def test_a_decision_is_sent_once_and_leaving_a_changed_one_asks_first(visit: Visit) -> None:
    page = visit("ada")
    open_report(page, "journalists")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.fill("#note", "two sources")
    with page.expect_event("dialog"):
        page.click(".crumbs a >> nth=0")
    expect(page.locator("#note")).to_have_value("two sources")
    assert asked == ["beforeunload"]
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.evaluate("for (const press of [1, 2]) document.querySelector('[data-key=a]').click()")
    expect(page.locator(".good")).to_contain_text("is closed")
    assert len(sent) == 1
    assert asked == ["beforeunload"]


def test_the_end_of_a_session_is_told_what_is_typed_is_sent_all_the_same_and_what_is_left_alone_closes(
    visit: Visit, desk: Store
) -> None:
    page = visit("ada")
    page.clock.install(time=NOW)
    open_report(page, "journalists")
    page.clock.fast_forward("54:00")
    expect(page.locator("#ending")).to_be_hidden()
    page.clock.fast_forward("02:00")
    expect(page.locator("#ending")).to_contain_text("less than five minutes")
    page.click("text=Stay signed in")
    expect(page.locator("#ending")).to_be_hidden()
    with desk.write() as connection:
        connection.execute(session.delete())
    page.clock.fast_forward("50:00")
    page.fill("#note", "two sources, both near")
    expect(page.locator("#ending")).to_contain_text("What you typed is still here")
    page.click("text=Save and keep")
    expect(page.locator(".typed")).to_have_text("two sources, both near")
    again = visit("ada")
    page.context.add_cookies(again.context.cookies())
    page.click("text=Then send it from here")
    page.click("text=Send it as Ada")
    expect(page.locator(".log").first).to_contain_text("two sources, both near")
    page.wait_for_load_state()  # its script has seen the time
    with desk.write() as connection:
        connection.execute(session.delete())
    page.clock.fast_forward("02:00:00")
    expect(page.locator("h1")).to_have_text("Sign in")
