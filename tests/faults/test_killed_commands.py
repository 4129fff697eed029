"""kill -9 before an effect of a command, and the command again: nothing lost, the chain whole, no word left behind.

An effect is a statement that reaches SQLite, those inside of a VACUUM among them, or a file that is opened to be written,
moved or removed. The command runs in a child, which is killed before the effect of a number: a few numbers are drawn, and
the last three are always among them. SITREP_KILLS says how many to draw.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from flows import encryption
from flows.commands.erasure import erase
from flows.custody import altered_rows, check_chain, sign_head
from flows.nightly import retain_task
from flows.workspace import Workspace, init_workspace, utc_now
from models.promotion import champion_folder, history, promote
from models.registry import find
from pipeline.custody.heads import make_key
from pipeline.custody.keyring import make_keyring
from pipeline.errors import NotFound, StoreError
from pipeline.extract import Extractor
from pipeline.extract.gazetteer.geonames import import_geonames
from pipeline.route import load_policy
from pipeline.settings import load_settings
from pipeline.store import Store, open_store, reports
from pipeline.store.backup import backup, restore
from pipeline.store.engine import migrations, schema_of
from pipeline.store.migrate import upgrade
from pipeline.store.schema import report
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import Rooms
from tests.custody.test_erasure import CANARIES, IDENT, OTHER, STORY, live
from tests.custody.test_proof import ticking
from tests.extract.test_gazetteer import dump
from tests.faults.rounds import StandIn

DRAWN = int(os.environ.get("SITREP_KILLS", "3"))
FILES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate"})
WRITES = os.O_WRONLY | os.O_RDWR
fork = get_context("fork")
Act = Callable[[Path], Any]


def killed_at(step: int | None, act: Act, folder: Path) -> int:
    """Run a command in a child that is killed before its effect number `step`, from 1; how many effects it had."""
    ours, theirs = fork.Pipe(duplex=False)

    def child() -> None:
        done = 0

        def effect(*_: object) -> None:
            nonlocal done
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)

        def files(name: str, given: tuple[Any, ...]) -> None:
            if name in FILES or (name == "open" and isinstance(given[2], int) and given[2] & WRITES):
                effect()

        def connect(*given: Any, **named: Any) -> sqlite3.Connection:
            connection = connect_untold(*given, **named)
            connection.set_trace_callback(effect)
            return connection

        connect_untold = sqlite3.connect
        sqlite3.connect = sqlite3.dbapi2.connect = connect  # of the child alone
        sys.addaudithook(files)
        act(folder)
        theirs.send(done)

    process = fork.Process(target=child)
    process.start()
    process.join()
    if step is not None:
        assert process.exitcode == -signal.SIGKILL, f"effect {step} was never reached"
        return step
    assert process.exitcode == 0
    return int(ours.recv())


def struck(made: Path, folder: Path, act: Act, check: Act) -> None:
    """Copies of a folder in which the command is killed, made again, and looked at."""
    shutil.copytree(made, whole := folder / "whole")
    last = killed_at(None, act, whole)
    check(whole)
    steps = {*random.Random(last).sample(range(1, last + 1), min(DRAWN, last)), *range(max(1, last - 2), last + 1)}
    for step in sorted(steps):
        shutil.copytree(made, copy := folder / str(step))
        killed_at(step, act, copy)
        killed_at(None, act, copy)
        check(copy)
        shutil.rmtree(copy)


def at(folder: Path) -> Workspace:
    return Workspace(load_settings(folder / "desk"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk with three reports at all stages, keys for it outside, and nothing encrypted or signed yet."""
    folder = tmp_path_factory.mktemp("made")
    init_workspace(desk := folder / "desk")
    make_keyring(folder / "keys" / "store.keys", today=utc_now().date())
    verifier = make_key(folder / "keys" / "audit.pem", name="desk.example.org")
    settings = desk / "sitrep.toml"
    settings.write_text(
        f'retention_days = 30\n{settings.read_text()}\n[encryption]\nkey_file = "../keys/store.keys"\n'
        f'[audit]\nname = "desk.example.org"\nkey_file = "../keys/audit.pem"\nverifiers = ["{verifier}"]\n'
    )
    store = at(folder).store
    live(store, Rooms(StandIn(), Extractor(), load_policy(), load_taxonomy()), folder, ticking())
    store.dispose()
    return folder


def look(folder: Path, *, texts: set[str], gone: tuple[str, ...] = ()) -> None:
    """The chain holds and speaks of these rows; these texts are there; these words are in no byte of the store."""
    opened = at(folder)
    assert check_chain(opened)[0].broken_at is None
    assert altered_rows(opened) == []
    assert not opened.store.owes_compaction
    with opened.store.read() as connection:
        assert {*connection.scalars(select(report.c.text))} == texts
    opened.store.dispose()
    found = b"".join(path.read_bytes() for path in (folder / "desk").glob("sitrep.db*")).lower()
    assert [word for word in gone if word.encode() in found] == []


