"""`sitrep review`: by https, or on this machine alone."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from flows.cli import app as commands
from flows.commands.review import server
from pipeline.errors import ConfigurationError
from tests.imap import certify


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, and its key."""
    certify(tmp_path / "page.pem", tmp_path / "key.pem")
    return tmp_path / "page.pem", tmp_path / "key.pem"


def test_the_page_is_served_by_https_alone_with_a_certificate(
    certificate: tuple[Path, Path], socket_enabled: None
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = FastAPI()
    page.get("/")(lambda: "here")
    made = server(page, host="127.0.0.1", port=port, certificate=certificate[0], key=certificate[1])
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    while not made.started:
        time.sleep(0.02)
    trusted = ssl.create_default_context(cafile=certificate[0])
    assert httpx.get(f"https://127.0.0.1:{port}/", verify=trusted).json() == "here"
    old = ssl.create_default_context(cafile=certificate[0])
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    for address, context in ((f"http://127.0.0.1:{port}/", trusted), (f"https://127.0.0.1:{port}/", old)):
        with pytest.raises(httpx.TransportError):
            httpx.get(address, verify=context)
    made.should_exit = True
    thread.join(10)


def test_a_certificate_that_cannot_be_used_is_told(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    for wrong in ((certificate[0], tmp_path / "none.pem"), (certificate[1], certificate[0])):
        with pytest.raises(ConfigurationError, match="cannot be used for https"):
            server(FastAPI(), host="127.0.0.1", port=1, certificate=wrong[0], key=wrong[1])
    told = CliRunner().invoke(commands, ["review", "--certificate", str(certificate[0])])
    assert "go together" in str(told.exception)
    told = CliRunner().invoke(commands, ["review", "--host", "0.0.0.0"])
    assert "must not travel in the clear" in str(told.exception)
