"""The review page served on this machine and looked at with headless Chromium."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.intake import Limits
from pipeline.review import create_app
from pipeline.review.oidc import Provider
from pipeline.route import Policy
from pipeline.settings import ReviewSettings
from pipeline.store import Store
from pipeline.triage import Rooms
from tests.conftest import NOW
from tests.review.conftest import PASSWORD, desk, filled_desk, policy, settings

__all__ = ["desk", "filled_desk", "policy", "settings"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def chromium(socket_enabled_for_session: None) -> Iterator[Browser]:
    """A headless browser; skipped where none is installed."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def socket_enabled_for_session() -> Iterator[None]:
    """The browser and the server talk over the loopback device; nothing else is reached."""
    import pytest_socket

    pytest_socket.enable_socket()
    yield
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def port(socket_enabled: None) -> int:
    """A free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def provider() -> None:
    """The page's OpenID provider."""


@pytest.fixture
def address(
    desk: Store, rooms: Rooms, policy: Policy, settings: ReviewSettings, provider: Provider | None, port: int
) -> Iterator[str]:
    """The page over a desk with triaged reports, on a free port of this machine."""
    app = create_app(
        desk,
        policy=policy,
        taxonomy=rooms.taxonomy,
        limits=Limits(),
        settings=settings,
        provider=provider,
        now=lambda: NOW,
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def visit(chromium: Browser, address: str, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """A browser window with somebody signed in; with nobody for an empty name."""
    contexts = []

    def opened(login: str, *, scripts: bool = True, dark: bool = False, width: int = 1280) -> Page:
        context = chromium.new_context(
            java_script_enabled=scripts, color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900}, base_url=address,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if not login:
            return page
        page.goto("/sign-in")
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.click("button.main")
        return page

    yield opened
    for context in contexts:
        context.close()
