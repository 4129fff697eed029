"""Copies of the store: consistent while others write, checked after they are made, never laid over what is there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from pipeline.errors import StoreError
from pipeline.store import audit
from pipeline.store.engine import Store, check_store, open_store
from pipeline.store.schema import assessment, queue_item, report
from pipeline.store.sealed import keys_of
from pipeline.store.sealing import idents

MANIFEST = "backup.json"
COUNTED = {"reports": report, "assessments": assessment, "items": queue_item}
PAGES_AT_A_TIME = 2000


@dataclass(frozen=True)
class Backup:
    """What a backup holds; `file` is relative to its folder, `keys` are those that its words are encrypted under."""

    file: str
    sha256: str
    made_at: str
    migration: str
    events: int
    head: str
    counts: dict[str, int]
    keys: list[str] = field(default_factory=list)


def backup(store: Store, folder: Path, *, now: datetime) -> Backup:
    """Copy the store into the new folder and check the copy; StoreError where it does not hold together."""
    if folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty: name a new folder, nothing was written")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if store.is_sqlite:
        path = folder / "sitrep.db"
        _copy_sqlite(Path(str(store.engine.url.database)), path)
        made = _checked(open_store(f"sqlite:///{path.absolute()}"), path, now)
    else:
        path = folder / "sitrep.dump"
        # The counts and the chain are those of a moment before the dump; rows are only ever added to either.
        described = _checked(store, None, now)
        _postgres("pg_dump", "--format=custom", "--no-owner", f"--file={path}", _url(store))
        _postgres("pg_restore", "--list", str(path))
        made = Backup(**{**described.__dict__, "file": path.name, "sha256": _sha256(path)})
    (folder / MANIFEST).write_text(json.dumps(made.__dict__, indent=1) + "\n", encoding="utf-8")
    return made


def restore(folder: Path, store: Store) -> Backup:
    """Bring a backup into an empty store's place; StoreError where the copy was altered or something is there already."""
    try:
        made = Backup(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise StoreError(f"{folder}: no backup is there, or {MANIFEST} cannot be read") from error
    copy = folder / made.file
    if not copy.is_file() or _sha256(copy) != made.sha256:
        raise StoreError(f"{copy} is not what {MANIFEST} says: it was altered or damaged")
    at_hand = keys_of(store.engine.dialect)
    if missing := at_hand.missing(made.keys) if at_hand else made.keys:
        raise StoreError(
            f"the backup is encrypted under {', '.join(missing)}, and that key is not at hand: bring its file back and name "
            "it as key_file under [encryption] in sitrep.toml; nothing was changed"
        )
    if store.is_sqlite:
        target = Path(str(store.engine.url.database))
        if target.exists() and target.stat().st_size:  # SQLite makes an empty file where a command looked for its store
            raise StoreError(f"{target} is there already: move it away first, nothing was changed")
        partial = target.with_name(target.name + ".partial")
        shutil.copyfile(copy, partial)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    else:
        try:
            check_store(store)
        except StoreError:
            _postgres("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={_url(store)}", str(copy))
        else:
            raise StoreError("the database holds a store already: name an empty one, nothing was changed")
    found = _checked(store, None, datetime.fromisoformat(made.made_at))
    if found.events < made.events or any(found.counts[name] < count for name, count in made.counts.items()):
        raise StoreError("the restored store holds less than the backup says")
    return made


def _copy_sqlite(source: Path, target: Path) -> None:
    """The online backup of SQLite: a page at a time, begun again where a writer was faster."""
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60) as live, sqlite3.connect(target) as copy:
        live.backup(copy, pages=PAGES_AT_A_TIME)
        problem = copy.execute("PRAGMA integrity_check").fetchone()[0]
    copy.close()
    live.close()
    if problem != "ok":
        raise StoreError(f"the copy of the store is damaged ({problem}): see `sitrep doctor`")


def _checked(store: Store, path: Path | None, now: datetime) -> Backup:
    """What a store holds, its chain walked through."""
    migration = check_store(store)
    with store.read() as connection:
        chain, keys = audit.verify(connection), idents(connection)
        counts = {
            name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for name, table in COUNTED.items()
        }
    if path is not None:
        store.dispose()
    if chain.broken_at is not None:
        raise StoreError(f"the audit chain is broken at event {chain.broken_at}: see `sitrep audit verify`")
    name, digest = (path.name, _sha256(path)) if path else ("", "")
    return Backup(name, digest, now.isoformat(), migration, chain.events, chain.head, counts, keys)


def _url(store: Store) -> str:
    return store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _postgres(*command: str) -> None:
    """Run a program of PostgreSQL's; its words may name tables, never rows."""
    programs: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
    found = shutil.which(command[0]) or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{command[0]}"), reverse=True)), None
    )
    if found is None:
        raise StoreError(f"{command[0]} is not installed: install PostgreSQL's client programs")
    done = subprocess.run([found, *command[1:]], **programs)
    if done.returncode != 0:
        raise StoreError(
            f"{command[0]} failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no words'}"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
