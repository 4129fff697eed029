"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="SITREP_WORKSPACE", help="Folder that `sitrep init` made.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
MapOption = Annotated[
    list[str] | None, typer.Option("--map", help="Which column holds what, such as text=Narrative; may be repeated.")
]
SourceOption = Annotated[str | None, typer.Option("--source", help="Who sent these reports, such as a field office.")]
CorporaOption = Annotated[
    Path | None,
    typer.Option("--corpora", envvar="SITREP_CORPORA", help="Folder of the outside corpora, if you have them."),
]
HERE = Path()


def column_mapping(pairs: list[str] | None) -> dict[str, str]:
    """What `--map FIELD=COLUMN` says, field to column."""
    from pipeline.intake.mapping import FIELDS

    mapping = {}
    for pair in pairs or []:
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            raise typer.BadParameter(f"{pair!r} is not FIELD=COLUMN, such as text=Narrative")
        if field.strip() not in FIELDS:
            raise typer.BadParameter(f"--map {field.strip()}=…: the fields are {', '.join(FIELDS)}")
        mapping[field.strip()] = column.strip()
    return mapping
