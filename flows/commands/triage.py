"""`sitrep submit`, `sitrep run` and `sitrep status`: the main job."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, MapOption, SourceOption, WorkspaceOption, column_mapping
from flows.commands.queues import print_queues, queue_values
from flows.progress import progress
from flows.workspace import Workspace, open_workspace, operator, utc_now

if TYPE_CHECKING:
    from pipeline.store.batches import Receipt

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep submit reports.xlsx --map text=Narrative --source gao-office[/bold]")
def submit(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, archives, or - for standard input.")],
    source: SourceOption = None,
    map_: MapOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take in a batch of reports; print the receipt."""
    opened = open_workspace(workspace)
    with progress(opened.store, "taking in", quiet=as_json) as advance:
        receipt = _submit(opened, paths, source, column_mapping(map_), advance)
    problems = quarantined(opened, receipt.batch)
    if as_json:
        console.print_json(
            {**console.receipt_values(receipt), "quarantine": [console.quarantine_values(p) for p in problems]}
        )
    else:
        console.print_receipt(receipt, problems)
        _print_dates(opened, receipt)
        if receipt.pending:
            wait = "waits" if receipt.pending == 1 else "wait"
            console.out.print(f"  {receipt.pending:,} {wait} for triage: [bold]sitrep run[/bold]")
    raise typer.Exit(1 if receipt.quarantined else 0)


