"""Intake from a mailbox: bodies and attachments become reports, a mail is seen once it is stored, bad ones are set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.doctor import examine
from flows.mail import collect_mail
from flows.nightly import collect_mail_task
from flows.workspace import Workspace, init_workspace, open_workspace
from pipeline.errors import ConfigurationError, MailboxError, StoreError
from pipeline.store import Store
from tests.imap import SECRET, USER, Letters, mail_server

pytestmark = [pytest.mark.enable_socket]
TABLE = b"id,text\nA1,Armed men burnt nine houses in Bankass at dawn.\nA2,\n"
Desk = Callable[..., Workspace]


def letter(body: str, *attachments: tuple[str, bytes], subject: str = "Week 7") -> bytes:
    made = EmailMessage()
    made["Subject"], made["From"], made["Date"] = subject, "gao@example.org", "Fri, 14 Feb 2025 09:00:00 +0000"
    made.set_content(body)
    for name, content in attachments:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


@pytest.fixture
def letters() -> Letters:
    return Letters({})


@pytest.fixture
def desk(letters: Letters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Makes a workspace whose mailbox holds the letters; `settings` are further lines of [imap]."""
    monkeypatch.setenv("DESK_MAIL", SECRET)
    with mail_server(letters, tmp_path) as port:

        def made(
            settings: str = 'ca_file = "../ca.pem"', *, user: str = USER, folder: str = "Field reports"
        ) -> Workspace:
            init_workspace(tmp_path / "desk")
            path = tmp_path / "desk" / "sitrep.toml"
            lines = f'[imap]\nhost = "127.0.0.1"\nport = {port}\nuser = "{user}"\nsecret_env = "DESK_MAIL"\nfolder = "{folder}"\n'
            path.write_text(f"{path.read_text('utf-8')}\n{lines}{settings}\n", encoding="utf-8")
            open_workspace.cache_clear()
            return open_workspace(tmp_path / "desk")

        yield made
    open_workspace.cache_clear()


def collect(opened: Workspace) -> dict[str, int]:
    assert opened.settings.imap is not None
    return collect_mail(opened, opened.settings.imap)


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_the_body_and_the_attachments_are_taken_in(desk: Desk, letters: Letters) -> None:
    letters.mails = {
        3: letter("Two girls were raped near Djugu, see the table.", ("week.csv", TABLE), ("logo.png", b"\x89PNG")),
        5: letter("Two teachers were abducted near Goma on Friday; their families were called for a ransom."),
    }
    opened = desk('ca_file = "../ca.pem"\nsource = "gao-office"')
    assert collect(opened) == {"batches": 2, "received": 4, "quarantined": 1}
    assert letters.seen == {3, 5}
    found = rows(opened.store, "SELECT external_id, report_date, source FROM report ORDER BY seq")
    assert [ident for ident, *_ in found] == [None, "A1", None]
    assert [str(day) for ident, day, _ in found if ident is None] == ["2025-02-14"] * 2
    assert {source for *_, source in found} == {"gao-office"}
    assert rows(opened.store, "SELECT reason FROM quarantine") == [("empty_text",)]
    assert collect(opened) == {"batches": 0, "received": 0, "quarantined": 0}


def test_a_mail_that_was_forwarded_is_read(desk: Desk, letters: Letters) -> None:
    inner, outer = EmailMessage(), EmailMessage()
    inner["Subject"] = "From the field"
    inner.set_content("Police arrested six journalists outside the court and broke their cameras.")
    outer.set_content("For you.")
    outer.add_attachment(inner)
    letters.mails = {1: outer.as_bytes()}
    opened = desk()
    assert collect(opened)["received"] == 2
    assert "six journalists" in str(rows(opened.store, "SELECT text FROM report"))


def test_bad_mails_are_set_aside_and_the_others_come_through(desk: Desk, letters: Letters) -> None:
    letters.mails = {
        1: letter(""[:0], subject=""),
        2: letter("x", ("report.docx", b"no archive at all")),
        3: b"\xff\xfe\x00 no mail",
        4: letter("A convoy with food was turned back at the checkpoint near Gao for the third time."),
        5: b"larger than it looks",
    }
    letters.sizes = {5: 2**40}
    opened = desk()
    counts = collect(opened)
    assert counts["batches"] == 5
    assert counts["received"] == 6
    assert letters.seen == {1, 2, 3, 4, 5}
    reasons = [reason for (reason,) in rows(opened.store, "SELECT reason FROM quarantine ORDER BY batch, line")]
    assert len(reasons) >= 3
    assert "too_large" in reasons
    assert "UID FETCH 5 (BODY.PEEK[])" not in letters.asked


def test_a_mail_is_seen_only_after_it_is_stored(desk: Desk, letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    letters.mails = {1: letter("Armed men took the grain of nine families near Kutum on Monday.")}
    opened = desk()
    with monkeypatch.context() as broken:

        def fails(*_: object, **__: object) -> None:
            raise StoreError("the disk of the store is full")

        broken.setattr("flows.mail.submit", fails)
        with pytest.raises(StoreError):
            collect(opened)
    assert letters.seen == set()
    letters.hang_up_at = "UID STORE"  # the mail is stored, the server goes away before it is marked
    with pytest.raises(MailboxError):
        collect(opened)
    assert letters.seen == set()
    letters.hang_up_at = None
    collect(opened)
    assert letters.seen == {1}
    assert rows(opened.store, "SELECT count(*) FROM report") == [(1,)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"settings": ""}, "cannot be trusted"),
        ({"user": "nobody"}, "refused the sign-in"),
        ({"folder": "Elsewhere"}, "has no folder"),
    ],
)
def test_what_is_wrong_with_a_mailbox_is_named_and_the_night_goes_on(
    settings: dict[str, str], words: str, desk: Desk, letters: Letters
) -> None:
    letters.mails = {1: letter("x")}
    opened = desk(**settings)
    with pytest.raises(MailboxError, match=words) as refused:
        collect(opened)
    assert SECRET not in str(refused.value)
    counts = collect_mail_task.fn(str(opened.settings.workspace))
    assert counts["mailbox_failed"] == 1
    assert letters.seen == set()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('secret_file = "gone.txt"', "gone.txt cannot be read"),
        ('ca_file = "gone.pem"', "gone.pem cannot be read as certificates"),
    ],
)
def test_a_file_that_is_gone_is_named_and_the_night_goes_on(settings: str, words: str, desk: Desk) -> None:
    opened = desk(settings)
    with pytest.raises((ConfigurationError, MailboxError), match=words):
        collect(opened)
    assert collect_mail_task.fn(str(opened.settings.workspace))["mailbox_failed"] == 1


def test_doctor_looks_into_the_mailbox(desk: Desk, letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    letters.mails = {1: letter("x"), 2: letter("y")}
    folder = desk().settings.workspace
    found = {check.name: check for check in examine(folder)}["mailbox"]
    assert (found.state, found.found) == ("ok", "2 unseen mails in Field reports")
    assert letters.seen == set()
    monkeypatch.delenv("DESK_MAIL")
    found = {check.name: check for check in examine(folder)}["mailbox"]
    assert found.state == "broken"
    assert "secret_env" in found.found


def test_the_secret_has_to_be_somewhere(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk()
    monkeypatch.setenv("DESK_MAIL", "")
    with pytest.raises(ConfigurationError, match="secret_env"):
        collect(opened)
