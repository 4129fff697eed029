"""`sitrep export`: results and quarantined rows as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep export quarantine --batch 20250214-101500-3f9a2c --out mend.jsonl[/bold]")
def export(
    what: Annotated[str, typer.Argument(help="results or quarantine.")],
    out: Annotated[
        Path, typer.Option("--out", help="The file to write: .jsonl; results also as .csv or .parquet.")
    ] = Path("export.jsonl"),
    batch: Annotated[str | None, typer.Option("--batch", help="Only this batch; default: all.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write results, or quarantined rows with their original content to mend and submit again."""
    from pipeline.results import batch_results, write_quarantine, write_results
    from pipeline.store import batches
    from pipeline.tables import results_table, write_table

    writers = {"results": write_results, "quarantine": write_quarantine}
    if what not in writers:
        raise typer.BadParameter(f"{what!r} is neither results nor quarantine")
    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        if batch:
            batches.receipt(connection, batch)
        chosen = [batch] if batch else batches.recent(connection, limit=1_000_000)[::-1]
    if what == "results" and out.suffix != ".jsonl":
        with opened.store.read() as connection:
            table = results_table(line for ident in chosen for line in batch_results(connection, ident))
        write_table(table, out)
        written = len(table)
    else:
        written = writers[what](opened.store, chosen, out)
    if as_json:
        console.print_json({"written": written, "file": str(out)})
    else:
        console.out.print(f"{written:,} lines in {out}")
