"""`sitrep export` and `sitrep import`: results, quarantined rows and corrections as files, for and from other tools."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import Workspace, open_workspace, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipeline.interchange import Document

app = typer.Typer()
import_app = typer.Typer(help="Take in what people said in other tools.", no_args_is_help=True)
app.add_typer(import_app, name="import")

WHAT = (
    "results", "quarantine", "corrections", "label-studio", "argilla", "uwazi", "primero", "followthemoney", "hxl",
    "geojson",
)  # fmt: skip


@app.command(epilog="Example: [bold]sitrep export geojson --out places.geojson[/bold]")
def export(
    what: Annotated[str, typer.Argument(help=f"One of: {', '.join(WHAT)}.")],
    out: Annotated[
        Path,
        typer.Option("--out", help="The file to write; results also as .csv or .parquet, corrections as a folder."),
    ] = Path("export.jsonl"),
    batch: Annotated[str | None, typer.Option("--batch", help="Only this batch; default: all.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write results, quarantined rows to mend, corrections as a dataset, or files for other tools."""
    from pipeline.results import batch_results, write_quarantine, write_results
    from pipeline.store import batches
    from pipeline.tables import results_table, write_table

    if what not in WHAT:
        raise typer.BadParameter(f"{what!r} is none of: {', '.join(WHAT)}")
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
    elif what == "results":
        written = write_results(opened.store, chosen, out)
    elif what == "quarantine":
        written = write_quarantine(opened.store, chosen, out)
    elif what == "corrections":
        written = _write_corrections(opened, out)
    else:
        with opened.store.read() as connection:
            written = _write_documents(connection, what, chosen, out)
    if as_json:
        console.print_json({"written": written, "file": str(out)})
    else:
        console.out.print(f"{written:,} lines in {out}")


@import_app.command("corrections", epilog="Example: [bold]sitrep import corrections project-1.json[/bold]")
def import_corrections(
    path: Annotated[Path, typer.Argument(help="JSON that the tool exported.")],
    tool: Annotated[str, typer.Option("--from", help="label-studio or argilla.")] = "label-studio",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Record what people said in Label Studio or Argilla as corrections; again, it adds nothing twice."""
    from flows.corrections import READERS, add_reviews, read_reviews

    if tool not in READERS:
        raise typer.BadParameter(f"{tool!r} is none of: {', '.join(READERS)}")
    found = read_reviews(path, tool=tool)
    with open_workspace(workspace).store.write() as connection:
        counts = add_reviews(connection, found, tool=tool, now=utc_now())
    if as_json:
        console.print_json(counts)
    else:
        console.out.print(
            f"{counts['added']} corrections added, {counts['known']} known already, "
            f"{counts['unknown_reports']} of reports that are not here"
        )
    if counts["unknown_reports"]:
        raise typer.Exit(1)


def _write_corrections(opened: Workspace, out: Path) -> int:
    """As a `datasets` dataset in a folder, or a Parquet or JSON Lines file by the suffix."""
    from corpora.schema import to_dataset
    from flows.corrections import corrected

    with opened.store.read() as connection:
        found = corrected(connection)
    dataset = to_dataset(found)
    if out.suffix == ".parquet":
        dataset.to_parquet(out)
    elif out.suffix == ".jsonl":
        dataset.to_json(out, force_ascii=False)
    else:
        dataset.save_to_disk(out)
    return len(found)


def _write_documents(connection: Connection, what: str, batches: list[str], out: Path) -> int:
    """Write documents in another tool's format. The file appears when complete."""
    from pipeline.interchange import argilla, documents, followthemoney, geojson, label_studio, primero, spreadsheets

    counted = _Counted(documents(connection, batches))
    partial = out.with_name(out.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        if what == "hxl":
            spreadsheets.write_hxl(counted, stream)
        elif what == "uwazi":
            spreadsheets.write_uwazi(counted, stream)
        elif what == "geojson":
            json.dump(geojson.feature_collection(counted), stream, ensure_ascii=False)
        elif what == "followthemoney":
            stream.writelines(_line(entity) for document in counted for entity in followthemoney.entities(document))
        elif what == "label-studio":
            json.dump([label_studio.task(document) for document in counted], stream, ensure_ascii=False)
        else:
            one = {"argilla": argilla.record, "primero": primero.incident}[what]
            stream.writelines(_line(one(document)) for document in counted)
    partial.replace(out)
    return counted.count


class _Counted:
    """Documents as they pass, counted."""

    def __init__(self, found: Iterable[Document]) -> None:
        self.found, self.count = found, 0

    def __iter__(self) -> Iterator[Document]:
        for document in self.found:
            self.count += 1
            yield document


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
