"""The night: collect what was dropped and mailed, triage, deliver, erase what is too old, sign, back up, write the digest.

A night has a key, its date; a night that was finished is not run again, one that was cut off goes on where it stopped.
One night at a time: a second run waits for the first. A dropped file is moved to `done` only after its rows are stored,
so that a crash leaves it where it is, and taking it in again goes on with the same batch.
"""

from __future__ import annotations

import fcntl
import logging
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows import telemetry
from flows.custody import check_chain, sign_head
from flows.digests import digest_of
from flows.drift import compare_periods
from flows.mail import collect_mail
from flows.triage import Counts, triage
from flows.workspace import Workspace, open_workspace, utc_now
from pipeline.custody.erasure import expire
from pipeline.deliver import deliver
from pipeline.digest import as_html, as_markdown
from pipeline.errors import ConfigurationError, MailboxError
from pipeline.store import nights, tokens, work
from pipeline.store.backup import backup
from pipeline.submit import submit
from pipeline.taxonomy import load_taxonomy

logger = logging.getLogger(__name__)
NAME_BYTES = 255
"""What Linux takes of a file's name (NAME_MAX)."""


def night_of(moment: datetime, *, zone: str) -> str:
    """The key of a night: its date in the operator's time zone."""
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()


@task(name="collect", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE, persist_result=False)
def collect_task(workspace: str, night: str) -> Counts:
    """Take in each file or folder in the drop folder as a batch of its own; counts."""
    opened = open_workspace(Path(workspace))
    drop = opened.settings.path(opened.settings.drop)
    done = drop / "done" / night
    counts = {"batches": 0, "received": 0, "quarantined": 0}
    for path in sorted(drop.iterdir()) if drop.is_dir() else []:
        if path.name in ("done",) or path.name.startswith((".", "~$")) or path.name.endswith((".part", ".tmp")):
            continue
        receipt = submit(
            opened.store, [path], now=utc_now, limits=opened.limits, actor="nightly",
            threshold=opened.settings.near_duplicate_threshold,
        )  # fmt: skip
        done.mkdir(parents=True, exist_ok=True)
        path.rename(done / _kept_as(receipt.batch, path.name))
        counts["batches"] += 1
        counts["received"] += receipt.received
        counts["quarantined"] += receipt.quarantined
    telemetry.count(counts)
    return counts


@task(name="collect-mail", cache_policy=NO_CACHE, persist_result=False)
def collect_mail_task(workspace: str) -> Counts:
    """Take in the mailbox's unseen mails; where it fails they stay unseen, and the night goes on and says so."""
    opened = open_workspace(Path(workspace))
    counts = {"batches": 0, "received": 0, "quarantined": 0, "mailbox_failed": 0}
    if opened.settings.imap is None:
        return counts
    try:
        return counts | collect_mail(opened, opened.settings.imap)
    except (MailboxError, ConfigurationError) as error:
        logger.error("%s", error)
        return counts | {"mailbox_failed": 1}


@task(name="deliver", cache_policy=NO_CACHE, persist_result=False)
def deliver_task(workspace: str) -> Counts:
    """Send what the queues owe; what fails stays owed and is no failure of the night."""
    opened = open_workspace(Path(workspace))
    sent = deliver(
        opened.store,
        opened.destinations,
        policy=opened.policy,
        taxonomy=load_taxonomy(),
        now=utc_now,
        rng=random.Random(),
    )
    counts = {"sent": sent.sent, "failed": sent.failed, "owed": sent.owed, "dead": sent.dead}
    telemetry.count(counts)
    return counts


@task(name="check-chain", cache_policy=NO_CACHE, persist_result=False)
def check_chain_task(workspace: str) -> Counts:
    """Check the audit chain: how many events it has, and the number of the first broken one, or 0."""
    chain, _ = check_chain(open_workspace(Path(workspace)))
    return {"events": chain.events, "broken_at": chain.broken_at or 0}


@task(name="digest", cache_policy=NO_CACHE, persist_result=False)
def digest_task(workspace: str, night: str, since: str, until: str, chain: str) -> str:
    """Write the digest as HTML; what the check of the chain said is in it. Returns it in short, as Markdown."""
    opened = open_workspace(Path(workspace))
    with opened.store.write() as connection:
        work.expire(connection, now=utc_now())
    digest = digest_of(opened, since=datetime.fromisoformat(since), until=datetime.fromisoformat(until))
    drift = compare_periods(opened, until=datetime.fromisoformat(until), settings=opened.settings.drift).found
    folder = opened.settings.path(opened.settings.digests)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{night}.html"
    partial.write_text(as_html(digest, chain=chain, drift=drift), encoding="utf-8")
    partial.replace(folder / f"{night}.html")
    return as_markdown(digest, drift=drift)


