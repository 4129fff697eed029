"""`sitrep train`, `sitrep evaluate` and `sitrep models`: versions of the classifier."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import console
from flows.commands.options import HERE, CorporaOption, JsonOption, WorkspaceOption
from flows.workspace import MODELS, Workspace, open_workspace, operator, utc_now
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from models.promotion import Champion

app = typer.Typer()


@app.command(epilog="Example: [bold]sitrep train --corpora ~/corpora --out models/desk-1[/bold]")
def train(
    out: Annotated[Path, typer.Option("--out", help="Folder to write the version to; its name is the version's.")],
    corpora: CorporaOption = None,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="Default: 8; where it goes on from a version, 3.", show_default=False),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also corpora that label only part of what we ask.")
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--start", help="A version or a folder to go on from; default: the base encoder.", show_default=False
        ),
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            "--teacher",
            help="Folder of a version; the mean of several labels unread texts to learn from (with --corpora).",
        ),
    ] = None,
    from_corrections: Annotated[
        bool,
        typer.Option(
            "--from-corrections", help="Go on from the version in use with what reviewers said; --out is a name."
        ),
    ] = False,
    include: Annotated[
        Path | None, typer.Option("--include", help="Only corrections of these reports: a file with an id a line.")
    ] = None,
    exclude: Annotated[
        Path | None, typer.Option("--exclude", help="No corrections of these reports: a file with an id a line.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune the model (on the GPU when present), calibrate it, score it on held-out data."""
    from flows.train import train_version
    from models.registry import find
    from models.train import Recipe

    if from_corrections:
        _learn(workspace, out.name, corpora, epochs or 3, seed, include, exclude, as_json=as_json)
        return
    if teacher and not corpora:
        raise ConfigurationError("--teacher labels texts of the outside corpora: say where they are with --corpora")
    recipe = Recipe(seed=seed).smaller_steps() if start else Recipe(seed=seed)
    metrics = train_version(
        out, root=corpora, recipe=replace(recipe, epochs=epochs or recipe.epochs), full_labels=not partial,
        start=find(start) if start else None, teachers=teacher or (), report=console.err.print,
    )  # fmt: skip
    if as_json:
        console.print_json(metrics)
    else:
        console.out.print(f'{out} is ready: sitrep evaluate --model {out}; use it with model = "{out}" in sitrep.toml')


