"""`sitrep deliver` to a webhook that sitrep.toml and policy.toml name: a receiver that fails, then takes each item once."""

from __future__ import annotations

import base64
import json
from datetime import time
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import open_workspace, utc_now
from pipeline.errors import ConfigurationError
from pipeline.route.smtp import EmailDigest
from pipeline.store.schema import outbox
from tests.route.test_webhook import Server, server

__all__ = ["server"]
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
REPORT = (
    '{"id": "A1", "text": "Armed men abducted seven farmers near Bankass. They are still held.", "country": "ML"}\n'
)


def desk(tmp_path: Path, url: str) -> Path:
    folder = tmp_path / "desk"
    run = CliRunner()
    run.invoke(app, ["init", str(folder)], catch_exceptions=False)
    settings, policy = folder / "sitrep.toml", folder / "policy.toml"
    settings.write_text(
        settings.read_text()
        + f'\n[webhooks.cases]\nurl = "{url}"\nsecret_env = "SITREP_TEST_WEBHOOK_SECRET"\nallow_private = true\n'
    )
    policy.write_text(
        policy.read_text().replace('id = "protection-response"', 'id = "protection-response"\ndestinations = ["cases"]')
    )
    (tmp_path / "reports.jsonl").write_text(REPORT)
    run.invoke(app, ["run", str(tmp_path / "reports.jsonl"), "--direct", "-w", str(folder)], catch_exceptions=False)
    return folder


def deliver(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads(
        CliRunner().invoke(app, ["deliver", "--json", "-w", str(folder)], catch_exceptions=False).stdout
    )
    return found


def test_an_item_reaches_the_webhook_once_it_answers(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITREP_TEST_WEBHOOK_SECRET", SECRET)
    server.statuses = [500]
    folder = desk(tmp_path, server.url)
    assert deliver(folder)["owed"] == 1
    with open_workspace(folder).store.write() as connection:  # the wait is over
        connection.execute(update(outbox).values(available_at=utc_now()))
    assert deliver(folder)["owed"] == 0
    (first, _), (second, body) = server.taken
    assert first["webhook-id"] == second["webhook-id"]
    assert json.loads(body)["data"]["id"] == "A1"
    assert deliver(folder)["sent"] == 0


def test_a_webhook_without_its_secret_is_named(tmp_path: Path, server: Server) -> None:
    folder = desk(tmp_path, server.url)
    with pytest.raises(ConfigurationError, match=r"'cases'.*secret_env"):
        deliver(folder)


MAIL = """
[email.duty]
host = "mail.example.org"
sender = "sitrep@example.org"
recipients = ["duty@example.org"]
"""


def settings(tmp_path: Path, words: str) -> Path:
    folder = tmp_path / "desk"
    CliRunner().invoke(app, ["init", str(folder)], catch_exceptions=False)
    with (folder / "sitrep.toml").open("a") as stream:
        stream.write(words)
    return folder


def test_an_email_destination_is_made_from_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITREP_TEST_MAIL_PASSWORD", "four horses")
    words = MAIL + 'username = "sitrep"\nsecret_env = "SITREP_TEST_MAIL_PASSWORD"\nquiet = "22:00-06:30"\n'
    made = open_workspace(settings(tmp_path, words)).destinations["duty"]
    assert isinstance(made, EmailDigest)
    assert (made.password, made.quiet and made.quiet.end) == ("four horses", time(6, 30))
    assert made.minimal == {"conduct-and-discipline", "sexual-violence"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (MAIL + 'username = "sitrep"', "'duty'.*where the password is"),
        (MAIL + 'secret_file = "nowhere"', "'duty'.*cannot be read"),
        (MAIL + 'quiet = "late"', "'duty'.*no span such as 22:00-06:30"),
        (MAIL + 'security = "none"', "'duty'.*only to this machine"),
        (MAIL.replace("duty]", "folder]"), "two destinations are called 'folder'"),
        (MAIL.replace('["duty@example.org"]', "[]"), "email.duty.recipients"),
    ],
)
def test_settings_that_cannot_work_are_named(words: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        _ = open_workspace(settings(tmp_path, words)).destinations
