"""What `sitrep doctor` looks at; each check says how to mend what it finds."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from flows.console import waiting_reports
from flows.workspace import Workspace, open_workspace, utc_now
from pipeline.errors import SitrepError
from pipeline.settings import SETTINGS_FILE, strange_variables

State = Literal["ok", "warning", "broken"]
NIGHT_IS_LATE = timedelta(hours=26)


@dataclass(frozen=True)
class Check:
    name: str
    state: State
    found: str
    mend: str = ""


def examine(folder: Path) -> list[Check]:
    """All checks, in an order in which a first failure explains the later ones."""
    try:
        opened = open_workspace(folder)
    except SitrepError as error:
        mend = "correct that line" if (folder / SETTINGS_FILE).exists() else "sitrep init"
        return [Check("workspace", "broken", str(error), mend), _prefect()]
    checks, said = [_workspace(opened)], set[str]()
    for look in (
        _store, _encryption, _audit, _keys, _policy, _model, _gazetteer, _queues, _deliveries, _mailbox, _nights, _folders,
        _disk, _clock,
    ):  # fmt: skip
        try:
            checks.append(look(opened))
        except SitrepError as error:
            if str(error) not in said:  # one fault stops several checks: it is told once
                checks.append(Check(look.__name__.strip("_"), "broken", str(error)))
            said.add(str(error))
    return [*checks, _prefect()]


def _workspace(opened: Workspace) -> Check:
    strange = strange_variables(opened.settings)
    if strange:
        found = f"no settings, and not heeded: {', '.join(strange)} in the environment"
        return Check("workspace", "warning", found, "correct their names; tables are set in sitrep.toml only")
    return Check("workspace", "ok", str(opened.settings.workspace.absolute()))


def _store(opened: Workspace) -> Check:
    from pipeline.store.engine import check_store, wal_is_safe

    found = f"{opened.store.engine.dialect.name}, schema {check_store(opened.store)}"
    if opened.store.is_sqlite:
        journal = (
            "write-ahead log" if wal_is_safe() else "rollback journal: 3.51.3 mends a fault of the write-ahead log"
        )
        found += f"; SQLite {sqlite3.sqlite_version}, {journal}"
    return Check("store", "ok", found)


def _encryption(opened: Workspace) -> Check:
    from flows.encryption import status

    found = status(opened)
    if found.key is None and not found.earlier:
        return Check("encryption", "ok", "words are not encrypted", "keep the store on an encrypted disk")
    under = f"under key {found.key}" if found.key else "not encrypted"
    if found.left:
        on = "rotate" if found.key else "off"
        mend = f"sitrep encryption {'on' if None in found.earlier else on}"
        return Check("encryption", "warning", f"{found.left:,} rows are not yet {under}", mend)
    if found.newest != found.key:
        mend = "sitrep encryption rotate"
        return Check("encryption", "warning", f"all words are {under}; the key file has a newer one", mend)
    return Check("encryption", "ok", f"all words are {under}, the newest")


def _audit(opened: Workspace) -> Check:
    from flows.custody import check_chain

    found, signed = check_chain(opened)
    if found.broken_at:
        return Check("audit chain", "broken", f"event {found.broken_at} {found.problem}", "compare with a backup")
    mend = "" if signed else "let the nightly run sign it: sitrep audit key"
    return Check("audit chain", "ok", f"{found.events:,} events hold together, {len(signed):,} signed heads", mend)


def _keys(opened: Workspace) -> Check:
    from pipeline.custody import heads, pseudonyms

    audit, pseudonym_key = opened.settings.audit, opened.settings.pseudonym_key
    if audit.key_file:
        heads.load_key(opened.settings.path(audit.key_file))
        if audit.name is None:
            return Check("keys", "broken", "[audit] has a key_file but no name", "give the desk's name, as name = …")
    if pseudonym_key:
        pseudonyms.load_key(opened.settings.path(pseudonym_key))
    named = [name for name, file in (("audit", audit.key_file), ("pseudonyms", pseudonym_key)) if file]
    return Check("keys", "ok", f"read: {', '.join(named)}" if named else "none is configured")


def _policy(opened: Workspace) -> Check:
    return Check(
        "policy",
        "ok",
        f"version {opened.policy.version}, {len(opened.policy.queues)} queues, {len(opened.policy.rules)} rules",
    )


def _model(opened: Workspace) -> Check:
    import models

    loaded = models.load(opened.model_folder, device=opened.settings.device, precision=opened.settings.precision)
    loaded.read(["Nothing to report."])
    return Check("model", "ok", f"{loaded.version} on {type(loaded).__module__.rpartition('.')[2]}")


def _gazetteer(opened: Workspace) -> Check:
    from pipeline.extract import Extractor

    path = opened.settings.path(opened.settings.gazetteer) if opened.settings.gazetteer else None
    gazetteer = Extractor(path).gazetteer
    mend = "" if path else "import a GeoNames dump for villages and camps: see the README"
    return Check("gazetteer", "ok", str(gazetteer.path), mend)


def _queues(opened: Workspace) -> Check:
    from pipeline.store import queues, reports

    with opened.store.read() as connection:
        waiting = reports.pending_count(connection)
        summaries = queues.summaries(connection, now=utc_now())
    over = [q.id for q in opened.policy.queues if q.id in summaries and q.over_limit(summaries[q.id].open)]
    if over:
        return Check("queues", "warning", f"over their limit: {', '.join(over)}", "more people, or another policy")
    return Check("queues", "ok", waiting_reports(waiting), "sitrep run" if waiting else "")


def _deliveries(opened: Workspace) -> Check:
    from pipeline.store import circuits, outbox

    missing = {name for queue in opened.policy.queues for name in queue.destinations} - opened.destinations.keys()
    if missing:
        mend = "name them in sitrep.toml, or take them out of the policy"
        return Check("deliveries", "broken", f"no such destination: {', '.join(sorted(missing))}", mend)
    with opened.store.read() as connection:
        counts, troubled = outbox.counts(connection), circuits.troubled(connection)
    found = f"{counts.get('owed', 0):,} owed, {counts.get('dead', 0):,} dead letters"
    if troubled:
        found += "; failing: " + ", ".join(f"{c.destination} since {c.failing_since:%Y-%m-%d %H:%M}" for c in troubled)
    if troubled or counts.get("dead"):
        mend = "sitrep deliveries list says why; mend the destination, then sitrep deliveries replay"
        return Check("deliveries", "warning", found, mend)
    return Check("deliveries", "ok", found, "sitrep deliver" if counts.get("owed") else "")


def _mailbox(opened: Workspace) -> Check:
    from flows.mail import mailbox_of

    if opened.settings.imap is None:
        return Check("mailbox", "ok", "none is configured")
    try:
        with mailbox_of(opened, opened.settings.imap) as mailbox:
            waiting = len(mailbox.unseen())
    except SitrepError as error:
        return Check("mailbox", "broken", str(error), "mend [imap] in sitrep.toml; the mails wait unseen")
    return Check("mailbox", "ok", f"{waiting:,} unseen mails in {opened.settings.imap.folder}")


def _nights(opened: Workspace) -> Check:
    from pipeline.store import nights

    with opened.store.read() as connection:
        last, unfinished = nights.last_finished(connection), nights.unfinished(connection)
    if unfinished:
        mend = "unless one runs just now: sitrep nightly --once"
        return Check("nights", "warning", "the newest night was begun and has not ended", mend)
    if last is None:
        return Check("nights", "ok", "none was run yet", "sitrep nightly --once, or --serve")
    late = utc_now() - last.finished_at > NIGHT_IS_LATE
    mend = "see `The scheduled night does not come` in docs/runbook.md" if late else ""
    return Check("nights", "warning" if late else "ok", f"the last ended {last.finished_at:%Y-%m-%d %H:%M} UTC", mend)


def _folders(opened: Workspace) -> Check:
    """Those that a night writes to; one that is not there yet is made."""
    settings, wrong, away = opened.settings, [], []
    for name in ("drop", "outbox", "digests", "backups"):
        if getattr(settings, name) is not None:
            path = settings.path(getattr(settings, name))
            there = next(p for p in (path, *path.absolute().parents) if p.exists())
            if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
                wrong.append(f"{name} ({path})")
            elif there not in (path, path.absolute().parent):
                away.append(f"{name} ({path})")
    if wrong:
        return Check(
            "folders", "broken", f"cannot be written to: {', '.join(wrong)}", "correct sitrep.toml, or the rights"
        )
    if away:
        return Check(
            "folders",
            "warning",
            f"neither there nor the folder that it is in: {', '.join(away)}",
            "is the disk mounted? else correct sitrep.toml",
        )
    return Check("folders", "ok", "drop, outbox, digests" + (", backups" if settings.backups else ""))


def _prefect() -> Check:
    try:
        found = f"prefect {version('prefect')}, fastapi {version('fastapi')}, SQLAlchemy {version('sqlalchemy')}"
    except PackageNotFoundError as error:
        return Check("prefect", "broken", f"{error.name} is missing", "install Sitrep with its dependencies")
    if not version("sqlalchemy").startswith("2.0."):
        return Check("prefect", "broken", found, "install sqlalchemy<2.1: with later ones schedules never fire")
    minor = int(version("fastapi").split(".")[1])
    if minor >= 151:
        return Check("prefect", "broken", found, "install fastapi<0.151: with later ones flows do not start")
    return Check("prefect", "ok", found)


def _disk(opened: Workspace) -> Check:
    store = Path(opened.store.engine.url.database or "") if opened.store.is_sqlite else None
    free = shutil.disk_usage(store.parent if store else opened.settings.workspace.absolute()).free
    held = store.stat().st_size if store and store.exists() else 0
    found = f"{free / 2**30:.1f} GiB free"
    if held > free:
        found += f", the store takes {held / 2**30:.1f} GiB: erasing and upgrading need as much again"
    state: State = "broken" if free < 2**28 else "warning" if free < 2 * 2**30 or held > free else "ok"
    return Check("disk", state, found, "" if state == "ok" else "make room")


def _clock(opened: Workspace) -> Check:
    from pipeline.store import batches

    now = datetime.now(UTC)
    with opened.store.read() as connection:
        recent = batches.recent(connection, limit=1)
        last = batches.receipt(connection, recent[0]).submitted_at if recent else None
    if last and last > now:
        return Check(
            "clock", "broken", f"the latest batch is from the future ({last:%Y-%m-%d %H:%M} UTC)", "set the clock"
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")
