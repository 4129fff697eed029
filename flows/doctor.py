"""What `sitrep doctor` looks at; each check says how to mend what it finds."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from flows.workspace import Workspace, open_workspace, utc_now
from pipeline.errors import SitrepError

State = Literal["ok", "warning", "broken"]


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
        return [Check("workspace", "broken", str(error), "sitrep init"), _prefect(), _disk(folder)]
    checks = [Check("workspace", "ok", str(folder.absolute()))]
    for look in (_store, _audit, _policy, _model, _gazetteer, _queues, _deliveries, _mailbox):
        try:
            checks.append(look(opened))
        except SitrepError as error:
            checks.append(Check(look.__name__.strip("_"), "broken", str(error)))
    return [*checks, _sqlite(), _prefect(), _disk(folder), _clock(opened)]


def _store(opened: Workspace) -> Check:
    from pipeline.store.engine import check_store

    return Check("store", "ok", f"{opened.store.engine.dialect.name}, schema {check_store(opened.store)}")


def _audit(opened: Workspace) -> Check:
    from flows.custody import check_chain

    found, signed = check_chain(opened)
    if found.broken_at:
        return Check("audit chain", "broken", f"event {found.broken_at} {found.problem}", "compare with a backup")
    mend = "" if signed else "let the nightly run sign it: sitrep audit key"
    return Check("audit chain", "ok", f"{found.events:,} events hold together, {len(signed):,} signed heads", mend)


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
    return Check("queues", "ok", f"{waiting:,} reports wait for triage", "sitrep run" if waiting else "")


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


def _sqlite() -> Check:
    from pipeline.store.engine import wal_is_safe

    if wal_is_safe():
        return Check("sqlite", "ok", f"{sqlite3.sqlite_version}, write-ahead log")
    return Check(
        "sqlite",
        "ok",
        f"{sqlite3.sqlite_version}: rollback journal, since 3.51.3 mends the write-ahead log's reset bug",
    )


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


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder.absolute() if folder.exists() else Path.cwd()).free
    state: State = "ok" if free > 2 * 2**30 else "warning" if free > 2**28 else "broken"
    return Check("disk", state, f"{free / 2**30:.1f} GiB free", "" if state == "ok" else "make room")


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
