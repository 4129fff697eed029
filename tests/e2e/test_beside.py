"""Two reports side by side in a browser: two columns, stacked on a phone, and nothing that axe-core finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from pipeline.store import Store
from tests.e2e.test_browser import serious
from tests.review.test_beside import linked
from tests.review.test_pages import item

__all__ = ["linked"]
Visit = Callable[..., Page]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_two_reports_side_by_side_and_stacked_on_a_phone(
    visit: Visit, desk: Store, linked: dict[str, str], dark: bool
) -> None:
    page = visit("ada", dark=dark)
    page.goto(item(desk, "A1"))
    page.click("text=side by side")
    expect(page.locator("h1")).to_have_text("A1 beside A2")
    for width, columns in ((1600, 2), (1280, 2), (390, 1), (360, 1)):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [article.bounding_box() for article in page.locator(".beside article").all()]
        assert len({round(box["x"]) for box in boxes if box}) == columns
        assert not serious(page), width
