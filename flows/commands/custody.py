"""`sitrep audit`: the chain of events, its signed heads, and proofs for outsiders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace
from pipeline.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from pipeline.custody.check import Head

app = typer.Typer(help="The audit chain: check it, sign it, prove what is in it.", no_args_is_help=True)
KeyOption = Annotated[
    list[str] | None, typer.Option("--key", help="Verifier key to trust, instead of those in sitrep.toml.")
]


@app.command("verify", epilog="Example: [bold]sitrep audit verify --heads /media/witness/heads[/bold]")
def audit_verify(
    heads: Annotated[Path | None, typer.Option("--heads", help="Signed heads kept elsewhere, besides ours.")] = None,
    rows: Annotated[
        bool,
        typer.Option("--rows", help="Hold every report, decision and review against the chain; reads the whole store."),
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Walk the chain of events, compare it with every signed head; name the first broken link."""
    from flows.custody import altered_rows, check_chain

    opened = open_workspace(workspace)
    found, signed = check_chain(opened, elsewhere=heads)
    differences = altered_rows(opened) if rows else []
    if as_json:
        values = {"events": found.events, "head": found.head, "broken_at": found.broken_at, "problem": found.problem}
        altered = {"altered": [{"subject": one.subject, "problem": one.problem} for one in differences]} if rows else {}
        console.print_json({**values, "heads": len(signed), "signed": signed[-1].size if signed else 0, **altered})
    elif found.broken_at is not None:
        console.err.print(f"[bold red]broken[/bold red]: event {found.broken_at} {console.escape(found.problem or '')}")
    else:
        console.out.print(f"{found.events:,} events hold together; head {found.head}")
        console.out.print(
            f"  {len(signed):,} signed heads fit; the last, of {signed[-1].at}, covers {signed[-1].size:,} events"
            if signed
            else "  no signed head: who can write to the whole store could have written the chain anew"
        )
    if not as_json:
        for one in differences:
            console.err.print(f"[bold red]altered[/bold red]: {one.subject}: {one.problem}")
        if rows and not differences:
            console.out.print("  every report, decision and review is the one that the chain speaks of")
    raise typer.Exit(1 if found.broken_at is not None or differences else 0)


@app.command("key", epilog="Example: [bold]sitrep audit key /etc/sitrep/audit.pem --name desk.example.org[/bold]")
def audit_key(
    path: Annotated[Path, typer.Argument(help="A new file, outside the workspace and its backups.")],
    name: Annotated[str, typer.Option("--name", help="The desk's name in its heads.")],
    as_json: JsonOption = False,
) -> None:
    """Make the key that signs the heads; print what goes into sitrep.toml and to those who are to check."""
    from pipeline.custody.heads import make_key

    verifier = make_key(path, name=name)
    if as_json:
        console.print_json({"key_file": str(path), "verifier": verifier})
        return
    lines = ("[audit]", f"name = {json.dumps(name)}", f"key_file = {json.dumps(str(path.absolute()))}")
    print(*lines, f"verifiers = [{json.dumps(verifier)}]", sep="\n")


@app.command("sign", epilog="Example: [bold]sitrep audit sign[/bold]")
def audit_sign(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Sign the chain as it stands; the nightly run does so as well where the settings name a key."""
    from flows.custody import sign_head

    path, head = sign_head(open_workspace(workspace))
    if as_json:
        console.print_json({"file": str(path), "size": head.size, "root": head.root.hex(), "at": head.at})
    else:
        console.out.print(f"{path}: {head.size:,} events")


@app.command("head", epilog="Example: [bold]sitrep audit head | mail -s head auditor@example.org[/bold]")
def audit_head(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Print the newest signed head, to be mailed, printed or time-stamped: copies elsewhere show what was cut off."""
    from flows.custody import signed_heads

    note, head = _newest(signed_heads(open_workspace(workspace)))
    if as_json:
        console.print_json({"size": head.size, "root": head.root.hex(), "at": head.at, "note": note})
    else:
        print(note, end="")


@app.command("proof", epilog="Example: [bold]sitrep audit proof GAO-0117 --out GAO-0117.proof.json[/bold]")
def audit_proof(
    report: Annotated[str, typer.Argument(help="The report's id, ours or the submitter's.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("proof.json"),
    contents: Annotated[bool, typer.Option("--contents", help="With what was decided and reviewed; no text.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write what happened to a report as one file that others check without the store: `sitrep audit check`."""
    from flows.custody import sign_head, signed_heads
    from pipeline.custody.proof import prove

    opened = open_workspace(workspace)
    if opened.settings.audit.key_file:
        sign_head(opened)
    note, head = _newest(signed_heads(opened))
    with opened.store.read() as connection:
        proof, unproved = prove(connection, report, note=note, head=head, contents=contents)
    out.write_text(json.dumps(proof, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    counts = {"file": str(out), "events": len(proof["links"]), "unproved": len(unproved)}
    if as_json:
        console.print_json(counts)
    else:
        console.out.print(f"{out}: {counts['events']} events of report {proof['report']}")
        if unproved:
            console.out.print(f"  {counts['unproved']} more are not in it: later than the head, or from before proofs")
    raise typer.Exit(1 if unproved else 0)


@app.command("check", epilog="Example: [bold]sitrep audit check proof.json --key 'desk.example.org+1a2b+AbC…'[/bold]")
def audit_check(
    proof: Annotated[Path, typer.Argument(help="A file that `sitrep audit proof` wrote.")],
    key: KeyOption = None,
    text: Annotated[Path | None, typer.Option("--text", help="The report's text as a file, where you have it.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Check a proof; needs no store. Outsiders run pipeline/custody/check.py, which needs nothing of Sitrep."""
    from flows.custody import verifiers
    from pipeline.custody.check import Refused, check_proof
    from pipeline.custody.heads import trusted

    keys = trusted(key) if key else verifiers(open_workspace(workspace))
    try:
        words = text.read_bytes() if text else None
        said, problem = check_proof(json.loads(proof.read_bytes()), keys, text=words), None
    except (Refused, ValueError) as error:
        said, problem = [], str(error) if isinstance(error, Refused) else "the file is no proof"
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror}") from error
    if as_json:
        console.print_json({"holds": problem is None, "problem": problem, "said": said})
    elif problem:
        console.err.print(f"[bold red]refused[/bold red]: {console.escape(problem)}")
    else:
        print(*said, "the proof holds", sep="\n")
    raise typer.Exit(1 if problem else 0)


def _newest(signed: Sequence[tuple[str, Head]]) -> tuple[str, Head]:
    if not signed:
        raise NotFound("no head was signed yet: run `sitrep audit sign`")
    return signed[-1]
