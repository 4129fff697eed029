"""The command line `sitrep`. Each command is a few lines over a library function.

Heavy libraries are imported inside the commands that need them, so that every command starts fast.
Exit codes: 0 done, 1 some reports were quarantined or not delivered, 2 wrong usage or configuration.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import console
from flows.workspace import Workspace, init_workspace, open_workspace, utc_now
from pipeline.errors import SitrepError

app = typer.Typer(
    name="sitrep",
    help="Triage human-rights situation reports: what is in them, how urgent they are, who must act.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start with: [bold]sitrep init my-desk && cd my-desk && sitrep run reports.csv[/bold]",
)

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="SITREP_WORKSPACE", help="Folder that `sitrep init` made.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
MapOption = Annotated[
    list[str] | None, typer.Option("--map", help="Which column holds what, such as text=Narrative; may be repeated.")
]
SourceOption = Annotated[str | None, typer.Option("--source", help="Who sent these reports, such as a field office.")]
HERE = Path()


audit_app = typer.Typer(help="The audit chain.", no_args_is_help=True)
gazetteer_app = typer.Typer(help="The gazetteer of place names.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
app.add_typer(gazetteer_app, name="gazetteer")


def main() -> None:
    """Run a command; an error that people can act on is one sentence on standard error and exit code 2."""
    try:
        app()
    except SitrepError as error:
        console.err.print(f"[bold red]sitrep:[/bold red] {console.escape(str(error))}")
        sys.exit(2)


def _mapping(pairs: list[str] | None) -> dict[str, str]:
    mapping = {}
    for pair in pairs or []:
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            raise typer.BadParameter(f"{pair!r} is not FIELD=COLUMN, such as text=Narrative")
        mapping[field.strip()] = column.strip()
    return mapping


@app.command(epilog="Example: [bold]sitrep init my-desk[/bold]")
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder to make.")] = HERE, as_json: JsonOption = False
) -> None:
    """Make a workspace: sitrep.toml, policy.toml and the store. Refuses to overwrite."""
    made = init_workspace(folder)
    if as_json:
        console.print_json({"workspace": str(folder), "files": [str(path) for path in made]})
        return
    for path in made:
        console.out.print(f"  made {path}")
    console.out.print(f"Next: cd {folder} && sitrep run YOUR-REPORTS.csv")


@app.command(epilog="Example: [bold]sitrep submit reports.xlsx --map text=Narrative --source gao-office[/bold]")
def submit(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, archives, or - for standard input.")],
    source: SourceOption = None,
    map_: MapOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take in a batch of reports; print the receipt."""
    opened = open_workspace(workspace)
    with Progress(opened, "taking in", quiet=as_json) as progress:
        receipt = _submit(opened, paths, source, _mapping(map_), progress)
    problems = _problems(opened, receipt.batch)
    if as_json:
        console.print_json({**console.receipt_values(receipt), "quarantine": [_problem_values(p) for p in problems]})
    else:
        console.print_receipt(receipt, problems)
        if receipt.pending:
            console.out.print(f"  {receipt.pending:,} wait for triage: [bold]sitrep run[/bold]")
    raise typer.Exit(1 if receipt.quarantined else 0)


