"""What leaves the house as files: results, quarantined rows, corrections, and the formats of other tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from flows.workspace import Workspace, utc_now
from pipeline import mend
from pipeline.custody.exports import Outgoing, outgoing
from pipeline.custody.pseudonyms import load_key, pseudonymise
from pipeline.errors import ConfigurationError
from pipeline.interchange import (
    Document,
    argilla,
    documents,
    followthemoney,
    geojson,
    label_studio,
    primero,
    spreadsheets,
)
from pipeline.results import batch_results, json_line
from pipeline.store import batches
from pipeline.tables import TABLES, results_table, write_table
from pipeline.taxonomy import load_taxonomy

Hiding = Callable[[Document], Document | None]
Writer = Callable[[Iterable[Document], Path], object]


WRITTEN_AS: dict[str, tuple[str, ...]] = {
    "results": (".jsonl", ".csv", ".parquet"),
    "quarantine": mend.ENDINGS,
    "corrections": (".jsonl", ".parquet"),
    "label-studio": (".json",),
    "argilla": (".jsonl",),
    "uwazi": (".csv",),
    "primero": (".jsonl",),
    "followthemoney": (".jsonl",),
    "hxl": (".csv",),
    "geojson": (".geojson",),
}
"""How the file of each export ends, the usual one first."""
_PROJECTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "label-studio": (".labels.xml", label_studio.config),
    "argilla": (".settings.json", argilla.settings),
}
_OF_A_TABLE = {".csv", ".tsv", ".tab", ".xlsx", ".xlsm", ".ods", ".parquet"}


@dataclass(frozen=True)
class Exported:
    """How many rows were written, how many reports were left out as not fit to be pseudonymised, and what lies beside."""

    rows: int
    left_out: int = 0
    project: Path | None = None


def export(
    opened: Workspace, what: str, out: Path, *, batch: str | None = None, by: str, pseudonymised: bool = False
) -> Exported:
    """Write an export and put it on record as `by`'s. NotFound where there is no such batch.

    `pseudonymised`: without persons, under the key that the settings name; ConfigurationError without one, and where
    the file's name promises a table that it would not be.
    """
    if out.suffix.lower() in _OF_A_TABLE and out.suffix not in WRITTEN_AS[what]:
        raise ConfigurationError(
            f"{out}: the export of {what} is written as {' or '.join(WRITTEN_AS[what])}: name the file so"
        )
    hide = _hide(opened, what) if pseudonymised else None
    with (
        outgoing(opened.store, out, what=what, by=by, now=utc_now, pseudonymised=pseudonymised) as going,
        opened.store.read() as connection,
    ):
        if batch:
            batches.receipt(connection, batch)
        chosen = [batch] if batch else batches.recent(connection, limit=None)[::-1]
        if what == "quarantine":
            going.rows = mend.write_set_aside(connection, chosen, going.path)
        elif what == "corrections":
            _write_corrections(connection, going, hide)
        elif what == "results":
            found = documents(connection, chosen) if hide else _results(connection, chosen)
            _write_results(going.passing(found, mask=hide), going.path)
        else:
            DOCUMENTS[what](going.passing(documents(connection, chosen), mask=hide), going.path)
        going.note(connection)
        if hide and what != "corrections":  # what waits for triage is in no document
            going.left_out += sum(batches.receipt(connection, ident).pending for ident in chosen)
    return Exported(going.rows, going.left_out, _write_project(what, out))


def _write_project(what: str, out: Path) -> Path | None:
    """The labels of a project that the file fits, beside it, as the tool takes them; None where a tool has none."""
    if what not in _PROJECTS:
        return None
    suffix, project = _PROJECTS[what]
    taxonomy = load_taxonomy()
    made = project(violations=taxonomy.violation_ids, urgencies=taxonomy.urgency_ids)
    path = out.with_name(out.stem + suffix)
    path.write_text(made if isinstance(made, str) else json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return path


def _results(connection: Connection, chosen: Sequence[str]) -> Iterator[Document]:
    return (line for ident in chosen for line in batch_results(connection, ident))


def _hide(opened: Workspace, what: str) -> Hiding:
    """What takes the persons out of a document."""
    if what == "quarantine":
        raise ConfigurationError("quarantined rows were read by nothing and cannot be pseudonymised")
    file = opened.settings.pseudonym_key
    if file is None:
        raise ConfigurationError(
            "no key makes the pseudonyms: run `sitrep pseudonym-key FILE` and name it as pseudonym_key in sitrep.toml"
        )
    key = load_key(opened.settings.path(file))

    def hiding(document: Document) -> Document | None:
        shown = pseudonymise(document, key=key)
        if shown is not None and what == "results":
            del shown["text"]  # results hold none
        return shown

    return hiding


def _write_lines(lines: Iterable[str], path: Path) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


def _write_results(lines: Iterable[Document], path: Path) -> None:
    if path.suffix in TABLES:
        write_table(results_table(lines), path)
    else:
        _write_lines(map(json_line, lines), path)


def _write_corrections(connection: Connection, going: Outgoing, hide: Hiding | None) -> None:
    """As a `datasets` dataset in a folder, or a Parquet or JSON Lines file by the suffix."""
    from datasets import disable_progress_bars

    from corpora.schema import to_dataset
    from flows.corrections import corrected, hidden

    made, examples = [], corrected(connection)
    for example, shown in zip(examples, hidden(connection, examples, hide) if hide else examples, strict=True):
        if shown is None:
            going.left_out += 1
        else:
            made.append(shown)
            going.reports.append(example.id)
    going.rows = len(made)
    disable_progress_bars()
    dataset, path = to_dataset(made), going.path
    if path.suffix == ".parquet":
        dataset.to_parquet(path)
    elif path.suffix == ".jsonl":
        dataset.to_json(path, force_ascii=False)
    else:
        dataset.save_to_disk(path)


def _each(entities: Callable[[Document], Sequence[object]]) -> Writer:
    """A line an entity."""
    return lambda found, path: _write_lines((json_line(e) for document in found for e in entities(document)), path)


def _whole(value: Callable[[Iterable[Document]], object]) -> Writer:
    """One JSON value."""
    return lambda found, path: path.write_text(json.dumps(value(found), ensure_ascii=False), encoding="utf-8")


def _table(write: Callable[..., object]) -> Writer:
    def writing(found: Iterable[Document], path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as stream:
            write(found, stream)

    return writing


DOCUMENTS: dict[str, Writer] = {
    "label-studio": _whole(lambda found: [label_studio.task(document) for document in found]),
    "argilla": _each(lambda document: [argilla.record(document)]),
    "uwazi": _table(spreadsheets.write_uwazi),
    "primero": _each(lambda document: [primero.incident(document)]),
    "followthemoney": _each(followthemoney.entities),
    "hxl": _table(spreadsheets.write_hxl),
    "geojson": _whole(geojson.feature_collection),
}
