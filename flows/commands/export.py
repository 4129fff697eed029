"""`sitrep export` and `sitrep import`: results, quarantined rows and corrections as files, for and from other tools."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, utc_now

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
    """Write results, quarantined rows to mend, corrections as a dataset, or files for other tools; it goes on record."""
    from flows.exports import export as write

    if what not in WHAT:
        raise typer.BadParameter(f"{what!r} is none of: {', '.join(WHAT)}")
    written = write(open_workspace(workspace), what, out, batch=batch, by=getuser())
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