@app.command(epilog="Example: [bold]sitrep run reports.csv --out results.jsonl[/bold]")
def run(
    paths: Annotated[list[Path] | None, typer.Argument(help="Reports to take in first; - for standard input.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the results as JSON Lines, or as .csv or .parquet.")
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Dry run on N reports: show the queue load.")
    ] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Without Prefect: quicker for a few reports.")] = False,
    source: SourceOption = None,
    map_: MapOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take in reports (if any are named) and triage everything that waits, through the Prefect flow."""
    opened = open_workspace(workspace)
    mapping = column_mapping(map_)
    if sample:
        _sample(opened, paths or [], sample, source, mapping, as_json=as_json)
        return
    receipt = None
    if paths:
        with progress(opened.store, "taking in", quiet=as_json) as advance:
            receipt = _submit(opened, paths, source, mapping, advance)
    with progress(opened.store, "triaging", quiet=as_json):
        counts = _triage(opened, direct=direct)
    problems = quarantined(opened, receipt.batch) if receipt else iter(())
    written = 0
    if out:
        from flows.exports import export

        written = export(opened, "results", out, batch=receipt.batch if receipt else None, by=operator()).rows
    if as_json:
        console.print_json(
            {
                "receipt": console.receipt_values(receipt) if receipt else None,
                "quarantine": [console.quarantine_values(p) for p in problems],
                **counts,
                "queues": queue_values(opened),
                "results": str(out) if out else None,
            }
        )
    else:
        if receipt:
            console.print_receipt(receipt, problems)
            _print_dates(opened, receipt)
            console.out.print()
        _print_triaged(opened, counts, nothing=receipt is not None and receipt.quarantined == receipt.received)
        if out:
            console.out.print(f"\n{console.counted(written, 'result')} in {out}")
    raise typer.Exit(1 if (receipt and receipt.quarantined) or counts["failed"] else 0)


@app.command(epilog="Example: [bold]sitrep status --json[/bold]")
def status(
    batch: Annotated[str | None, typer.Argument(help="One batch, with its quarantined rows.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many batches.")] = 20,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show batches, newest first, and what waits."""
    from pipeline.store import batches, outbox, reports

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        receipts = [
            batches.receipt(connection, i) for i in ([batch] if batch else batches.recent(connection, limit=limit))
        ]
        waiting, deliveries = reports.pending_count(connection), outbox.counts(connection)
    problems = quarantined(opened, batch) if batch else iter(())
    if as_json:
        values: dict[str, Any] = {"batches": [console.receipt_values(r) for r in receipts], "pending": waiting}
        console.print_json(
            {**values, "deliveries": deliveries, "quarantine": [console.quarantine_values(p) for p in problems]}
        )
        return
    if batch:
        console.print_receipt(receipts[0], problems, shown=1000)
        return
    if not receipts:
        console.out.print("Nothing has come in yet: sitrep submit FILE, or sitrep run FILE")
        return
    figures = ("received", "accepted", "duplicate", "quarantined", "pending")
    rows = [
        (r.batch + (f"\n[dim]{console.escape(r.source)}[/dim]" if r.source else ""), f"{r.received:,}", f"{r.accepted:,}", f"{r.duplicates:,}", f"{r.quarantined:,}",
         f"{r.pending:,}", "" if r.complete else "unfinished: submit again")
        for r in receipts
    ]  # fmt: skip
    console.out.print(console.table("Batches", ("batch", *figures, ""), rows, right=figures))
    console.print_cut(len(receipts), limit)
    console.out.print(f"\n{console.waiting_reports(waiting)}; deliveries: {_words(deliveries) or 'none yet'}")


def _print_dates(opened: Workspace, receipt: Receipt) -> None:
    """Say which dates were guessed, and that reports came without one where a column of theirs may have held it."""
    from pipeline.intake.mapping import date_offers
    from pipeline.store import reports

    with opened.store.read() as connection:
        count, first = reports.undated(connection, receipt.batch)
        ambiguous = reports.flagged(connection, receipt.batch, "ambiguous_date")
    if ambiguous:
        console.out.print(
            f"  {console.counted(ambiguous, 'report date')} could be two, as 03/04/2025, and the day was taken to come first;"
            " where the month does, write 2025-03-04 and submit again"
        )
    offers = date_offers(list(first.metadata)) if first else []
    if offers:
        columns = " or ".join(f'--map report_date="{console.escape(name)}"' for name in offers[:3])
        console.out.print(
            f"  {count:,} of {receipt.accepted:,} accepted without a report date, against which [italic]yesterday[/italic] is read;"
            f" next time, if it is the day of the report: {columns}"
        )


def _submit(
    opened: Workspace, paths: list[Path], source: str | None, mapping: dict[str, str], advance: Callable[[int], None]
) -> Any:
    from pipeline.submit import submit as take_in

    return take_in(
        opened.store,
        paths,
        now=utc_now,
        limits=opened.limits,
        mapping=mapping,
        source=source,
        stdin=sys.stdin.buffer,
        threshold=opened.settings.near_duplicate_threshold,
        actor=operator(),
        progress=advance,
    )


def _triage(opened: Workspace, *, direct: bool) -> dict[str, Any]:
    """Triage what waits, with or without Prefect; counts."""
    if direct:
        from pipeline.store import reports
        from pipeline.triage import NOTHING, triage_chunk

        with opened.store.read() as connection:
            chunks = reports.pending_chunks(connection, size=opened.settings.chunk_size)
        total = NOTHING
        for first, last in chunks:
            total += triage_chunk(opened.store, first, last, opened.rooms, now=utc_now)
        return {"triaged": total.triaged, "items": total.items, "failed": total.failed}
    import asyncio

    from flows.run import run_quietly

    counts: dict[str, Any] = asyncio.run(run_quietly(opened.settings.workspace.absolute()))
    return {key: counts[key] for key in ("triaged", "items", "failed")}


def _print_triaged(opened: Workspace, counts: dict[str, Any], *, nothing: bool) -> None:
    """What a run triaged, and the queues; `nothing` where all that came in was set aside."""
    if nothing and not counts["triaged"]:
        console.out.print("Nothing was accepted, so that nothing was triaged.")
        return
    failed = f", {counts['failed']} could not be processed and wait in manual-review" if counts["failed"] else ""
    console.out.print(f"{counts['triaged']:,} triaged into {console.counted(counts['items'], 'queue item')}{failed}\n")
    print_queues(opened)
    console.out.print("\n[dim]next: sitrep queues --items · sitrep show REPORT · sitrep deliver[/dim]")


def _sample(
    opened: Workspace, paths: list[Path], count: int, source: str | None, mapping: dict[str, str], *, as_json: bool
) -> None:
    """A dry run in a store of its own that is thrown away, encrypted where ours is: what the queues would receive."""
    import tempfile
    from itertools import islice

    from pipeline.custody import resealing
    from pipeline.intake import read_inputs, spool
    from pipeline.store import open_store
    from pipeline.store import queues as store_queues
    from pipeline.store import reports as store_reports
    from pipeline.store.migrate import upgrade
    from pipeline.store.sealed import keys_of
    from pipeline.submit import take_in
    from pipeline.triage import triage_chunk

    if not paths:
        raise typer.BadParameter("--sample needs files to sample from")
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        keys = keys_of(opened.store.engine.dialect)
        store = open_store("sqlite:///sample.db", base=Path(folder), keys=keys)
        upgrade(store)
        resealing.begin(store, keys.newest if keys else None, now=utc_now(), actor="sample")
        named = [spool(sys.stdin.buffer, Path(folder)) if str(path) == "-" else path for path in paths]
        rows = read_inputs(named, mapping=mapping, limits=opened.limits, source=source)
        receipt = take_in(
            store, islice(rows, count), name="sample", now=utc_now, source=source,
            threshold=opened.settings.near_duplicate_threshold,
        )  # fmt: skip
        with store.read() as connection:
            chunks = store_reports.pending_chunks(connection, size=opened.settings.chunk_size)
        for first, last in chunks:
            triage_chunk(store, first, last, opened.rooms, now=utc_now)
        with store.read() as connection:
            summaries = store_queues.summaries(connection, now=utc_now())
        store.dispose()
    if as_json:
        load = {name: {"open": s.open, "by_urgency": s.by_urgency} for name, s in summaries.items()}
        console.print_json({"sample": console.receipt_values(receipt), "queues": load})
        return
    console.out.print("[bold]Dry run[/bold]: nothing was stored.")
    console.print_receipt(receipt, [])
    console.out.print()
    console.print_queues(opened.policy, summaries, now=utc_now())


def quarantined(opened: Workspace, batch: str) -> Iterator[Any]:
    """The rows of a batch that were set aside, one after another: a batch may hold nothing else."""
    from pipeline.store import batches

    with opened.store.read() as connection:
        yield from batches.quarantined(connection, batch)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