def _learn(
    workspace: Path, name: str, corpora: Path | None, epochs: int, seed: int, include: Path | None, exclude: Path | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    """Go on from the version in use with what reviewers said."""
    from flows.retrain import REPORT, correction_recipe, retrain_version

    learnt = retrain_version(
        workspace, name, corpora=corpora, recipe=correction_recipe(epochs=epochs, seed=seed), include=include,
        exclude=exclude, now=utc_now(), report=console.err.print,
    )  # fmt: skip
    if as_json:
        console.print_json(learnt)
        return
    shadow = learnt["shadow"]
    console.out.print(
        f"{name} learnt from {learnt['corrections']} corrections; on the last batch it would change "
        f"{shadow['changed_types']} types and {shadow['changed_urgency']} urgencies in {shadow['reports']} reports "
        f"(models/{name}/{REPORT}): sitrep models promote {name} --why …"
    )


@app.command(epilog="Example: [bold]sitrep evaluate --model models/desk-1 --corpora ~/corpora --out evaluation[/bold]")
def evaluate(
    model: Annotated[
        str | None, typer.Option("--model", help="A version or a folder; default: the shipped one.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="A version to compare with; default: the shipped one.")
    ] = None,
    corpora: CorporaOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for evaluation.json, evaluation.md and the plots.")
    ] = None,
    entities: Annotated[
        bool, typer.Option("--entities", help="Places, actors and dates instead of types and urgency.")
    ] = False,
    gazetteer: Annotated[
        Path | None, typer.Option("--gazetteer", help="With --entities: a gazetteer; default: the built-in one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a version on the held-out sets, with 95% intervals: our own, and the real passages where you have them."""
    from flows.evaluate import compare_versions, score_sets
    from models.registry import find
    from models.scorecard import comparison, markdown

    if entities:
        _evaluate_entities(find(model), corpora, gazetteer=gazetteer, out=out, as_json=as_json)
        return
    folder, other = find(model), find(against)
    results = score_sets(folder, corpora)
    page = [markdown(name, result) for name, result in results.items()]
    if folder != other:
        incumbent, differences = score_sets(other, corpora), compare_versions(folder, other, corpora)
        page += [comparison(n, results[n], incumbent[n], differences[n]) for n in results]
        for name, difference in differences.items():
            results[name]["against"] = {"version": other.name, "micro_f1_difference": difference}
    if out:
        _write_evaluation(out, results, "\n".join(page))
    if as_json:
        console.print_json(results)
        return
    for part in page:
        console.out.print(part, markup=False)
    if out:
        console.out.print(f"written to {out}")


def _evaluate_entities(
    folder: Path, corpora: Path | None, *, gazetteer: Path | None, out: Path | None, as_json: bool
) -> None:
    import json

    from flows.entities import markdown, score_entities

    result = score_entities(folder, corpora, gazetteer=gazetteer)
    page = markdown(result)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "entities.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (out / "entities.md").write_text(page, encoding="utf-8")
    if as_json:
        console.print_json(result)
        return
    console.out.print(page, markup=False)


def _write_evaluation(out: Path, results: dict[str, Any], page: str) -> None:
    import json

    from models.scorecard import plots

    out.mkdir(parents=True, exist_ok=True)
    (out / "evaluation.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, result in results.items():
        for file, svg in plots(result).items():
            path = out / f"{name.replace(' ', '-')}-{file}"
            path.write_text(svg, encoding="utf-8")
            page += f"\n![{name}: {path.stem}]({path.name})\n"
    (out / "evaluation.md").write_text(page, encoding="utf-8")


versions_app = typer.Typer(help="Versions of the model: list, promote, roll back.", invoke_without_command=True)
app.add_typer(versions_app, name="models")
WhoOption = Annotated[str, typer.Option("--by", help="Who decides; default: the user of this machine.")]
WhyOption = Annotated[
    str, typer.Option("--why", "--reason", help="The reason, kept in the history and the audit chain.")
]


@versions_app.callback(epilog="Example: [bold]sitrep models[/bold]")
def list_by_default(context: typer.Context, workspace: WorkspaceOption = HERE) -> None:
    """Versions of the model: list, promote, roll back."""
    if context.invoked_subcommand is None:
        list_versions(workspace)


@versions_app.command("list", epilog="Example: [bold]sitrep models list --json[/bold]")
def list_versions(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List the versions of this workspace and the shipped ones, with their figures on held-out data."""
    from models.manifest import load_manifest
    from models.promotion import versions
    from models.registry import find, shipped

    try:
        opened = open_workspace(workspace)
        known, in_use = versions(opened.settings.path(MODELS)), opened.model_folder
    except ConfigurationError:  # outside a workspace there are the shipped ones
        known, in_use = shipped(), find(None)
    rows: list[dict[str, Any]] = []
    for folder in known.values():
        manifest = load_manifest(folder)
        figures = {k: {m: f["value"] for m, f in v["figures"].items()} for k, v in manifest.metrics.items()}
        rows.append(
            {"version": manifest.version, "in_use": folder == in_use, "folder": str(folder), "figures": figures}
        )
    if as_json:
        console.print_json(rows)
        return
    lines = [
        (row["version"], "in use" if row["in_use"] else "", name, f"{found['micro_f1']:.3f}",
         f"{found['macro_f1']:.3f}", f"{found['urgency_kappa']:.3f}")
        for row in rows for name, found in row["figures"].items()
    ]  # fmt: skip
    figures_of = ("micro F1", "macro F1", "kappa")
    console.out.print(console.table("Versions", ("version", "", "held-out set", *figures_of), lines, right=figures_of))


@versions_app.command("promote", epilog="Example: [bold]sitrep models promote desk-2 --why 'knows our region'[/bold]")
def promote(
    version: Annotated[str, typer.Argument(help="A version in the workspace's folder models/.")],
    why: WhyOption,
    by: WhoOption = "",
    corpora: CorporaOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put a version in use. It is scored beside the one in use first and refused where it is worse."""
    from flows.evaluate import score_sets
    from models.promotion import promote as put_in_use

    opened = open_workspace(workspace)
    with console.waiting("scoring both versions …", quiet=as_json):
        entry = put_in_use(
            version, models=opened.settings.path(MODELS), score=lambda folder: score_sets(folder, corpora),
            who=by or operator(), why=why, now=utc_now(),
        )  # fmt: skip
    _changed(opened, entry, "model promoted", as_json=as_json)


@versions_app.command("rollback", epilog="Example: [bold]sitrep models rollback --why 'too many alarms'[/bold]")
def rollback(
    why: WhyOption, by: WhoOption = "", workspace: WorkspaceOption = HERE, as_json: JsonOption = False
) -> None:
    """Put the version that was used before the present one back in use."""
    from models.promotion import rollback as put_back

    opened = open_workspace(workspace)
    entry = put_back(models=opened.settings.path(MODELS), who=by or operator(), why=why, now=utc_now())
    _changed(opened, entry, "model rolled back", as_json=as_json)


def _changed(opened: Workspace, entry: Champion, action: str, *, as_json: bool) -> None:
    """Into the audit chain, and said."""
    from pipeline.store import audit

    with opened.store.write() as connection:
        audit.append(
            connection, at=utc_now(), actor=entry.who, action=action, subject=entry.name,
            body={"weights_sha256": entry.weights_sha256, "why": entry.why},
        )  # fmt: skip
    if as_json:
        console.print_json(asdict(entry))
        return
    console.out.print(f"{action}: {entry.name} is in use from the next triage on")
    if opened.settings.model:
        console.out.print(f'  but sitrep.toml names model = "{opened.settings.model}", which comes first: remove it')
