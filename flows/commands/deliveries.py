"""`sitrep deliveries`: what is owed to destinations and what they did not take."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, operator, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Row

app = typer.Typer(help="Deliveries and dead letters: list, show, send again, drop.", no_args_is_help=True)

_NUMBERS = "Numbers, as `sitrep deliveries list` shows them."
DestinationOption = Annotated[str | None, typer.Option("--destination", help="Only of this destination.")]
ReasonOption = Annotated[str, typer.Option("--reason", "--why", help="Why; it is kept in the item's history.")]


class State(StrEnum):
    OWED = "owed"
    DEAD = "dead"
    DROPPED = "dropped"
    DELIVERED = "delivered"


_KEYS = (
    "seq", "report_id", "queue", "urgency", "due", "destination", "state", "attempts", "available_at", "last_error",
    "delivered_at", "idempotency_key",
)  # fmt: skip


@app.command("list", epilog="Example: [bold]sitrep deliveries list --state dead --destination case-system[/bold]")
def list_(
    state: Annotated[
        list[State] | None, typer.Option("--state", help="May be repeated; default: owed and dead.")
    ] = None,
    destination: DestinationOption = None,
    queue: Annotated[str | None, typer.Option("--queue", help="Only of this queue.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, oldest first.")] = 50,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, and the destinations that are left alone because they failed."""
    from pipeline.store import circuits, deliveries

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        rows = deliveries.listed(
            connection, states=state or (State.OWED, State.DEAD), destination=destination, queue=queue, limit=limit
        )
        open_circuits = circuits.troubled(connection)
    if as_json:
        resting = [
            {"destination": c.destination, "failures": c.failures, "failing_since": c.failing_since,
             "open_until": c.open_until, "last_error": c.last_error}
            for c in open_circuits
        ]  # fmt: skip
        console.print_json({"deliveries": [_values(row) for row in rows], "circuits": resting})
        return
    lines = [
        (str(row.seq), row.report_id, row.queue, row.destination, row.state, str(row.attempts),
         console.until(row.available_at, now=utc_now()) if row.state == "owed" else "",
         console.escape(row.last_error or ""))
        for row in rows
    ]  # fmt: skip
    columns = ("number", "report", "queue", "destination", "state", "tries", "next try", "last error")
    if lines:
        console.out.print(console.table("Deliveries", columns, lines, right=("number", "tries")))
        console.print_cut(len(lines), limit)
    else:
        console.out.print("No such deliveries: nothing waits for a destination or for a person here.")
    for c in open_circuits:
        console.out.print(
            f"\n[yellow]{console.escape(c.destination)}[/yellow] failed {console.counted(c.failures, 'time')} since "
            f"{c.failing_since:%Y-%m-%d %H:%M} UTC ({console.escape(c.last_error)}); "
            f"tried again {console.until(c.open_until, now=utc_now())}"
        )


@app.command(epilog="Example: [bold]sitrep deliveries show 17[/bold]")
def show(
    number: Annotated[int, typer.Argument(help="The delivery's number.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show one delivery with the history of its item."""
    from pipeline.store import deliveries

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        row = deliveries.get(connection, number)
        history = deliveries.history(connection, row.item)
    values = _values(row)
    if as_json:
        events = [{"at": e.at, "actor": e.actor, "action": e.action, "note": e.note} for e in history]
        console.print_json({**values, "history": events})
        return
    lines = [(key, console.escape("" if value is None else str(value))) for key, value in values.items()]
    console.out.print(console.table(f"Delivery {number}", ("", ""), lines))
    events_ = [(f"{e.at:%Y-%m-%d %H:%M}", e.action, e.actor, console.escape(e.note or "")) for e in history]
    console.out.print()
    console.out.print(console.table("History", ("when (UTC)", "what", "who", "note"), events_))


@app.command(epilog="Example: [bold]sitrep deliveries replay --all --reason 'the case system is back'[/bold]")
def replay(
    reason: ReasonOption,
    numbers: Annotated[list[int] | None, typer.Argument(help=_NUMBERS)] = None,
    all_: Annotated[bool, typer.Option("--all", help="All dead letters, or those of --destination.")] = False,
    destination: DestinationOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Owe dead letters again, under the same keys; the next `sitrep deliver` sends them."""
    from pipeline.store import deliveries

    if bool(numbers) == all_:
        raise typer.BadParameter("say which: numbers, or --all")
    opened = open_workspace(workspace)
    with opened.store.write() as connection:
        chosen: Sequence[int] = numbers or deliveries.dead(connection, destination=destination)
        deliveries.replay(connection, chosen, person=operator(), reason=reason, now=utc_now())
    _tell(chosen, "replayed", "owed again: sitrep deliver", as_json=as_json)


@app.command(epilog="Example: [bold]sitrep deliveries drop 17 --reason 'handed over by telephone'[/bold]")
def drop(
    numbers: Annotated[list[int], typer.Argument(help=_NUMBERS)],
    reason: ReasonOption,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Never send these deliveries. They are kept, and `replay` brings them back."""
    from pipeline.store import deliveries

    opened = open_workspace(workspace)
    with opened.store.write() as connection:
        deliveries.drop(connection, numbers, person=operator(), reason=reason, now=utc_now())
    _tell(numbers, "dropped", "dropped: kept, not sent", as_json=as_json)


def _values(row: Row[Any]) -> dict[str, Any]:
    return {"number" if key == "seq" else key: getattr(row, key) for key in _KEYS}


def _tell(numbers: Sequence[int], key: str, words: str, *, as_json: bool) -> None:
    if as_json:
        console.print_json({key: numbers})
    else:
        console.out.print(f"{len(numbers):,} deliveries {words}")
