"""`sitrep hold` and `sitrep erase`: what must be kept, and what must go."""

from __future__ import annotations

from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, operator, utc_now

hold_app = typer.Typer(help="Legal holds: what is held is not erased.", no_args_is_help=True)
app = typer.Typer()


@hold_app.command("place", epilog="Example: [bold]sitrep hold place GAO-0117 --why 'request 12 of the court'[/bold]")
def place(
    subject: Annotated[str, typer.Argument(metavar="REPORT|BATCH", help="A report, or a batch with all its rows.")],
    why: Annotated[str, typer.Option("--why", "--reason", help="Who may need it.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Keep a report, or all of a batch, from being erased."""
    from pipeline.custody import holds

    with open_workspace(workspace).store.write() as connection:
        number = holds.place(connection, subject, person=operator(), reason=why, now=utc_now())
    if as_json:
        console.print_json({"hold": number})
    else:
        console.out.print(f"hold {number}: sitrep hold release {number} ends it")


@hold_app.command("release", epilog="Example: [bold]sitrep hold release 3[/bold]")
def release(
    number: Annotated[int, typer.Argument(help="The hold's number, as `sitrep hold list` shows it.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """End a hold. Retention erases what is too old in the next night."""
    from pipeline.custody import holds

    with open_workspace(workspace).store.write() as connection:
        subject = holds.release(connection, number, person=operator(), now=utc_now())
    if as_json:
        console.print_json({"hold": number, "subject": subject})
    else:
        console.out.print(f"hold {number} on {subject} has ended")


@hold_app.command("list", epilog="Example: [bold]sitrep hold list --json[/bold]")
def list_holds(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Show the holds in force."""
    from pipeline.custody import holds
    from pipeline.store.documents import moment

    with open_workspace(workspace).store.read() as connection:
        found = holds.in_force(connection)
    if as_json:
        keys = ("subject", "placed_by", "reason")
        console.print_json(
            [{"hold": h.seq, "placed_at": moment(h.placed_at), **{key: getattr(h, key) for key in keys}} for h in found]
        )
        return
    rows = [(str(h.seq), h.subject, f"{h.placed_at:%Y-%m-%d}", h.placed_by, console.escape(h.reason)) for h in found]
    console.out.print(
        console.table("Holds", ("hold", "on", "since", "by", "why"), rows, right=("hold",), empty="Nothing is held.")
    )


@app.command(epilog="Example: [bold]sitrep erase GAO-0117 --why 'request 2025-14'[/bold]")
def erase(
    subjects: Annotated[list[str], typer.Argument(metavar="REPORT|BATCH:LINE", help="Reports, or rows of a batch.")],
    why: Annotated[
        str, typer.Option("--why", "--reason", help="A rule or a case number; no names: it stays in the chain.")
    ],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Erase the words of reports or rows for good; the chain and the proofs hold. Copies elsewhere are named."""
    from pipeline.custody import erasure
    from pipeline.store.guards import lifted

    store = open_workspace(workspace).store
    if store.owes_compaction:  # one before was cut off; by the submitter's id its report is not found any more
        store.compact()
    with store.write() as connection, lifted(connection):
        done = [erasure.erase(connection, s, person=operator(), why=why, now=utc_now()) for s in subjects]
    store.compact()
    if as_json:
        console.print_json([{"erased": one.subject, "at": one.at.isoformat(), "copies": one.copies} for one in done])
        return
    for one in done:
        console.out.print(f"{one.subject}: erased {one.at:%Y-%m-%d %H:%M} UTC")
        for copy in one.copies:
            console.out.print(f"  left the house before, {copy['at']}: {console.escape(copy['what'])}")
    console.out.print("  older backups and the files that were submitted still hold the words: see docs/custody.md")
