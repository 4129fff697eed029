"""`make demo`: the main job on the sample batch, through the Prefect flow, in a workspace of its own.

`python -m flows.demo --picture docs/demo.svg` also draws what it prints.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console

from flows import console
from flows.exports import export
from flows.run import run_quietly
from flows.workspace import init_workspace, open_workspace, utc_now
from pipeline.results import report_results
from pipeline.store import batches, queues, reports
from pipeline.submit import submit

ROOT = Path(__file__).resolve().parent.parent / "demo"
WORKSPACE = ROOT / "workspace"


def main(picture: Path | None = None) -> None:
    if picture:
        console.out = Console(record=True, width=120, highlight=False)
    began = time.monotonic()
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    init_workspace(WORKSPACE)
    opened = open_workspace(WORKSPACE)
    receipt = submit(
        opened.store, [ROOT / "batch"], now=utc_now, limits=opened.limits, mapping={}, source="demo", actor="demo"
    )
    with console.waiting("The Prefect flow is triaging; the first run builds the gazetteer …", quiet=False):
        asyncio.run(run_quietly(WORKSPACE))
    with opened.store.read() as connection:
        receipt = batches.receipt(connection, receipt.batch)
        problems = list(batches.quarantined(connection, receipt.batch))
        urgent = {row.report: None for row in queues.work(connection, limit=50)}
        results = report_results(connection, list(urgent)[:2])
        found = reports.load(connection, list(results))
        summaries = queues.summaries(connection, now=utc_now())
    console.print_receipt(receipt, problems)
    console.out.print()
    console.print_queues(opened.policy, summaries, now=utc_now())
    for number, seq in enumerate(list(urgent)[:2], 1):
        console.out.print()
        console.out.rule(f"Most urgent, {number} of 2")
        console.print_report(results[seq], found[seq].text, source=found[seq].source)
    results_path = WORKSPACE / "results.jsonl"
    export(opened, "results", results_path, batch=receipt.batch, by="demo")
    shown = WORKSPACE.relative_to(Path.cwd()) if WORKSPACE.is_relative_to(Path.cwd()) else WORKSPACE
    console.out.print(f"\nDone in {time.monotonic() - began:.0f} s. Where to look next:")
    console.out.print(f"  {shown}/results.jsonl                        what was found, one JSON object per row")
    console.out.print(f"  .venv/bin/sitrep queues --items -w {shown}   everything in the queues, most urgent first")
    console.out.print(f"  .venv/bin/sitrep show GAO-0122 -w {shown}    one report with its evidence")
    console.out.print(f"  .venv/bin/sitrep deliver -w {shown}          send the queues' items to their folder")
    if picture:
        drawn = console.out.export_svg(title="make demo")
        # The reader's own fixed-width font does; a picture fetches nothing.
        picture.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[2]) if sys.argv[1:2] == ["--picture"] else None)
