"""`sitrep encryption`: the words in the store under a key that is kept elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import Workspace, open_workspace, operator, utc_now
from pipeline.errors import ConfigurationError

app = typer.Typer(help="Encryption of the words in the store, under a key kept elsewhere.", no_args_is_help=True)


@app.command("key", epilog="Example: [bold]sitrep encryption key /etc/sitrep/store.keys[/bold]")
def key(
    path: Annotated[Path, typer.Argument(help="A new file, outside the workspace and its backups.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make the file of keys, with a first one; print what goes into sitrep.toml. Without the file the words are lost."""
    from pipeline.custody.keyring import make_keyring

    if path.absolute().resolve().is_relative_to(workspace.absolute().resolve()):
        raise ConfigurationError(f"{path} is in the workspace, beside what it is to protect: name a place elsewhere")
    made = make_keyring(path, today=utc_now().date())
    lines = f"[encryption]\nkey_file = {json.dumps(str(path.absolute()))}"
    if as_json:
        console.print_json({"key_file": str(path), "key": made.ident, "settings": lines})
    else:
        print(lines)


@app.command("on", epilog="Example: [bold]sitrep backup before && sitrep encryption on[/bold]")
def on(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Encrypt the words in the store, those that are there and those to come. Killed, the same command goes on."""
    from flows.encryption import switch_on

    _run(switch_on, workspace, as_json)


@app.command("rotate", epilog="Example: [bold]sitrep encryption rotate[/bold]")
def rotate(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Make a new key and encrypt everything under it. Killed, the same command goes on. Old backups need the old key."""
    from flows.encryption import rotate as under_a_new_key

    _run(under_a_new_key, workspace, as_json)


@app.command("off", epilog="Example: [bold]sitrep encryption off[/bold]")
def off(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Write the words as they are again, for good. Killed, the same command goes on."""
    from flows.encryption import switch_off

    _run(switch_off, workspace, as_json)


def _run(step: Callable[..., int], workspace: Path, as_json: bool) -> None:
    from flows.encryption import status

    opened: Workspace = open_workspace(workspace)
    with console.waiting("writing the words anew …", quiet=as_json):
        rows = step(opened, actor=operator(), progress=lambda _: None)
    found = status(opened)
    if as_json:
        console.print_json({"rows": rows, "key": found.key})
        return
    console.out.print(
        f"{rows:,} rows written anew; the words are {f'under key {found.key}' if found.key else 'as they are'}"
    )
