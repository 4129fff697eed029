"""The command line `sitrep`. Each command is a few lines over a library function.

Heavy libraries are imported inside the commands that need them, so that every command starts fast.
Exit codes: 0 done, 1 some reports were quarantined or not delivered, 2 wrong usage or configuration.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from flows import console
from flows.commands import (
    actors,
    agreement,
    backup,
    custody,
    deliveries,
    delivery,
    drift,
    encryption,
    erasure,
    export,
    gazetteer,
    metrics,
    models,
    nightly,
    queues,
    review,
    triage,
    work,
    workspace,
)
from pipeline.errors import SitrepError

app = typer.Typer(
    name="sitrep",
    help="Triage human-rights situation reports: what is in them, how urgent they are, who must act.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start with: [bold]sitrep init my-desk && cd my-desk && sitrep run reports.csv[/bold]",
)
app.add_typer(workspace.app)
app.add_typer(triage.app)
app.add_typer(queues.app)
app.add_typer(work.queue_app, name="queue")
app.add_typer(work.policy_app, name="policy")
app.add_typer(review.app)
app.add_typer(backup.app)
app.add_typer(nightly.app)
app.add_typer(delivery.app)
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(metrics.app)
app.add_typer(drift.app)
app.add_typer(export.app)
app.add_typer(custody.app, name="audit")
app.add_typer(encryption.app, name="encryption")
app.add_typer(erasure.hold_app, name="hold")
app.add_typer(erasure.app)
app.add_typer(gazetteer.app, name="gazetteer")
app.add_typer(actors.app, name="actors")
app.add_typer(models.app)
app.add_typer(agreement.app)


def main() -> None:
    """Run a command; an error that people can act on is one sentence on standard error and exit code 2."""
    try:
        app()
    except SitrepError as error:
        _stop(str(error))
    except OSError as error:  # a folder, a file or a disk that the person named: theirs to mend
        _stop(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _stop(problem: str) -> NoReturn:
    console.err.print(f"[bold red]sitrep:[/bold red] {console.escape(problem)}")
    sys.exit(2)


if __name__ == "__main__":
    main()
