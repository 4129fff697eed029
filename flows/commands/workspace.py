"""`sitrep init` and `sitrep doctor`: a workspace and its health."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import init_workspace, store_of

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep init my-desk[/bold]")
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder to make.")] = HERE, as_json: JsonOption = False
) -> None:
    """Make a workspace: sitrep.toml, policy.toml and the store. Refuses to overwrite."""
    made = init_workspace(folder)
    if as_json:
        console.print_json({"workspace": str(folder), "files": [str(path) for path in made]})
        return
    for path in made:
        console.out.print(f"  made {path}")
    console.out.print(f"Next: cd {folder} && sitrep run YOUR-REPORTS.csv")


@app.command(epilog="Example: [bold]sitrep backup before-upgrade && sitrep upgrade[/bold]")
def upgrade(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Give the store the tables of this version, in one transaction; makes them where there are none. Safe to repeat."""
    from pipeline.settings import load_settings
    from pipeline.store.engine import check_store, schema_of
    from pipeline.store.migrate import upgrade as migrate

    store = store_of(load_settings(workspace))
    before = schema_of(store)
    migrate(store)
    after = check_store(store)
    if as_json:
        console.print_json({"from": before, "to": after})
    else:
        was = " already" if before == after else f", it was at {before}" if before else ", it was empty"
        console.out.print(f"the store is at {after}{was}")


@app.command(epilog="Example: [bold]sitrep doctor[/bold]")
def doctor(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Check device, model, store, queues, Prefect, disk and clock; say how to mend what is wrong."""
    from flows.doctor import examine

    checks = examine(workspace)
    if as_json:
        console.print_json([{"check": c.name, "state": c.state, "found": c.found, "mend": c.mend} for c in checks])
    else:
        styles = {"ok": "green", "warning": "yellow", "broken": "bold red"}
        rows = [
            (c.name, f"[{styles[c.state]}]{c.state}[/]", console.escape(c.found), console.escape(c.mend))
            for c in checks
        ]
        console.out.print(console.table("Doctor", ("check", "", "found", "mend"), rows))
    raise typer.Exit(2 if any(c.state == "broken" for c in checks) else 0)