@app.command(epilog="Example: [bold]sitrep run reports.csv --out results.jsonl[/bold]")
def run(
    paths: Annotated[list[Path] | None, typer.Argument(help="Reports to take in first; - for standard input.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the results as JSON Lines.")] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Dry run on N reports: show the queue load.")
    ] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Without Prefect: quicker for a few reports.")] = False,
    source: SourceOption = None,
    map_: MapOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take in reports (if any are named) and triage everything that waits, through the Prefect flow."""
    opened = open_workspace(workspace)
    mapping = _mapping(map_)
    if sample:
        _sample(opened, paths or [], sample, source, mapping, as_json=as_json)
        return
    receipt = None
    if paths:
        with Progress(opened, "taking in", quiet=as_json) as progress:
            receipt = _submit(opened, paths, source, mapping, progress)
    with Progress(opened, "triaging", quiet=as_json) as progress:
        counts = _triage(opened, direct=direct, progress=progress)
    problems = _problems(opened, receipt.batch) if receipt else []
    written = 0
    if out:
        written = _write_results(opened, out, receipt.batch if receipt else None)
    if as_json:
        console.print_json(
            {
                "receipt": console.receipt_values(receipt) if receipt else None,
                "quarantine": [_problem_values(p) for p in problems],
                **counts,
                "queues": _queue_values(opened),
                "results": str(out) if out else None,
            }
        )
    else:
        if receipt:
            console.print_receipt(receipt, problems)
            console.out.print()
        failed = f", {counts['failed']} could not be processed and wait in manual-review" if counts["failed"] else ""
        console.out.print(f"{counts['triaged']:,} triaged into {counts['items']:,} queue items{failed}\n")
        _print_queues(opened)
        if out:
            console.out.print(f"\n{written:,} results in {out}")
        console.out.print("\n[dim]next: sitrep queues --items · sitrep show REPORT · sitrep deliver[/dim]")
    raise typer.Exit(1 if (receipt and receipt.quarantined) or counts["failed"] else 0)


@app.command(epilog="Example: [bold]sitrep status --json[/bold]")
def status(
    batch: Annotated[str | None, typer.Argument(help="One batch, with its quarantined rows.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show batches, newest first, and what waits."""
    from pipeline.store import batches, outbox, reports

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        receipts = [batches.receipt(connection, i) for i in ([batch] if batch else batches.recent(connection))]
        waiting, deliveries = reports.pending_count(connection), outbox.counts(connection)
    problems = _problems(opened, batch) if batch else []
    if as_json:
        values: dict[str, Any] = {"batches": [console.receipt_values(r) for r in receipts], "pending": waiting}
        console.print_json({**values, "deliveries": deliveries, "quarantine": [_problem_values(p) for p in problems]})
        return
    if batch:
        console.print_receipt(receipts[0], problems, shown=1000)
        return
    figures = ("received", "accepted", "duplicate", "quarantined", "pending")
    rows = [
        (r.batch, r.source or "", f"{r.received:,}", f"{r.accepted:,}", f"{r.duplicates:,}", f"{r.quarantined:,}",
         f"{r.pending:,}", "" if r.complete else "unfinished: submit it again")
        for r in receipts
    ]  # fmt: skip
    console.out.print(console.table("Batches", ("batch", "source", *figures, ""), rows, right=figures))
    console.out.print(f"\n{waiting:,} reports wait for triage; deliveries: {_words(deliveries) or 'none yet'}")


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
            console.print_json(_queue_values(opened))
        else:
            _print_queues(opened)
        return
    with opened.store.read() as connection:
        work = store_queues.work(connection, queues=queue or None, limit=limit)
    if as_json:
        keys = ("report_id", "external_id", "queue", "urgency", "reason", "due", "state", "assignee")
        console.print_json([{key: getattr(row, key) for key in keys} for row in work])
        return
    rows = [
        (row.report_id, row.external_id or "", row.queue, f"[{console.URGENCY_STYLE[row.urgency]}]{row.urgency}[/]",
         console.until(row.due, now=utc_now()), console.escape(row.reason))
        for row in work
    ]  # fmt: skip
    console.out.print(console.table("Items", ("report", "id", "queue", "urgency", "due", "reason"), rows))


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
    if result is None:
        console.out.print(console.escape(found.text))
        console.out.print("\nNot triaged yet: sitrep run")
        return
    console.print_report(result, found.text)
    if repeats:
        console.out.print(f"Submitted again {len(repeats)} time(s): " + ", ".join(r.batch for r in repeats))
    rows = [(f"{e.at:%Y-%m-%d %H:%M}", e.queue, e.action, e.actor, console.escape(e.note or "")) for e in history]
    console.out.print()
    console.out.print(console.table("History", ("when (UTC)", "queue", "what", "who", "note"), rows))


