"""`make screenshots`: the review page over the demo's batch, as pictures for the documents."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright
from typer.testing import CliRunner

from flows.cli import app as commands
from flows.workspace import open_workspace, utc_now
from pipeline.review import create_app
from pipeline.store import people
from pipeline.taxonomy import load_taxonomy

ROOT = Path(__file__).parents[2]
PASSWORD = "four horses on a hill"


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder) / "desk"
        CliRunner().invoke(commands, ["init", str(desk)])
        CliRunner().invoke(commands, ["run", str(ROOT / "demo" / "batch"), "--direct", "-w", str(desk)])
        opened = open_workspace(desk)
        with opened.store.write() as connection:
            token = people.add(connection, "ada", name="Ada", role="reviewer", granted=[], by="demo", now=utc_now())
            people.accept(connection, token, PASSWORD, now=utc_now())
        app = create_app(opened.store, policy=opened.policy, taxonomy=load_taxonomy(), limits=opened.limits)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.05)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, width in (("light", 1200), ("phone", 390)):
                page = browser.new_page(
                    base_url=f"http://127.0.0.1:{port}", viewport={"width": width, "height": 900},
                    color_scheme="light",
                )  # fmt: skip
                page.goto("/sign-in")
                page.fill("#login", "ada")
                page.fill("#password", PASSWORD)
                page.click("button.main")
                if name == "light":
                    page.screenshot(path=ROOT / "docs" / "board.png")
                    page.goto("/queues/protection-response")
                    page.click("summary")
                    page.screenshot(path=ROOT / "docs" / "queue.png")
                page.goto("/queues/protection-response")
                page.locator(".items a").first.click()
                page.wait_for_selector("h1 .level")
                if name == "light":
                    page.keyboard.press("e")  # places, actors and dates, to be gone through
                page.screenshot(path=ROOT / "docs" / f"item-{name}.png", full_page=name == "phone")
            browser.close()
        server.should_exit = True


if __name__ == "__main__":
    main()
