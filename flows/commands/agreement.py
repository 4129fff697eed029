"""`sitrep agreement`: how far reviewers agree; `sitrep review-next`: what to look at to teach the model most."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep agreement --blind-only[/bold]")
def agreement(
    blind_only: Annotated[
        bool, typer.Option("--blind-only", help="Only reports whose later review was made without seeing the first.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """How far reviewers of the same reports agree, per type and for urgency, beyond chance."""
    from pipeline.agreement import agreement as measured
    from pipeline.store import corrections
    from pipeline.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    with open_workspace(workspace).store.read() as connection:
        said = list(corrections.verdicts(connection))
    if blind_only:
        kept = {v.report for v in said if v.blind}
        said = [v for v in said if v.report in kept]
    found = measured(said, violations=list(taxonomy.violation_ids), urgencies=taxonomy.urgency_ids[::-1])
    if as_json:
        console.print_json([asdict(line) for line in found])
        return
    rows = [
        (line.label, str(line.reports), str(line.pairs), f"{line.observed:.2f}" if line.pairs else "",
         _figure(line.kappa), _figure(line.alpha))
        for line in found
    ]  # fmt: skip
    names = ("label", "reports", "pairs", "same", "Cohen's kappa", "Krippendorff's alpha")
    console.out.print(console.table("Agreement of reviewers", names, rows, right=names[1:]))


@app.command("review-next", epilog="Example: [bold]sitrep review-next --count 25[/bold]")
def review_next(
    count: Annotated[int, typer.Option("--count", min=1, max=1000)] = 25,
    queue: Annotated[list[str] | None, typer.Option("--queue", help="Only this queue; may be repeated.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Reports whose review would teach the model most: unsure ones, unlike each other, of types with few examples."""
    from pipeline.review_next import review_next as chosen
    from pipeline.taxonomy import load_taxonomy

    opened = open_workspace(workspace)
    queues = frozenset(queue or [q.id for q in opened.policy.queues if not q.restricted])
    with opened.store.read() as connection:
        found = chosen(connection, queues, violations=load_taxonomy().violation_ids, count=count)
    if as_json:
        console.print_json([asdict(line) for line in found])
        return
    rows = [(line.report, line.queue, line.unsure_of) for line in found]
    console.out.print(console.table("To review next", ("report", "queue", "least sure of"), rows))


def _figure(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
