"""`sitrep export` and `sitrep import`: results, quarantined rows and corrections as files, for and from other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, operator, utc_now

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
        Path | None,
        typer.Option(
            "--out",
            help="The file to write; results also as .csv or .parquet, quarantine as .csv or .xlsx, corrections as a folder.",
        ),
    ] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="Only this batch; default: all.")] = None,
    pseudonymise: Annotated[
        bool,
        typer.Option("--pseudonymise", help="Without persons, numbers, links; points coarse; see docs/custody.md."),
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write results, quarantined rows to mend, corrections as a dataset, or files for other tools; it goes on record."""
    from flows.exports import WRITTEN_AS
    from flows.exports import export as write

    if what not in WHAT:
        raise typer.BadParameter(f"{what!r} is none of: {', '.join(WHAT)}")
    out = out or Path(f"export{WRITTEN_AS[what][0]}")
    done = write(open_workspace(workspace), what, out, batch=batch, by=operator(), pseudonymised=pseudonymise)
    if as_json:
        said = {"written": done.rows, "left_out": done.left_out, "file": str(out)}
        console.print_json(said | ({"project": str(done.project)} if done.project else {}))
        return
    unit = "row" if what in ("results", "quarantine") else "report"
    console.out.print(f"{console.counted(done.rows, unit)} in {out}")
    if done.project:
        console.out.print(f"  {done.project}: the labels of a project that it fits")
    if done.left_out:
        console.out.print(f"  {done.left_out:,} reports are not in it: not assessed, or their text cannot be worked on")


@app.command("pseudonym-key", epilog="Example: [bold]sitrep pseudonym-key /etc/sitrep/pseudonyms.key[/bold]")
def pseudonym_key(
    path: Annotated[Path, typer.Argument(help="A new file, outside the workspace and its backups.")],
    as_json: JsonOption = False,
) -> None:
    """Make the key of pseudonymised exports: under the same key the same person has the same pseudonym."""
    from pipeline.custody.pseudonyms import make_key

    make_key(path)
    line = f"pseudonym_key = {json.dumps(str(path.absolute()))}"
    if as_json:
        console.print_json({"key_file": str(path), "setting": line})
    else:
        print(line)


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
