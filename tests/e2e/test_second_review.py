"""A second review in a browser: by the keyboard, on a phone too, and nothing of the first one shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pipeline.route import Policy
from pipeline.triage import Rooms
from tests.e2e.test_browser import serious

Visit = Callable[..., Page]


@pytest.fixture
def policy(rooms: Rooms) -> Policy:
    """Every report is drawn."""
    return replace(rooms.policy, second_review=1.0)


def looked_at(page: Page, name: str) -> None:
    """Nothing serious by axe, not wider than the screen; kept as a picture where SITREP_PICTURES names a folder."""
    assert not serious(page), name
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    if folder := os.environ.get("SITREP_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("queue", "dark", "width"),
    [("rule-of-law", False, 1280), ("manual-review", True, 360)],
    ids=["light", "dark phone"],
)
def test_two_people_review_a_report_and_a_third_has_the_last_word(
    visit: Visit, queue: str, dark: bool, width: int
) -> None:
    """In `manual-review` it is the Arabic report."""
    name = f"{queue}-{width}"
    ada, bo = visit("ada"), visit("bo", dark=dark, width=width)
    ada.goto(f"/queues/{queue}")
    if queue == "manual-review":
        ada.click(".items a:has([lang=ar])")
    else:
        ada.keyboard.press("n")
    expect(ada.locator("h1 .level")).to_be_visible()
    ada.wait_for_load_state()
    ada.fill("#note", "the canary note")
    ada.keyboard.press("Escape")
    ada.keyboard.press("1")
    ada.keyboard.press("u")  # nothing is chosen where the model does not read the language
    ada.keyboard.press("a")
    ada.wait_for_url(f"**/queues/{queue}?closed=*")

    bo.goto("/")
    expect(bo.locator("main")).to_contain_text("1 for a second review")
    looked_at(bo, f"board-{name}")
    bo.goto(f"/queues/{queue}")
    looked_at(bo, f"queue-{name}")
    bo.keyboard.press("2")
    bo.wait_for_url("**/second-review")
    expect(bo.locator("main")).not_to_contain_text("canary")
    looked_at(bo, f"second-review-{name}")
    bo.keyboard.press("2")
    bo.keyboard.press("u")
    bo.once("dialog", lambda dialog: dialog.dismiss())
    with bo.expect_event("dialog") as leaving:
        bo.keyboard.press("b")
    assert leaving.value.type == "beforeunload"  # leaving what was changed asks first
    assert bo.url.endswith("/second-review")
    bo.keyboard.press("a")
    bo.wait_for_url(f"**/queues/{queue}")

    vi = visit("vi", dark=dark, width=width)
    vi.goto("/agreement")
    expect(vi.locator("main")).to_contain_text("ada and bo")
    looked_at(vi, f"agreement-{name}")
    vi.click("main li a")
    expect(vi.locator("main")).to_contain_text("the canary note")
    looked_at(vi, f"adjudication-{name}")
    vi.keyboard.press("u")
    vi.keyboard.press("a")
    vi.wait_for_url("**/agreement")
    expect(vi.locator("main")).not_to_contain_text("ada and bo")
