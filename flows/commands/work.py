"""`sitrep queue` and `sitrep policy`: what a supervisor does with whole queues, and a policy tried before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import Workspace, open_workspace, operator, utc_now
from pipeline.errors import ConfigurationError

queue_app = typer.Typer(help="Pause a queue, or give its items to somebody else.", no_args_is_help=True)
policy_app = typer.Typer(help="The routing policy.", no_args_is_help=True)

QueueArgument = Annotated[str, typer.Argument(help="The queue's id, as `sitrep queues` shows it.")]


@queue_app.command(
    "pause", epilog="Example: [bold]sitrep queue pause investigations --reason 'the team is in the field'[/bold]"
)
def pause(
    queue: QueueArgument,
    reason: Annotated[str, typer.Option("--reason", "--why", help="Why, for those who find it paused.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Hand out and deliver nothing from a queue; reports still arrive in it."""
    from pipeline.store import work

    opened = open_workspace(workspace)
    _known(opened, queue)
    with opened.store.write() as connection:
        work.pause(connection, queue, person=operator(), note=reason, now=utc_now())
    _tell(f"{queue} is paused: sitrep queue resume {queue}", {"queue": queue, "paused": True}, as_json=as_json)


@queue_app.command("resume", epilog="Example: [bold]sitrep queue resume investigations[/bold]")
def resume(queue: QueueArgument, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Let a paused queue go on."""
    from pipeline.store import work

    opened = open_workspace(workspace)
    _known(opened, queue)
    with opened.store.write() as connection:
        work.resume(connection, queue, person=operator(), now=utc_now())
    _tell(f"{queue} goes on", {"queue": queue, "paused": False}, as_json=as_json)


@queue_app.command(
    "reassign", epilog="Example: [bold]sitrep queue reassign investigations GAO-0117 --to a.okoye[/bold]"
)
def reassign(
    queue: QueueArgument,
    report: Annotated[str, typer.Argument(help="Our id of a report, or the submitter's.")],
    to: Annotated[str, typer.Option("--to", help="The login of a person who may see the queue.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Give an item to somebody else, whoever holds it."""
    from pipeline.access import access_of
    from pipeline.store import people, reports, work
    from pipeline.taxonomy import load_taxonomy

    opened = open_workspace(workspace)
    _known(opened, queue)
    with opened.store.write() as connection:
        person = people.find(connection, to)
        access = access_of(to, person.role, person.granted, policy=opened.policy, taxonomy=load_taxonomy())
        if queue not in access.queues:
            raise ConfigurationError(f"{to} may not see {queue}: choose somebody who may (`sitrep people list`)")
        _, found = reports.find(connection, report)
        item = work.get(connection, found.id, queue)
        work.reassign(connection, item.seq, person=operator(), to=to, version=item.version, now=utc_now())
    values = {"queue": queue, "report": found.id, "assignee": to}
    _tell(f"{console.escape(report)} in {queue} is with {to}", values, as_json=as_json)


@policy_app.command("test", epilog="Example: [bold]sitrep policy test new-policy.toml[/bold]")
def policy_test(
    file: Annotated[Path, typer.Argument(help="The policy to try.")],
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many of the reports that move to list.")] = 20,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Try a policy on the stored reports and show what would move between queues. Changes nothing."""
    from pipeline.route import load_policy
    from pipeline.route.trial import try_policy
    from pipeline.taxonomy import load_taxonomy

    opened = open_workspace(workspace)
    taxonomy = load_taxonomy()
    policy = load_policy(file, taxonomy=taxonomy)
    with opened.store.read() as connection:
        trial = try_policy(connection, policy, taxonomy=taxonomy, shown=limit)
    names = list(dict.fromkeys([q.id for q in (*opened.policy.queues, *policy.queues)]))
    if as_json:
        queues = {
            name: {
                "now": trial.now[name],
                "then": trial.then[name],
                "leave": trial.leaves[name],
                "join": trial.joins[name],
            }
            for name in names
        }
        moves = [asdict(move) for move in trial.moves]
        console.print_json({"reports": trial.reports, "moved": trial.moved, "queues": queues, "moves": moves})
        return
    figures = ("now", "leave", "join", "then")
    rows = [
        (name, *(f"{counts[name]:,}" if counts[name] else "·" for counts in (trial.now, trial.leaves, trial.joins, trial.then)))
        for name in names
    ]  # fmt: skip
    title = f"{trial.moved:,} of {trial.reports:,} reports would move"
    console.out.print(console.table(title, ("queue", *figures), rows, right=figures))
    if trial.moves:
        lines = [
            (m.report, console.escape(m.external_id or ""), ", ".join(m.leaves), ", ".join(m.joins))
            for m in trial.moves
        ]
        console.out.print()
        console.out.print(console.table("Reports", ("report", "id", "leaves", "joins"), lines))


def _known(opened: Workspace, queue: str) -> None:
    known = [q.id for q in opened.policy.queues]
    if queue not in known:
        raise ConfigurationError(f"there is no queue {queue!r}; queues: {', '.join(known)}")


def _tell(sentence: str, values: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        console.print_json(values)
    else:
        console.out.print(sentence)
