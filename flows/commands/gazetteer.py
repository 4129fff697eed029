"""`sitrep gazetteer`: the register of place names."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption

app = typer.Typer(help="The gazetteer of place names.", no_args_is_help=True)
LocalOption = Annotated[
    Path | None,
    typer.Option("--local", help="Places of your own: CSV with name, lat, lon; see `gazetteer add --help`."),
]


@app.command(
    "import",
    epilog="Example: [bold]sitrep gazetteer import allCountries.zip --alternates alternateNamesV2.zip --out world.sqlite[/bold]",
)
def gazetteer_import(
    dump: Annotated[Path, typer.Argument(help="A GeoNames table: allCountries.zip, ML.zip or the .txt in it.")],
    out: Annotated[Path, typer.Option("--out", help="The gazetteer to write.")],
    alternates: Annotated[
        Path | None,
        typer.Option("--alternates", help="alternateNamesV2.zip or the .txt in it: names in all languages."),
    ] = None,
    local: LocalOption = None,
    country: Annotated[list[str] | None, typer.Option("--country", help="Only this ISO code; may be repeated.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Build a full gazetteer from a GeoNames dump that you have; name it as `gazetteer` in sitrep.toml.

    Stopped half-way, the same command goes on where it was.
    """
    from pipeline.extract.gazetteer.geonames import import_geonames

    with console.waiting("building …", quiet=as_json):
        done = import_geonames(dump, out=out, alternates=alternates, local=local, countries=country or ())
    if as_json:
        console.print_json(asdict(done) | {"path": str(out)})
        return
    console.out.print(f'{done.places:,} places in {out}; use it with gazetteer = "{out}" in sitrep.toml')
    if done.bad_lines:
        console.out.print(
            f"  {done.bad_lines:,} lines were no rows and are left out, the first: {', '.join(done.first_bad)}"
        )


@app.command("add", epilog="Example: [bold]sitrep gazetteer add camps.csv --out desk.sqlite[/bold]")
def gazetteer_add(
    table: Annotated[
        Path,
        typer.Argument(help="CSV: name, lat, lon; if you like country, kind, names (a; b), population, geonames_id."),
    ],
    out: Annotated[Path, typer.Option("--out", help="The gazetteer to write; may be the one in use.")],
    base: Annotated[
        Path | None, typer.Option("--base", help="The gazetteer to add to; default: the one in use here.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Add places that no gazetteer has: camps, front-line villages. The same table again changes nothing."""
    from pipeline.extract.gazetteer.local import add_places

    added = add_places(table, base=base or _in_use(workspace), out=out)
    if as_json:
        console.print_json({"added": added, "path": str(out)})
        return
    console.out.print(f'{added:,} places added in {out}; use it with gazetteer = "{out}" in sitrep.toml')


@app.command("find", epilog="Example: [bold]sitrep gazetteer find Kamishly[/bold]")
def gazetteer_find(
    name: Annotated[str, typer.Argument(help="A name as a report might spell it, or the beginning of one.")],
    country: Annotated[str | None, typer.Option("--country", help="ISO code of the report's country.")] = None,
    gazetteer: Annotated[
        Path | None, typer.Option("--gazetteer", help="The gazetteer to look in; default: the one in use here.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List what a name may mean: by spelling, else by sound, else one slip away, else by words of the name."""
    from pipeline.extract.gazetteer import Gazetteer

    opened = Gazetteer(gazetteer or _in_use(workspace))
    found = opened.candidates(name, country) or opened.search(name)
    if as_json:
        console.print_json([asdict(candidate) for candidate in found])
        return
    rows = [
        (console.escape(c.name), c.match, c.kind, c.iso2 or "", "" if c.lat is None else f"{c.lat:.4f}",
         "" if c.lon is None else f"{c.lon:.4f}", f"{c.population:,}", str(c.geonames_id or ""))
        for c in found
    ]  # fmt: skip
    none = "There is no place of that name, nor of one like it."
    columns = ("name", "match", "kind", "country", "lat", "lon", "population", "GeoNames id")
    console.out.print(console.table("Candidates", columns, rows, right=columns[4:], empty=none))


def _in_use(workspace: Path) -> Path:
    """The gazetteer of the workspace; outside of one, the built-in one."""
    from flows.workspace import open_workspace
    from pipeline.errors import ConfigurationError
    from pipeline.extract import default_gazetteer

    try:
        settings = open_workspace(workspace).settings
    except ConfigurationError:
        return default_gazetteer().path
    return settings.path(settings.gazetteer) if settings.gazetteer else default_gazetteer().path
