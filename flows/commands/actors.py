"""`sitrep actors`: the lexicon of organisations and what it lacks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace

app = typer.Typer(help="Organisations and groups: names to review.", no_args_is_help=True)


@app.callback()
def actors() -> None:
    """Organisations and groups: names to review."""


@app.command("new", epilog="Example: [bold]sitrep actors new --least 3[/bold]")
def new(
    least: Annotated[int, typer.Option("--least", min=1, help="Only names in at least so many reports.")] = 1,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List names of actors that the lexicon does not know, the commonest first; restricted queues are left out."""
    from pipeline.newnames import new_names

    opened = open_workspace(workspace)
    open_queues = [queue.id for queue in opened.policy.queues if not queue.restricted]
    with opened.store.read() as connection:
        names = new_names(connection, queues=open_queues, least=least)
    if as_json:
        console.print_json([asdict(name) for name in names])
        return
    rows = [(console.escape(name.name), str(name.reports), name.type) for name in names]
    console.out.print(
        console.table("New names", ("name", "reports", "type"), rows, right=("reports",), empty="No names to review.")
    )
