"""`sitrep doctor` on workspaces that something is wrong with: it ends, and names what is wrong once, with its mend."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flows.doctor import Check, examine
from flows.workspace import init_workspace, open_workspace
from pipeline.classify import ReportModel
from pipeline.store import open_store
from pipeline.store.engine import migrations
from pipeline.store.migrate import downgrade


def settings(desk: Path, line: str, *, instead_of: str = "") -> None:
    """The line in the settings, instead of another or above them."""
    path = desk / "sitrep.toml"
    written = path.read_text("utf-8")
    assert instead_of in written
    path.write_text(written.replace(instead_of, line, 1) if instead_of else f"{line}\n{written}", encoding="utf-8")


def behind(desk: Path) -> None:
    store = open_store("sqlite:///sitrep.db", base=desk)
    downgrade(store, revision=migrations()[-2])
    store.dispose()


def begun(desk: Path) -> None:
    with closing(sqlite3.connect(desk / "sitrep.db")) as connection, connection:
        connection.execute("INSERT INTO night (key, begun_at) VALUES ('2025-02-14', '2025-02-14 02:00:00.000000')")


def from_the_future(desk: Path) -> None:
    with closing(sqlite3.connect(desk / "sitrep.db")) as connection, connection:
        connection.execute(
            "INSERT INTO batch (id, fingerprint, submitted_at) VALUES ('b', 'f', '2999-01-01 00:00:00.000000')"
        )


def misspelt(desk: Path) -> None:
    path = desk / "policy.toml"
    path.write_text(path.read_text("utf-8").replace("\n[[rule]]", "\n[[rul]]", 1), encoding="utf-8")


def elsewhere(desk: Path) -> None:
    path = desk / "policy.toml"
    first = 'id = "investigations"'
    path.write_text(path.read_text("utf-8").replace(first, f'{first}\ndestinations = ["elsewhere"]'), encoding="utf-8")


FAULTS: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "no settings": (lambda desk: (desk / "sitrep.toml").unlink(), "workspace", "broken", "is no workspace"),
    "a misspelt setting": (lambda desk: settings(desk, "chunksize = 3"), "workspace", "broken", "do you mean chunk_size"),
    "a misspelt setting of a table": (
        lambda desk: (desk / "sitrep.toml").write_text("[review]\nidle_minute = 9\n"), "workspace", "broken",
        "do you mean review.idle_minutes"),
    "a text without quotes": (
        lambda desk: settings(desk, "drop = drop", instead_of='drop = "drop"'), "workspace", "broken", "in quotes"),
    "an old encoding": (
        lambda desk: (desk / "sitrep.toml").write_bytes('drop = "é"'.encode("cp1252")), "workspace", "broken", "not UTF-8"),
    "a policy in an old encoding": (
        lambda desk: (desk / "policy.toml").write_bytes("# é".encode("cp1252")), "policy", "broken", "not UTF-8"),
    "an address that is none": (
        lambda desk: settings(desk, 'database = "sitrep.db"', instead_of='database = "sqlite:///sitrep.db"'),
        "workspace", "broken", "sqlite:///sitrep.db or postgresql"),
    "a schedule that is none": (
        lambda desk: settings(desk, '"at two"', instead_of='"0 2 * * *"'), "workspace", "broken", "five fields"),
    "a time zone that is none": (
        lambda desk: settings(desk, '"Bamako"', instead_of='"UTC"'), "workspace", "broken", "such as Africa/Bamako"),
    "no store": (lambda desk: (desk / "sitrep.db").unlink(), "store", "broken", "`sitrep restore`"),
    "a damaged store": (lambda desk: (desk / "sitrep.db").write_bytes(b"x" * 9000), "store", "broken", "damaged"),
    "older tables": (behind, "store", "broken", "`sitrep upgrade`"),
    "no key": (lambda desk: settings(desk, 'pseudonym_key = "gone"'), "keys", "broken", "no key of pseudonyms"),
    "no policy": (lambda desk: (desk / "policy.toml").unlink(), "policy", "broken", "correct `policy`"),
    "a misspelt rule": (misspelt, "policy", "broken", "rul: Extra inputs"),
    "no model": (lambda desk: settings(desk, 'model = "gone"'), "model", "broken", "no model 'gone'"),
    "no gazetteer": (lambda desk: settings(desk, 'gazetteer = "gone.sqlite"'), "gazetteer", "broken", "no gazetteer at"),
    "an unknown destination": (elsewhere, "deliveries", "broken", "no such destination: elsewhere"),
    "a night that did not end": (begun, "nights", "warning", "has not ended"),
    "a file for a folder": (lambda desk: (desk / "drop").write_text("x"), "folders", "broken", "drop ("),
    "a disk that is not mounted": (
        lambda desk: settings(desk, f'drop = "{desk}/usb/1/drop"', instead_of='drop = "drop"'), "folders", "warning",
        "usb/1/drop"),
    "a clock that went back": (from_the_future, "clock", "broken", "from the future"),
}  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, model: ReportModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace; the model is the shipped one, loaded once."""
    monkeypatch.setattr("models.load", lambda *_, **__: model)
    init_workspace(tmp_path / "desk")
    return tmp_path / "desk"


def faults_of(desk: Path) -> list[Check]:
    open_workspace.cache_clear()
    return [check for check in examine(desk) if check.state != "ok"]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_once_with_its_mend(name: str, desk: Path) -> None:
    make, check, state, words = FAULTS[name]
    make(desk)
    (found,) = faults_of(desk)
    assert (found.name, found.state) == (check, state)
    assert words in found.found


def test_variables_that_are_wrong_are_named_as_what_they_are(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(
        desk, '\n[webhooks.x]\nurl = "https://example.org"\nsecret_env = "SITREP_X_SECRET"', instead_of="\n# [review]"
    )
    monkeypatch.setenv("SITREP_X_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setenv("SITREP_DORP", "drop")
    (found,) = faults_of(desk)
    assert (found.name, found.state) == ("workspace", "warning")
    assert "SITREP_DORP" in found.found
    assert "SITREP_X" not in found.found
    monkeypatch.setenv("SITREP_PRECISION", "fp64")
    (found,) = faults_of(desk)
    assert "SITREP_PRECISION in the environment" in found.found


def test_settings_saved_with_a_mark_of_utf_8_are_read(desk: Path) -> None:
    path = desk / "sitrep.toml"
    path.write_text(path.read_text("utf-8"), encoding="utf-8-sig")
    assert faults_of(desk) == []


def test_a_database_that_does_not_run_is_named_without_its_password(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITREP_DATABASE", f"postgresql://desk:four-horses@/sitrep?host={desk}")
    (found,) = faults_of(desk)
    assert "cannot be reached" in found.found
    assert "horses" not in str(found)


def test_a_full_disk_and_a_store_larger_than_what_is_free(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 2**20})
    monkeypatch.setattr("flows.doctor.shutil.disk_usage", lambda path: usage)
    (found,) = faults_of(desk)
    assert (found.name, found.state) == ("disk", "broken")
