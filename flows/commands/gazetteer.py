"""`sitrep gazetteer`: the register of place names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows import console

app = typer.Typer(help="The gazetteer of place names.", no_args_is_help=True)


@app.command("import", epilog="Example: [bold]sitrep gazetteer import ML.zip --out mali.sqlite[/bold]")
def gazetteer_import(
    dump: Annotated[Path, typer.Argument(help="A GeoNames table: allCountries.zip, ML.zip or the .txt in it.")],
    out: Annotated[Path, typer.Option("--out", help="The gazetteer to write.")],
    country: Annotated[list[str] | None, typer.Option("--country", help="Only this ISO code; may be repeated.")] = None,
) -> None:
    """Build a full gazetteer from a GeoNames dump that you have; name it as `gazetteer` in sitrep.toml."""
    from pipeline.errors import ConfigurationError
    from pipeline.extract.gazetteer import import_geonames

    if not dump.is_file():
        raise ConfigurationError(f"{dump}: there is no such file")
    with console.waiting("building …", quiet=False):
        count = import_geonames(dump, out=out, countries=country)
    console.out.print(f'{count:,} places in {out}; use it with gazetteer = "{out}" in sitrep.toml')
