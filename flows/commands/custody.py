"""`sitrep audit`: the chain of events."""

from __future__ import annotations

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace

app = typer.Typer(help="The audit chain.", no_args_is_help=True)


@app.command("verify", epilog="Example: [bold]sitrep audit verify[/bold]")
def audit_verify(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Walk the chain of events; name the first broken link."""
    from pipeline.store import audit

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        found = audit.verify(connection)
    if as_json:
        values = {"events": found.events, "head": found.head, "broken_at": found.broken_at, "problem": found.problem}
        console.print_json(values)
    elif found.broken_at:
        console.err.print(f"[bold red]broken[/bold red]: event {found.broken_at} {found.problem}")
    else:
        console.out.print(f"{found.events:,} events hold together; head {found.head}")
    raise typer.Exit(1 if found.broken_at else 0)