def test_words_are_encrypted_and_none_is_left_in_clear(made: Path, tmp_path: Path) -> None:
    def act(folder: Path) -> None:
        encryption.switch_on(at(folder), actor="op", progress=lambda rows: None)

    def check(folder: Path) -> None:
        look(folder, texts={STORY, OTHER}, gone=CANARIES)
        assert encryption.status(at(folder)).left == 0

    struck(made, tmp_path, act, check)


def test_keys_are_rotated(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, encrypted := tmp_path / "encrypted")
    encryption.switch_on(at(encrypted), actor="op", progress=lambda rows: None)

    def act(folder: Path) -> None:
        encryption.rotate(at(folder), actor="op", progress=lambda rows: None)

    def check(folder: Path) -> None:
        look(folder, texts={STORY, OTHER}, gone=CANARIES)
        found = encryption.status(at(folder))
        assert (found.left, found.earlier, found.key) == (0, (), found.newest)

    struck(encrypted, tmp_path, act, check)


def test_a_report_is_erased_and_no_page_keeps_it(made: Path, tmp_path: Path) -> None:
    def act(folder: Path) -> None:
        with suppress(NotFound):  # by the submitter's id it is found once
            erase([IDENT], why="request 1", workspace=folder / "desk", as_json=True)

    struck(made, tmp_path, act, lambda folder: look(folder, texts={"", OTHER}, gone=(STORY[:40].lower(),)))


def test_what_is_too_old_is_erased_by_the_night(made: Path, tmp_path: Path) -> None:
    struck(
        made, tmp_path, lambda folder: retain_task.fn(str(folder / "desk")),
        lambda folder: look(folder, texts={""}, gone=CANARIES),
    )  # fmt: skip


def test_the_chain_is_signed(made: Path, tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        found, heads = check_chain(at(folder))
        assert (found.broken_at, len(heads)) == (None, 1)

    struck(made, tmp_path, lambda folder: sign_head(at(folder)), check)


def test_a_backup_is_made_and_brought_back(made: Path, tmp_path: Path) -> None:
    def act(folder: Path) -> None:
        if not (folder / "backup" / "backup.json").exists() or (folder / "backup" / ".unfinished").exists():
            backup(at(folder).store, folder / "backup", now=utc_now())

    def check(folder: Path) -> None:
        assert {path.name for path in (folder / "backup").iterdir()} == {"sitrep.db", "backup.json"}
        (folder / "desk" / "sitrep.db").unlink()
        restore(folder / "backup", open_store("sqlite:///sitrep.db", base=folder / "desk"))
        look(folder, texts={STORY, OTHER})

    struck(made, tmp_path, act, check)


def test_a_store_is_restored(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, lost := tmp_path / "lost")
    backup(at(lost).store, lost / "backup", now=utc_now())
    (lost / "desk" / "sitrep.db").unlink()

    def act(folder: Path) -> None:
        with suppress(StoreError):  # it was back already
            restore(folder / "backup", open_store("sqlite:///sitrep.db", base=folder / "desk"))

    struck(lost, tmp_path, act, lambda folder: look(folder, texts={STORY, OTHER}))


def test_an_old_store_is_brought_up_to_date(tmp_path: Path) -> None:
    (old := tmp_path / "old").mkdir()
    upgrade(store := open_store("sqlite:///sitrep.db", base=old), revision=migrations()[3])
    store.dispose()

    def opened(folder: Path) -> Store:
        return open_store("sqlite:///sitrep.db", base=folder)

    def check(folder: Path) -> None:
        assert schema_of(opened(folder)) == migrations()[-1]
        with opened(folder).read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            assert reports.pending_count(connection) == 0

    struck(old, tmp_path, lambda folder: upgrade(opened(folder)), check)


def test_a_gazetteer_is_imported(tmp_path: Path) -> None:
    (empty := tmp_path / "empty").mkdir()
    source = dump(tmp_path)
    import_geonames(source, out=tmp_path / "whole.sqlite")

    def content(path: Path) -> list[Any]:
        with closing(sqlite3.connect(path)) as connection:
            return [
                connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()
                for table in ("place", "name", "sound")
            ]

    def check(folder: Path) -> None:
        assert content(folder / "g.sqlite") == content(tmp_path / "whole.sqlite")
        assert [path.name for path in folder.iterdir()] == ["g.sqlite"]

    struck(empty, tmp_path, lambda folder: import_geonames(source, out=folder / "g.sqlite"), check)


def test_a_version_is_promoted(tmp_path: Path) -> None:
    (empty := tmp_path / "empty").mkdir()
    name = find(None).name

    def act(folder: Path) -> None:
        promote(name, models=folder, score=lambda version: {}, who="A. Okoye", why="a test", now=utc_now())

    def check(folder: Path) -> None:
        assert {entry.name for entry in history(folder)} == {name}
        assert champion_folder(folder) == find(None)

    struck(empty, tmp_path, act, check)
