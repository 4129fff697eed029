"""`sitrep nightly` and `sitrep digest`: nights that run themselves, and what a span of time brought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, utc_now

app = typer.Typer()

_WRONG = {
    "quarantined": "quarantined: sitrep status, sitrep export quarantine --out mend.xlsx",
    "failed": "could not be processed and wait in manual-review",
    "owed": "deliveries still owed: sitrep deliveries list",
    "dead": "dead letters: sitrep deliveries list",
    "mailbox_failed": "mailbox could not be read: sitrep doctor",
}
"""What makes a night end with exit code 1, and where to look."""


@app.command(epilog="Example: [bold]sitrep nightly --once[/bold]")
def nightly(
    once: Annotated[bool, typer.Option("--once", help="Run tonight's night now; twice is once.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Run it by the schedule in sitrep.toml, until stopped.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Collect the drop folder, triage, deliver, write the digest, check the chain."""
    if once == serve:
        raise typer.BadParameter("say --once or --serve")
    opened = open_workspace(workspace)
    settings = opened.settings
    if serve:
        from flows.nightly import serve as serve_forever

        console.err.print(f"nights at {settings.nightly!r} ({settings.time_zone}); stop with Ctrl+C")
        serve_forever(settings.workspace, cron=settings.nightly, zone=settings.time_zone)
        return
    import asyncio

    from flows.run import night_quietly

    counts = asyncio.run(night_quietly(settings.workspace.absolute()))
    if as_json:
        console.print_json(counts)
    else:
        for line in told(counts):
            console.out.print(line)
        console.out.print(f"  digest: {settings.path(settings.digests) / (counts['night'] + '.html')}")
    raise typer.Exit(1 if any(counts.get(key) for key in _WRONG) or not counts.get("chain_intact", True) else 0)


def told(counts: Mapping[str, Any]) -> Iterator[str]:
    """What a night did, and all that makes it end with exit code 1."""
    done = "was done already: " if counts["already_done"] else ""
    batches = "1 batch" if counts["batches"] == 1 else f"{counts['batches']:,} batches"
    yield (
        f"night of {counts['night']}: {done}{counts['received']:,} received in {batches}, "
        f"{counts['triaged']:,} triaged, {counts['sent']:,} sent"
    )
    if counts["already_done"]:
        yield "  what was dropped since waits for the next night, or for `sitrep run FILES`"
    yield from (f"  {counts[key]:,} {mend}" for key, mend in _WRONG.items() if counts.get(key))
    if not counts.get("chain_intact", True):
        yield "  [bold red]the audit chain is broken[/bold red]: stop writing; sitrep audit verify"


@app.command(epilog="Example: [bold]sitrep digest --days 7 --out week.html[/bold]")
def digest(
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path("digest.html"),
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How far back.")] = 1,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write a digest of the last days: one HTML file that needs nothing else. Restricted queues are left out."""
    from flows.digests import digest_of
    from pipeline.digest import as_html, as_values

    until = utc_now()
    found = digest_of(open_workspace(workspace), since=until - timedelta(days=days), until=until)
    out.write_text(as_html(found), encoding="utf-8")
    if as_json:
        console.print_json({**as_values(found), "digest": str(out)})
    else:
        console.out.print(f"{console.counted(found.triaged, 'report')} in {out}")
