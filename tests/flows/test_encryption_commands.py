"""`sitrep encryption` from the first key to the next, and what `sitrep doctor` says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.doctor import _encryption
from flows.workspace import open_workspace, utc_now
from pipeline.custody import resealing
from pipeline.custody.keyring import Keyring, add_key
from pipeline.errors import ConfigurationError, SitrepError, StoreError
from tests.custody.test_encryption import TODAY

Run = Callable[..., Any]
WORD = "zorvathquell"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return tmp_path / "desk"


@pytest.fixture
def run(desk: Path) -> Run:
    """Run a command on a desk with a report, as a process of its own would: what it prints as JSON."""
    runner = CliRunner()

    def running(*arguments: str, code: int = 0) -> Any:
        open_workspace.cache_clear()
        place = [] if arguments[0] == "init" else ["--workspace", str(desk)]
        result = runner.invoke(app, [*arguments, *place, "--json"])
        if isinstance(result.exception, SitrepError):
            raise result.exception
        assert result.exit_code == code, result.output + repr(result.exception)
        return json.loads(result.stdout)

    running("init", str(desk))
    (desk / "r.jsonl").write_text(json.dumps({"id": "A1", "text": f"The {WORD} was seen near Gao."}) + "\n")
    running("submit", str(desk / "r.jsonl"))
    return running


def said(desk: Path) -> tuple[str, str, str]:
    """What the doctor says of the encryption: state, finding, mend."""
    open_workspace.cache_clear()
    found = _encryption(open_workspace(desk))
    return found.state, found.found, found.mend


def test_from_the_first_key_to_the_next_and_back(run: Run, desk: Path, tmp_path: Path) -> None:
    def clear() -> bool:
        return WORD in (desk / "sitrep.db").read_bytes().decode("latin-1")

    assert said(desk) == ("ok", "words are not encrypted", "keep the store on an encrypted disk")
    with pytest.raises(ConfigurationError, match="sitrep encryption key FILE"):
        run("encryption", "on")
    with pytest.raises(ConfigurationError, match="beside what it is to protect"):
        run("encryption", "key", str(desk / "store.keys"))
    path = tmp_path / "elsewhere" / "store.keys"
    first = run("encryption", "key", str(path))
    plain = (desk / "sitrep.toml").read_text(encoding="utf-8")
    (desk / "sitrep.toml").write_text(plain + first["settings"], encoding="utf-8")
    with pytest.raises(ConfigurationError, match="sitrep encryption on"):
        run("encryption", "rotate")
    assert clear()

    assert run("encryption", "on")["key"] == first["key"]
    assert not clear()
    assert run("encryption", "on")["rows"] == 0
    assert said(desk) == ("ok", f"all words are under key {first['key']}, the newest", "")
    assert WORD in json.dumps(run("show", "A1"))
    backup = run("backup", str(tmp_path / "copy"))
    assert backup["keys"] == [first["key"]]

    second = run("encryption", "rotate")
    assert second["key"] == Keyring(path).newest.ident != first["key"]
    assert second["rows"] > 0
    (desk / "sitrep.toml").write_text(plain, encoding="utf-8")
    with pytest.raises(StoreError, match="name the file of its keys"):
        run("queues")
    (desk / "sitrep.toml").write_text(plain + first["settings"], encoding="utf-8")

    add_key(path, today=TODAY)
    state, found, mend = said(desk)
    assert (state, mend) == ("warning", "sitrep encryption rotate")
    assert "the key file has a newer one" in found
    # A rotation that was cut off after its first step: what is done is said, and no third key is made.
    resealing.begin(open_workspace(desk).store, Keyring(path).newest, now=utc_now(), actor="op")
    state, found, mend = said(desk)
    assert (state, mend) == ("warning", "sitrep encryption rotate")
    assert "rows are not yet under key" in found
    assert run("encryption", "rotate")["key"] == Keyring(path).newest.ident
    assert len(path.read_text().splitlines()) == 3
    assert said(desk)[0] == "ok"

    assert run("encryption", "off")["key"] is None
    assert clear()
    assert WORD in json.dumps(run("show", "A1"))
