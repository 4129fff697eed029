"""`sitrep metrics`: what monitoring systems read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import HERE, WorkspaceOption
from flows.workspace import open_workspace, utc_now

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep metrics --out /var/lib/node_exporter/textfile/sitrep.prom[/bold]")
def metrics(
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write, as a whole or not at all; default: print.")
    ] = None,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Metrics in Prometheus' text format, as the review page has them under /metrics. Restricted queues are left out."""
    from pipeline.metrics import exposition

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        found = exposition(connection, policy=opened.policy, now=utc_now())
    if out is None:
        typer.echo(found, nl=False)
        return
    # The collector may look at any moment: it must not find half a file.
    partial = out.with_name(f".{out.name}.part")
    try:
        partial.write_bytes(found)
        partial.replace(out)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}", param_hint="--out") from error
