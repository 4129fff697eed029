"""`sitrep train`, `sitrep evaluate` and `sitrep models`: versions of the classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows import console
from flows.commands.options import CorporaOption, JsonOption

app = typer.Typer()


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
