"""`sitrep agreement`, `second-reviews`: how far reviewers agree; `sitrep review-next`: what to look at to teach the model most."""

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
        bool, typer.Option("--blind-only", help="Only pairs whose second review was made without seeing the first.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """How far reviewers of the same reports agree, per type and for urgency, beyond chance."""
    from pipeline.agreement import agreement as measured
    from pipeline.agreement import by_report
    from pipeline.review.second_review import unsayable
    from pipeline.store import corrections, second_reviews
    from pipeline.taxonomy import load_taxonomy

    taxonomy, opened = load_taxonomy(), open_workspace(workspace)
    with opened.store.read() as connection:
        if blind_only:
            pairs = second_reviews.pairs(connection, [queue.id for queue in opened.policy.queues])
            said = [[pair.first, pair.second] for pair in pairs]
            apart = [unsayable(pair.queue, opened.policy, taxonomy) for pair in pairs]
        else:
            said, apart = by_report(list(corrections.verdicts(connection))), []
    found = measured(said, violations=taxonomy.violation_ids, urgencies=taxonomy.urgency_ids[::-1], unsayable=apart)
    if as_json:
        console.print_json([asdict(line) for line in found])
        return
    if not any(line.pairs for line in found):
        blind = " without seeing what the first had said" if blind_only else ""
        console.out.print(f"No report was reviewed by two people{blind} yet: there is nothing to compare.")
        return
    rows = [
        (line.label, str(line.reports), str(line.pairs), f"{line.observed:.2f}" if line.pairs else "",
         _figure(line.kappa), _figure(line.alpha))
        for line in found
    ]  # fmt: skip
    names = ("label", "reports", "pairs", "same", "Cohen's kappa", "Krippendorff's alpha")
    console.out.print(console.table("Agreement of reviewers", names, rows, right=names[1:]))


@app.command("second-reviews", epilog="Example: [bold]sitrep second-reviews[/bold]")
def second_reviews(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Of the reports drawn for two reviews: how many wait for the second, agree, differ, or were settled, by queue."""
    from pipeline.store import second_reviews as stored

    with open_workspace(workspace).store.read() as connection:
        found = stored.counts(connection)
    if as_json:
        console.print_json({queue: {state: found[queue][state] for state in stored.STATES} for queue in sorted(found)})
        return
    rows = [(queue, *(str(found[queue][state]) for state in stored.STATES)) for queue in sorted(found)]
    none = "No report was drawn for a second review yet; `second_review` in policy.toml says how many."
    console.out.print(console.table("Second reviews", ("queue", *stored.STATES), rows, right=stored.STATES, empty=none))


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
    console.out.print(
        console.table(
            "To review next", ("report", "queue", "least sure of"), rows, empty="No report waits for a review here."
        )
    )


def _figure(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
