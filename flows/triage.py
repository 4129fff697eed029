"""The main job as a Prefect flow: take in files, triage what waits in chunks, leave a receipt.

Parameters and results are paths, ids and counts, never text. A chunk is a task; it writes in one
transaction and does nothing when run again, so that Prefect's retries, and a new run after a crash,
only ever finish what is missing. Our rows are the truth, not Prefect's state.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow, task
from prefect.artifacts import acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from flows import telemetry
from flows.workers import chunk_runner
from flows.workspace import open_workspace, utc_now
from pipeline.settings import Settings
from pipeline.store import batches, reports
from pipeline.submit import submit
from pipeline.triage import NOTHING, ChunkResult, triage_chunk

Counts = dict[str, int]


@task(name="take-in", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE, persist_result=False)
def take_in_task(workspace: str, paths: list[str], source: str | None, mapping: dict[str, str]) -> str:
    """Take in files as a batch; its id. Run again after a crash, it goes on where it stopped."""
    opened = open_workspace(Path(workspace))
    receipt = submit(
        opened.store,
        [Path(path) for path in paths],
        now=utc_now,
        limits=opened.limits,
        mapping=mapping,
        source=source,
        threshold=opened.settings.near_duplicate_threshold,
        actor="triage",
    )
    telemetry.count(
        {"accepted": receipt.accepted, "duplicates": receipt.duplicates, "quarantined": receipt.quarantined}
    )
    return receipt.batch


@task(name="triage-chunk", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE, persist_result=False)
def triage_chunk_task(workspace: str, first: int, last: int) -> Counts:
    """Triage the waiting reports from `first` to `last`; counts only."""
    opened = open_workspace(Path(workspace))
    result = triage_chunk(opened.store, first, last, opened.rooms, now=utc_now)
    counts = {"triaged": result.triaged, "items": result.items, "failed": result.failed}
    telemetry.count(counts)
    return counts


@flow(name="triage", persist_result=False, result_serializer="json")
async def triage(
    workspace: str, paths: list[str] | None = None, source: str | None = None, mapping: dict[str, str] | None = None
) -> dict[str, int | str | None]:
    """Take in `paths` (if any) and triage everything that waits in the workspace."""
    batch = take_in_task(workspace, paths, source, mapping or {}) if paths else None
    opened = open_workspace(Path(workspace))
    with opened.store.read() as connection:
        chunks = reports.pending_chunks(connection, size=opened.settings.chunk_size)
    total = _run_chunks(opened.settings, workspace, chunks)
    if batch:
        await _receipt_artifact(opened.settings.workspace, batch)
    return {"batch": batch, "triaged": total.triaged, "items": total.items, "failed": total.failed}


def _run_chunks(settings: Settings, workspace: str, chunks: Sequence[tuple[int, int]]) -> ChunkResult:
    """Triage all chunks; where one fails the others are finished first."""
    total, failures = NOTHING, []
    if not chunks:
        return total
    with chunk_runner(settings) as runner:
        futures: list[PrefectFuture[Counts]] = [
            runner.submit(triage_chunk_task, {"workspace": workspace, "first": first, "last": last})
            for first, last in chunks
        ]
        for future in futures:
            try:
                total += ChunkResult(**future.result())
            except Exception as error:
                failures.append(error)
    if failures:
        raise failures[0]
    return total


async def _receipt_artifact(workspace: Path, batch: str) -> None:
    with open_workspace(workspace).store.read() as connection:
        receipt = batches.receipt(connection, batch)
    await acreate_table_artifact(
        key="batch-receipt",
        table=[
            {"batch": batch, "received": receipt.received, "accepted": receipt.accepted,
             "duplicates": receipt.duplicates, "quarantined": receipt.quarantined, "pending": receipt.pending}
        ],
        description=f"Receipt of batch {batch}",
    )  # fmt: skip
