"""Signing in with an account elsewhere, in a browser that keeps to its rules about cookies and forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from pipeline.review.oidc import Provider
from pipeline.settings import OidcSettings
from pipeline.store import Store, identities
from tests.conftest import NOW
from tests.oidc import CLIENT, SECRET, running


@pytest.fixture
def provider(desk: Store, port: int, socket_enabled: None) -> Iterator[Provider]:
    """A provider on another site, where ada's account is."""
    with running(now=lambda: NOW) as small:
        with desk.write() as connection:
            identities.link(connection, "ada", issuer=small.issuer, subject="248289", email=None, by="test", now=NOW)
        settings = OidcSettings(
            name="the office's account", issuer=small.issuer, client_id=CLIENT, page=f"http://127.0.0.1:{port}"
        )
        yield Provider(settings, secret=SECRET)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_somebody_comes_back_from_another_site_and_is_signed_in(visit: Callable[..., Page], scripts: bool) -> None:
    page = visit("", scripts=scripts)
    page.goto("/sign-in")
    page.click("text=sign in with the office's account")
    expect(page.locator("h1")).to_have_text("Queues")
    expect(page.locator(".who")).to_have_text("Ada")