@app.command(epilog="Example: [bold]sitrep deliver --dry-run[/bold]")
def deliver(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Try the dead letters again.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Send what the queues owe to their destinations."""
    import random

    from pipeline.deliver import deliver as send
    from pipeline.store import outbox

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
    if replay:
        with opened.store.write() as connection:
            outbox.replay(connection, now=utc_now())
    done = send(opened.store, opened.destinations, now=utc_now, rng=random.Random())
    if as_json:
        console.print_json({"sent": done.sent, "failed": done.failed, "owed": done.owed, "dead": done.dead})
    else:
        console.out.print(
            f"{done.sent:,} sent, {done.failed:,} failed, {done.owed:,} still owed, {done.dead:,} dead letters"
        )
        if done.dead:
            console.out.print("  dead letters are kept: mend the destination, then sitrep deliver --replay")
    raise typer.Exit(1 if done.owed or done.dead else 0)


@app.command(epilog="Example: [bold]sitrep doctor[/bold]")
def doctor(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Check device, model, store, queues, Prefect, disk and clock; say how to mend what is wrong."""
    from flows.doctor import examine

    checks = examine(workspace)
    if as_json:
        console.print_json([{"check": c.name, "state": c.state, "found": c.found, "mend": c.mend} for c in checks])
    else:
        styles = {"ok": "green", "warning": "yellow", "broken": "bold red"}
        rows = [
            (c.name, f"[{styles[c.state]}]{c.state}[/]", console.escape(c.found), console.escape(c.mend))
            for c in checks
        ]
        console.out.print(console.table("Doctor", ("check", "", "found", "mend"), rows))
    raise typer.Exit(2 if any(c.state == "broken" for c in checks) else 0)


@app.command(epilog="Example: [bold]sitrep export quarantine --batch 20250214-101500-3f9a2c --out mend.jsonl[/bold]")
def export(
    what: Annotated[str, typer.Argument(help="results or quarantine.")],
    out: Annotated[
        Path, typer.Option("--out", help="The file to write: .jsonl; results also as .csv or .parquet.")
    ] = Path("export.jsonl"),
    batch: Annotated[str | None, typer.Option("--batch", help="Only this batch; default: all.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write results, or quarantined rows with their original content to mend and submit again."""
    from pipeline.results import batch_results, write_quarantine, write_results
    from pipeline.store import batches
    from pipeline.tables import results_table, write_table

    writers = {"results": write_results, "quarantine": write_quarantine}
    if what not in writers:
        raise typer.BadParameter(f"{what!r} is neither results nor quarantine")
    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        if batch:
            batches.receipt(connection, batch)
        chosen = [batch] if batch else batches.recent(connection, limit=1_000_000)[::-1]
    if what == "results" and out.suffix != ".jsonl":
        with opened.store.read() as connection:
            table = results_table(line for ident in chosen for line in batch_results(connection, ident))
        write_table(table, out)
        written = len(table)
    else:
        written = writers[what](opened.store, chosen, out)
    if as_json:
        console.print_json({"written": written, "file": str(out)})
    else:
        console.out.print(f"{written:,} lines in {out}")


@audit_app.command("verify", epilog="Example: [bold]sitrep audit verify[/bold]")
def audit_verify(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Walk the chain of events; name the first broken link."""
    from pipeline.store import audit

    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        found = audit.verify(connection)
    if as_json:
        values = {"events": found.events, "head": found.head, "broken_at": found.broken_at, "problem": found.problem}
        console.print_json(values)
    elif found.broken_at:
        console.err.print(f"[bold red]broken[/bold red]: event {found.broken_at} {found.problem}")
    else:
        console.out.print(f"{found.events:,} events hold together; head {found.head}")
    raise typer.Exit(1 if found.broken_at else 0)


@gazetteer_app.command("import", epilog="Example: [bold]sitrep gazetteer import ML.zip --out mali.sqlite[/bold]")
def gazetteer_import(
    dump: Annotated[Path, typer.Argument(help="A GeoNames table: allCountries.zip, ML.zip or the .txt in it.")],
    out: Annotated[Path, typer.Option("--out", help="The gazetteer to write.")],
    country: Annotated[list[str] | None, typer.Option("--country", help="Only this ISO code; may be repeated.")] = None,
) -> None:
    """Build a full gazetteer from a GeoNames dump that you have; name it as `gazetteer` in sitrep.toml."""
    from pipeline.errors import ConfigurationError
    from pipeline.extract.gazetteer import import_geonames

    if not dump.is_file():
        raise ConfigurationError(f"{dump}: there is no such file")
    with console.waiting("building …", quiet=False):
        count = import_geonames(dump, out=out, countries=country)
    console.out.print(f'{count:,} places in {out}; use it with gazetteer = "{out}" in sitrep.toml')


CorporaOption = Annotated[
    Path | None,
    typer.Option("--corpora", envvar="SITREP_CORPORA", help="Folder of the outside corpora, if you have them."),
]


@app.command(epilog="Example: [bold]sitrep train --corpora ~/corpora --out models/desk-1[/bold]")
def train(
    out: Annotated[Path, typer.Option("--out", help="Folder to write the version to; its name is the version's.")],
    corpora: CorporaOption = None,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 12,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also corpora that label only part of what we ask.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune the model (on the GPU when present), calibrate it, score it on held-out data."""
    from flows.train import train_version
    from models.train import Recipe

    say = console.err.print
    metrics = train_version(
        out, root=corpora, recipe=Recipe(seed=seed, epochs=epochs), full_labels=not partial, report=say
    )
    if as_json:
        console.print_json(metrics)
    else:
        console.out.print(f'{out} is ready: sitrep evaluate --model {out}; use it with model = "{out}" in sitrep.toml')


@app.command(epilog="Example: [bold]sitrep evaluate --corpora ~/corpora[/bold]")
def evaluate(
    model: Annotated[
        str | None, typer.Option("--model", help="A version or a folder; default: the shipped one.")
    ] = None,
    corpora: CorporaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a version on the held-out sets, with 95% intervals: our own, and the real passages where you have them."""
    from flows.train import score_version, test_sets
    from models.evaluate import markdown
    from models.registry import find

    folder = find(model)
    results = {name: score_version(folder, found) for name, found in test_sets(corpora).items() if found}
    if as_json:
        console.print_json(results)
        return
    for name, result in results.items():
        console.out.print(markdown(name, result), markup=False)


@app.command(name="models", epilog="Example: [bold]sitrep models[/bold]")
def list_models(as_json: JsonOption = False) -> None:
    """List the versions that come with Sitrep, with their figures on held-out data."""
    from models.manifest import load_manifest
    from models.registry import DEFAULT, shipped

    rows: list[dict[str, Any]] = []
    for name, folder in shipped().items():
        manifest = load_manifest(folder)
        figures = {k: {m: f["value"] for m, f in v["figures"].items()} for k, v in manifest.metrics.items()}
        rows.append(
            {"version": manifest.version, "default": name == DEFAULT, "folder": str(folder), "figures": figures}
        )
    if as_json:
        console.print_json(rows)
        return
    for row in rows:
        console.out.print(f"[bold]{row['version']}[/bold]{' (default)' if row['default'] else ''}")
        for name, found in row["figures"].items():
            console.out.print(f"  {name}: micro F1 {found['micro_f1']:.3f}, urgency kappa {found['urgency_kappa']:.3f}")


def _submit(
    opened: Workspace, paths: list[Path], source: str | None, mapping: dict[str, str], progress: Progress
) -> Any:
    from pipeline.submit import submit as take_in

    return take_in(
        opened.store,
        paths,
        now=utc_now,
        limits=opened.limits,
        mapping=mapping,
        source=source,
        stdin=sys.stdin.buffer,
        threshold=opened.settings.near_duplicate_threshold,
        progress=progress.advance,
    )


def _triage(opened: Workspace, *, direct: bool, progress: Progress) -> dict[str, Any]:
    """Triage what waits, with or without Prefect; counts."""
    if direct:
        from pipeline.store import reports
        from pipeline.triage import NOTHING, triage_chunk

        with opened.store.read() as connection:
            chunks = reports.pending_chunks(connection, size=opened.settings.chunk_size)
        total = NOTHING
        for first, last in chunks:
            total += triage_chunk(opened.store, first, last, opened.rooms, now=utc_now)
            progress.refresh()
        return {"triaged": total.triaged, "items": total.items, "failed": total.failed}
    import asyncio

    from flows.run import run_quietly

    counts: dict[str, Any] = asyncio.run(run_quietly(opened.settings.workspace.absolute()))
    return {key: counts[key] for key in ("triaged", "items", "failed")}


def _sample(
    opened: Workspace, paths: list[Path], count: int, source: str | None, mapping: dict[str, str], *, as_json: bool
) -> None:
    """A dry run in a store of its own that is thrown away: what the queues would receive."""
    import tempfile
    from itertools import islice

    from pipeline.intake import read_inputs
    from pipeline.store import open_store
    from pipeline.store import queues as store_queues
    from pipeline.store import reports as store_reports
    from pipeline.store.migrate import upgrade
    from pipeline.submit import take_in
    from pipeline.triage import triage_chunk

    if not paths:
        raise typer.BadParameter("--sample needs files to sample from")
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        store = open_store("sqlite:///sample.db", base=Path(folder))
        upgrade(store)
        rows = read_inputs(paths, mapping=mapping, limits=opened.limits, source=source, stdin=None)
        receipt = take_in(store, islice(rows, count), name="sample", now=utc_now, source=source)
        with store.read() as connection:
            chunks = store_reports.pending_chunks(connection, size=opened.settings.chunk_size)
        for first, last in chunks:
            triage_chunk(store, first, last, opened.rooms, now=utc_now)
        with store.read() as connection:
            summaries = store_queues.summaries(connection, now=utc_now())
        store.dispose()
    if as_json:
        load = {name: {"open": s.open, "by_urgency": s.by_urgency} for name, s in summaries.items()}
        console.print_json({"sample": console.receipt_values(receipt), "queues": load})
        return
    console.out.print("[bold]Dry run[/bold]: nothing was stored.")
    console.print_receipt(receipt, [])
    console.out.print()
    console.print_queues(opened.policy, summaries, now=utc_now())


def _write_results(opened: Workspace, path: Path, batch: str | None) -> int:
    from pipeline.results import write_results
    from pipeline.store import batches

    with opened.store.read() as connection:
        chosen = [batch] if batch else batches.recent(connection, limit=1_000_000)[::-1]
    return write_results(opened.store, chosen, path)


def _problems(opened: Workspace, batch: str) -> list[Any]:
    from pipeline.store import batches

    with opened.store.read() as connection:
        return list(batches.quarantined(connection, batch))


def _problem_values(row: Any) -> dict[str, Any]:
    return {"line": row.line, "where": row.locator, "reason": row.reason, "message": row.message}


def _queue_values(opened: Workspace) -> list[dict[str, Any]]:
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
                "overdue": summary.overdue if summary else 0,
                "by_urgency": summary.by_urgency if summary else {},
                "oldest": summary.oldest if summary else None,
                "next_due": summary.next_due if summary else None,
            }
        )
    return values


def _print_queues(opened: Workspace) -> None:
    from pipeline.store import queues as store_queues

    with opened.store.read() as connection:
        summaries = store_queues.summaries(connection, now=utc_now())
    console.print_queues(opened.policy, summaries, now=utc_now())


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))


class Progress:
    """A progress bar on standard error; rows while taking in, reports that still wait while triaging."""

    def __init__(self, opened: Workspace, verb: str, *, quiet: bool) -> None:
        self.opened, self.verb = opened, verb
        self.quiet = quiet or not console.err.is_terminal
        self.rows = 0

    def __enter__(self) -> Progress:
        if not self.quiet:
            from flows.progress import start

            self.bar = start(self.opened.store, self.verb)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.quiet:
            self.bar.stop()

    def advance(self, rows: int) -> None:
        self.rows += rows
        if not self.quiet:
            self.bar.advance(rows)

    def refresh(self) -> None:
        """Triage's bar reads the store by itself."""


if __name__ == "__main__":
    main()
