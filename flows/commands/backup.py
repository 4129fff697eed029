"""`sitrep backup` and `sitrep restore`: copies of the store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import store_of, utc_now

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep backup /backups/2025-02-14[/bold]")
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Copy the store while others work, and check the copy: its pages, its audit chain, its counts."""
    from pipeline.settings import load_settings
    from pipeline.store.backup import backup as copy

    store = store_of(load_settings(workspace))  # of an older version as well
    with console.waiting("copying …", quiet=as_json):
        made = copy(store, folder, now=utc_now())
    if as_json:
        console.print_json(asdict(made))
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in made.counts.items())
    console.out.print(f"{folder}: {counts}; {made.events:,} events hold together")
    console.out.print("  sitrep.toml, policy.toml and models/ of the workspace are files: copy them as well")
    if made.keys:
        console.out.print(
            f"  words are encrypted under {', '.join(made.keys)}: keep the key file, on another disk than this"
        )


@app.command(epilog="Example: [bold]sitrep restore /backups/2025-02-14 --workspace fresh-desk[/bold]")
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `sitrep backup` made.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Bring a backup into a workspace that has no store yet, and check it. Nothing is overwritten."""
    from pipeline.settings import load_settings
    from pipeline.store.backup import restore as bring_back

    made = bring_back(folder, store_of(load_settings(workspace)))
    if as_json:
        console.print_json(asdict(made))
    else:
        console.out.print(f"the store of {made.made_at} is back: {made.counts['reports']:,} reports")
