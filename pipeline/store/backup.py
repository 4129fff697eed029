"""Copies of the store: consistent while others write, checked after they are made, never laid over what is there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, func, select

from pipeline.errors import StoreError
from pipeline.store import audit
from pipeline.store.engine import Store, check_store, migrations, open_store, schema_of
from pipeline.store.schema import assessment, queue_item, report
from pipeline.store.sealed import keys_of
from pipeline.store.sealing import idents

MANIFEST = "backup.json"
SQLITE, POSTGRESQL = "sitrep.db", "sitrep.dump"
UNFINISHED = ".unfinished"
"""Beside a backup that is being made, and that was begun in an empty folder: what is there is ours to remove."""
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
    """Copy the store into the new folder and check the copy; StoreError where it does not hold together.

    One that was cut off is made anew.
    """
    unfinished = folder / UNFINISHED
    if unfinished.exists():
        for name in (SQLITE, f"{SQLITE}-journal", POSTGRESQL, MANIFEST):
            (folder / name).unlink(missing_ok=True)
    elif folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty: name a new folder, nothing was written")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished.touch()
    if store.is_sqlite:
        path = folder / SQLITE
        _copy_sqlite(Path(str(store.engine.url.database)), path)
        made = _checked(open_store(f"sqlite:///{path.name}", base=folder.absolute()), path, now)
    else:
        path = folder / POSTGRESQL
        # The counts and the chain are those of a moment before the dump; rows are only ever added to either.
        described = _checked(store, None, now)
        _postgres(store, "pg_dump", "--format=custom", "--no-owner", f"--file={path}", f"--dbname={_url(store)}")
        _postgres(store, "pg_restore", "--list", str(path))
        made = Backup(**{**described.__dict__, "file": path.name, "sha256": _sha256(path)})
    (folder / MANIFEST).write_text(json.dumps(made.__dict__, indent=1) + "\n", encoding="utf-8")
    unfinished.unlink()
    return made


def restore(folder: Path, store: Store) -> Backup:
    """Bring a backup into an empty store's place; StoreError where the copy was altered or something is there already.

    A backup of SQLite comes back to SQLite as the file that it is, to PostgreSQL row by row: so a store moves there.
    """
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
    of_sqlite = made.file.endswith(".db")
    if store.is_sqlite and not of_sqlite:
        raise StoreError("a backup of PostgreSQL comes back to PostgreSQL only: name an empty database in sitrep.toml")
    if store.is_sqlite:
        target = Path(str(store.engine.url.database))
        # SQLite makes an empty file where a command looked for its store, and would play a journal into what is put there.
        for left in (target, *(target.with_name(target.name + end) for end in ("-journal", "-wal"))):
            if left.exists() and left.stat().st_size:
                raise StoreError(f"{left} is there already: move it away first, nothing was changed")
        partial = target.with_name(target.name + ".partial")
        shutil.copyfile(copy, partial)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    else:
        if schema_of(store) is not None:
            raise StoreError("the database holds a store already: name an empty one, nothing was changed")
        if of_sqlite:
            _move(copy, made, store)
        else:
            # As a whole or not at all, so that one that was cut off can be begun again.
            _postgres(store, "pg_restore", "--no-owner", "--single-transaction", f"--dbname={_url(store)}", str(copy))
    found = _checked(store, None, datetime.fromisoformat(made.made_at))
    if found.events < made.events or any(found.counts[name] < count for name, count in made.counts.items()):
        raise StoreError("the restored store holds less than the backup says")
    return made


def _move(copy: Path, made: Backup, store: Store) -> None:
    from pipeline.store.transfer import transfer  # Alembic takes longer to load than most commands run

    if made.migration != migrations()[-1]:
        raise StoreError(
            f"the backup has the tables of another version ({made.migration}): `sitrep upgrade` the SQLite store, back it up "
            "again and bring that here"
        )
    source = open_store(f"sqlite:///{copy.name}", base=copy.parent.absolute())
    try:
        transfer(source, store)
    finally:
        source.dispose()


def _copy_sqlite(source: Path, target: Path) -> None:
    """The online backup of SQLite: a page at a time, begun again where a writer was faster."""
    address = f"{source.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=60)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy, pages=PAGES_AT_A_TIME)
            problem = copy.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"the store at {source} cannot be copied to {target}: {error}") from error
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
    """The database's address without its password: everybody on the machine may read the words of a command."""
    url = store.engine.url
    without = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return without.render_as_string()


def _postgres(store: Store, *command: str) -> None:
    """Run a program of PostgreSQL's. Of its words only the error itself is told: what follows may quote a row."""
    password = store.engine.url.password
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    programs: dict[str, Any] = {"capture_output": True, "text": True, "check": False, "env": environment}
    found = shutil.which(command[0]) or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{command[0]}"), reverse=True)), None
    )
    if found is None:
        raise StoreError(f"{command[0]} is not installed: install PostgreSQL's client programs")
    done = subprocess.run([found, *command[1:]], **programs)
    if done.returncode != 0:
        words = next((line for line in done.stderr.splitlines() if "error:" in line), "it did not say why")
        raise StoreError(f"{command[0]} failed: {words}")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
