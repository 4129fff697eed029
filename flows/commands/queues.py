"""`sitrep queues` and `sitrep show`: what waits for people, and one report."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import Workspace, open_workspace, utc_now

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep queues --items --queue protection-response[/bold]")
def queues(
    items: Annotated[bool, typer.Option("--items", help="List the items, most urgent first.")] = False,
    queue: Annotated[list[str] | None, typer.Option("--queue", help="Only this queue; may be repeated.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many items.")] = 20,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show the queues: open, overdue and due next, by urgency; with --items the reports in them."""
    from pipeline.store import queues as store_queues

    opened = open_workspace(workspace)
    known = [q.id for q in opened.policy.queues]
    for name in queue or []:
        if name not in known:
            raise typer.BadParameter(f"there is no queue {name!r}; queues: {', '.join(known)}")
    if not items:
        if as_json:
            console.print_json(queue_values(opened))
        else:
            print_queues(opened)
        return
    with opened.store.read() as connection:
        work = store_queues.work(connection, queues=queue or None, limit=limit)
    if as_json:
        keys = ("report_id", "external_id", "queue", "urgency", "reason", "due", "state", "assignee")
        console.print_json([{key: getattr(row, key) for key in keys} for row in work])
        return
    rows = [
        (row.report_id, console.escape(row.external_id or ""), row.queue, f"[{console.URGENCY_STYLE[row.urgency]}]{row.urgency}[/]",
         console.until(row.due, now=utc_now()), console.escape(row.reason.replace("_", " ")))  # so that it wraps by words
        for row in work
    ]  # fmt: skip
    console.out.print(
        console.table("Items", ("report", "id", "queue", "urgency", "due", "reason"), rows, empty="No items are open.")
    )
    console.print_cut(len(rows), limit)


@app.command(epilog="Example: [bold]sitrep show GAO-0117[/bold]")
def show(
    report: Annotated[str, typer.Argument(help="Our id of a report, or the submitter's.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show one report: text, entities, probabilities, evidence, queues and history."""
    from pipeline.results import report_results
    from pipeline.store import queues as store_queues
    from pipeline.store import reports

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        seq, found = reports.find(connection, report)
        result = report_results(connection, [seq]).get(seq)
        history = store_queues.history(connection, seq)
        repeats = reports.duplicates_of(connection, seq)
    if as_json:
        events = [{"at": e.at, "actor": e.actor, "action": e.action, "queue": e.queue, "note": e.note} for e in history]
        console.print_json({"text": found.text, "result": result, "history": events, "duplicates": len(repeats)})
        return
    if "erased" in found.flags:
        console.out.print(f"{found.id}: its words were erased; sitrep audit proof {found.id} tells what happened to it")
        return
    if result is None:
        console.out.print(console.escape(found.text))
        console.out.print("\nNot triaged yet: sitrep run")
        return
    console.print_report(result, found.text, source=found.source)
    if repeats:
        console.out.print(
            f"Submitted again {console.counted(len(repeats), 'time')}: " + ", ".join(r.batch for r in repeats)
        )
    rows = [(f"{e.at:%Y-%m-%d %H:%M}", e.queue, e.action, e.actor, console.escape(e.note or "")) for e in history]
    console.out.print()
    console.out.print(console.table("History", ("when (UTC)", "queue", "what", "who", "note"), rows))


def queue_values(opened: Workspace) -> list[dict[str, Any]]:
    from pipeline.store import queues as store_queues

    with opened.store.read() as connection:
        summaries = store_queues.summaries(connection, now=utc_now())
    values = []
    for queue in opened.policy.queues:
        summary = summaries.get(queue.id)
        values.append(
            {
                "queue": queue.id,
                "restricted": queue.restricted,
                "open": summary.open if summary else 0,
                "over_limit": queue.over_limit(summary.open if summary else 0),
                "overdue": summary.overdue if summary else 0,
                "by_urgency": summary.by_urgency if summary else {},
                "oldest": summary.oldest if summary else None,
                "next_due": summary.next_due if summary else None,
            }
        )
    return values


def print_queues(opened: Workspace) -> None:
    from pipeline.store import queues as store_queues

    with opened.store.read() as connection:
        summaries = store_queues.summaries(connection, now=utc_now())
    console.print_queues(opened.policy, summaries, now=utc_now())
