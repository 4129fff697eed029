"""`sitrep deliver`: what the queues owe to their destinations."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, utc_now

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep deliver --dry-run[/bold]")
def deliver(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Send what the queues owe to their destinations."""
    import random

    from pipeline.deliver import deliver as send
    from pipeline.store import outbox
    from pipeline.taxonomy import load_taxonomy

    opened = open_workspace(workspace)
    if dry_run:
        with opened.store.read() as connection:
            counts = outbox.counts(connection)
        if as_json:
            console.print_json({"owed": counts.get("owed", 0), "dead": counts.get("dead", 0), "dry_run": True})
        else:
            console.out.print(
                f"{counts.get('owed', 0):,} deliveries would be tried; {counts.get('dead', 0):,} dead letters"
            )
        return
    done = send(
        opened.store,
        opened.destinations,
        policy=opened.policy,
        taxonomy=load_taxonomy(),
        now=utc_now,
        rng=random.Random(),
    )
    if as_json:
        console.print_json(asdict(done))
    else:
        console.out.print(
            f"{done.sent:,} sent, {done.failed:,} failed, {done.owed:,} still owed, {done.dead:,} dead letters"
        )
        if done.resting:
            console.out.print(f"  left alone for a while, since they fail: {', '.join(done.resting)}")
        if done.failed or done.dead or done.resting:
            console.out.print("  what and why: sitrep deliveries list")
    raise typer.Exit(1 if done.owed or done.dead else 0)