@task(name="retain", cache_policy=NO_CACHE, persist_result=False)
def retain_task(workspace: str) -> Counts:
    """Forget what is kept for a time: the API's answers, and, where the settings say how long, reports' words; counts."""
    opened, now = open_workspace(Path(workspace)), utc_now()
    with opened.store.write() as connection:
        tokens.forget_answers(connection, now=now)
    days, erased = opened.settings.retention_days, 0
    if days is not None:
        erased = expire(opened.store, before=now - timedelta(days=days), now=now).erased
    if erased or opened.store.owes_compaction:
        opened.store.compact()
    return {"erased": erased}


@task(name="sign", cache_policy=NO_CACHE, persist_result=False)
def sign_task(workspace: str) -> None:
    """Sign the audit chain as it stands, where the settings name a key for it."""
    opened = open_workspace(Path(workspace))
    if opened.settings.audit.key_file:
        sign_head(opened)


@task(name="backup", cache_policy=NO_CACHE, persist_result=False)
def backup_task(workspace: str, night: str) -> None:
    """A checked copy of the store, where the settings name a folder for it; one that was cut off is made anew."""
    opened = open_workspace(Path(workspace))
    if opened.settings.backups is None:
        return
    folder = opened.settings.path(opened.settings.backups)
    partial = folder / f".{night}"
    shutil.rmtree(partial, ignore_errors=True)
    if not (folder / night).exists():
        backup(opened.store, partial, now=utc_now())
        partial.rename(folder / night)


@flow(name="nightly", persist_result=False, result_serializer="json")
async def nightly(workspace: str, night: str | None = None) -> dict[str, Any]:
    """Run a night; its counts. `night` is its key, by default today's date in the operator's time zone."""
    opened = open_workspace(Path(workspace))
    night = night or night_of(utc_now(), zone=opened.settings.time_zone)
    with telemetry.run("nightly"), _one_at_a_time(opened):
        with opened.store.write() as connection:
            begun = nights.begin(connection, night, now=utc_now())
        if begun.counts is not None:
            return {"night": night, **begun.counts, "already_done": True}
        dropped, mailed = collect_task(workspace, night), collect_mail_task(workspace)
        collected = {key: dropped.get(key, 0) + count for key, count in mailed.items()}
        triaged = await triage(workspace)
        delivered = deliver_task(workspace)
        retained = retain_task(workspace)
        sign_task(workspace)
        backup_task(workspace, night)
        chain = check_chain_task(workspace)
        said = f"{chain['events']:,} events hold together"
        if chain["broken_at"]:
            said = f"broken at event {chain['broken_at']}"
        until = utc_now()
        words = digest_task(workspace, night, begun.since(until).isoformat(), until.isoformat(), said)
        counts = {
            **collected, "triaged": triaged["triaged"], "failed": triaged["failed"], "sent": delivered["sent"],
            "owed": delivered["owed"], "dead": delivered["dead"], "chain_intact": not chain["broken_at"], **retained,
        }  # fmt: skip
        with opened.store.write() as connection:
            nights.finish(connection, night, counts=counts, now=utc_now())
    await acreate_markdown_artifact(key="nightly-digest", markdown=words, description=f"Night of {night}")
    return {"night": night, **counts, "already_done": False}


def serve(workspace: Path, *, cron: str, zone: str) -> None:
    """Run the night by its schedule, until stopped. Needs a Prefect server (PREFECT_API_URL, or one started for it)."""
    from prefect.schedules import Cron

    telemetry.start()  # sends nothing by itself: a missing package is found now and not at night
    nightly.serve(
        name="nightly",
        parameters={"workspace": str(workspace.absolute())},
        schedules=[Cron(cron, timezone=zone)],
        limit=1,
        print_starting_message=False,
    )


def _kept_as(batch: str, name: str) -> str:
    """The name of a dropped file that was taken in; where a file system takes none so long, the end of it."""
    most = NAME_BYTES - len(batch) - 1
    return f"{batch}-{os.fsencode(name)[-most:].decode(errors='ignore')}"


@contextmanager
def _one_at_a_time(opened: Workspace) -> Iterator[None]:
    """Hold the workspace's lock; the operating system lets go of it when a run dies."""
    with (opened.settings.workspace / ".nightly.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
