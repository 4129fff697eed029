"""`sitrep drift`: whether what comes in, or how the model reads it, has changed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, utc_now

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep drift --days 7 --reference-until 2026-04-01[/bold]")
def drift(
    days: Annotated[int | None, typer.Option("--days", min=1, max=366, help="The last days; default: 7.")] = None,
    reference_days: Annotated[
        int | None, typer.Option("--reference-days", min=1, max=3660, help="Days to compare them with; default: 90.")
    ] = None,
    reference_until: Annotated[
        datetime | None,
        typer.Option("--reference-until", formats=["%Y-%m-%d"], help="Where these end; default: where the last begin."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Compare the last days with a time before: types, urgency, countries, lengths, abstentions. No restricted queues."""
    from flows.drift import compare_periods
    from pipeline.digest.drift import FEWEST

    opened = open_workspace(workspace)
    said = {
        "days": days, "reference_days": reference_days, "reference_until": reference_until and reference_until.date()
    }  # fmt: skip
    settings = opened.settings.drift.model_copy(update={key: value for key, value in said.items() if value is not None})
    compared = compare_periods(opened, until=utc_now(), settings=settings)
    if as_json:
        console.print_json(
            {
                "reference": asdict(compared.reference),
                "recent": asdict(compared.recent),
                "drift": [{**asdict(found), "sentence": found.sentence} for found in compared.found],
            }
        )
        return
    title = f"{compared.recent.since:%Y-%m-%d} to now against {compared.reference.since:%Y-%m-%d} to {compared.reference.until:%Y-%m-%d}"
    rows = [
        (f.feature, *(("", "") if f.verdict == "too few" else (f"{f.psi:.2f}", f"{f.by_chance:.2f}")), f"{f.before:,}",
         f"{f.now:,}", f.verdict)
        for f in compared.found
    ]  # fmt: skip
    figures = ("PSI", "by chance", "reports before", "now")
    console.out.print(console.table(title, ("", *figures, "verdict"), rows, right=figures))
    if any(found.verdict == "too few" for found in compared.found):
        console.out.print(f"\nToo few: a period with less than {FEWEST} reports says nothing.")
    for found in compared.found:
        if found.sentence:
            console.out.print(f"\n{found.sentence}", soft_wrap=True)
