"""What the commands print for people: tables and messages. Machines get `--json` from the same values."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console, JustifyMethod
from rich.markup import escape as escape
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pipeline.route import Policy
    from pipeline.store.batches import Receipt
    from pipeline.store.queues import QueueSummary

out = Console(soft_wrap=False, highlight=False)
err = Console(stderr=True, highlight=False)

URGENCY_STYLE = {"critical": "bold red", "high": "yellow", "medium": "cyan", "low": "dim"}


def print_json(value: Any) -> None:
    """One JSON document on standard output, nothing else."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=_as_text)
    sys.stdout.write("\n")


def _as_text(value: Any) -> str:
    """Moments as results have them (`2025-02-14T06:00:00Z`), anything else by its own words."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)


_OF_A_ROW = re.compile(r":\d+$|\[\d+\]$")
WHOLE = frozenset({"report", "batch", "queue", "number", "login", "due", "next due"})
"""Names that people copy into the next command, and times: never cut, however narrow the terminal."""
_LINES_NAMED = 8


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = (), empty: str = ""
) -> Table | str:
    """A plain table; `right` names the columns of figures, `empty` is said in its place where there are no rows."""
    lines = list(rows)
    if empty and not lines:
        return empty
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        lengths = [Text.from_markup(part).cell_len for row in lines for part in row[number].split("\n")]
        whole = max(lengths, default=0) if column in WHOLE else None
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(
            column, justify=justify, no_wrap=column in right or whole is not None, min_width=whole, overflow="fold"
        )
    for row in lines:
        made.add_row(*row)
    return made


def print_cut(shown: int, limit: int) -> None:
    """Say that a list may go on where it was cut."""
    if shown == limit:
        out.print(f"[dim]the first {limit:,}; --limit shows more[/dim]")


def receipt_values(receipt: Receipt) -> dict[str, Any]:
    return {
        "batch": receipt.batch,
        "source": receipt.source,
        "submitted_at": receipt.submitted_at,
        "complete": receipt.complete,
        "received": receipt.received,
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "quarantined": receipt.quarantined,
        "pending": receipt.pending,
    }


def quarantine_values(row: Any) -> dict[str, Any]:
    return {"line": row.line, "where": row.locator, "reason": row.reason, "message": row.message}


def counted(count: int, one: str) -> str:
    """`1 result`, `2,000 results`."""
    return f"{count:,} {one}" + ("" if count == 1 else "s")


def waiting_reports(count: int) -> str:
    """`1 report waits for triage`."""
    return f"{counted(count, 'report')} {'waits' if count == 1 else 'wait'} for triage"


def print_receipt(receipt: Receipt, problems: Iterable[Any], *, shown: int = 20) -> None:
    """The batch receipt, with the first quarantined rows and their reasons. All `problems` are read before it is printed."""
    rows: list[tuple[str, str, str]] = []
    of_rows, told = False, 0
    for (reason, message, file), alike in groupby(problems, key=_alike):
        where, count = "", 0
        for count, row in enumerate(alike, 1):
            if count <= _LINES_NAMED:
                at = row.locator[len(file) :]
                where += f", {at.lstrip(':')}" if where else file + at
        if len(rows) < shown:
            told += count
            where += f" and {count - _LINES_NAMED:,} more" if count > _LINES_NAMED else ""
            rows.append((escape(where), reason, escape(message)))
        of_rows = of_rows or (where != file and reason != "unknown_columns")
    out.print(f"[bold]Batch {receipt.batch}[/bold]" + (f" from {escape(receipt.source)}" if receipt.source else ""))
    out.print(
        f"  {receipt.received:,} received = {receipt.accepted:,} accepted + {receipt.duplicates:,} duplicate"
        f" + {receipt.quarantined:,} quarantined"
    )
    if rows:
        out.print()
        out.print(table("Quarantined, nothing lost", ("where", "reason", "what to do"), rows))
        if receipt.quarantined > told:
            out.print(f"  and {receipt.quarantined - told:,} more")
        if of_rows:
            again = f"sitrep export quarantine --batch {receipt.batch} --out mend.xlsx"
            out.print(f"  [dim]to mend and submit again: {again}[/dim]", soft_wrap=True)  # in one line, to be copied
        else:  # whole files, whose rows were not read
            out.print("  [dim]mend these files, or say how to read them, and submit them again[/dim]")


def _alike(row: Any) -> tuple[str, str, str]:
    """Rows of one file, one after another, with the same problem are told in one line."""
    return row.reason, row.message, _OF_A_ROW.sub("", row.locator)


def print_queues(policy: Policy, summaries: dict[str, QueueSummary], *, now: datetime) -> None:
    """Every queue of the policy with its load, overdue first in each row's figures."""
    rows: list[tuple[str, ...]] = []
    for queue in policy.queues:
        summary = summaries.get(queue.id)
        name = queue.id + (" [dim]*[/dim]" if queue.restricted else "")
        if summary is None:
            rows.append((name, "·", "·", "·", "·", "·", "·", ""))
            continue
        by = [_figure(summary.by_urgency.get(level, 0), level) for level in URGENCY_STYLE]
        if queue.over_limit(summary.open):
            name += f" [bold red](over {queue.open_limit:,})[/bold red]"
        overdue = f"[bold red]{summary.overdue:,}[/bold red]" if summary.overdue else "·"
        rows.append((name, f"{summary.open:,}", *by, overdue, until(summary.next_due, now=now)))
    figures = ("open", *URGENCY_STYLE, "overdue")
    out.print(table("Queues", ("queue", *figures, "next due"), rows, right=figures))
    if any(queue.restricted for queue in policy.queues):
        out.print("[dim]* restricted: on the review page only for those to whom it was granted[/dim]")


def until(due: datetime | None, *, now: datetime) -> str:
    """`in 3:20 h`, `2 d ago`."""
    if due is None:
        return ""
    left = due - now
    text = _span(abs(left))
    return f"in {text}" if left >= timedelta(0) else f"[red]{text} ago[/red]"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}:{minutes:02} h" if hours < 10 else f"{hours} h"
    return f"{hours // 24} d"


def _figure(count: int, level: str) -> str:
    return f"[{URGENCY_STYLE[level]}]{count:,}[/]" if count else "·"


def print_report(result: dict[str, Any], text: str, *, source: str | None = None) -> None:
    """One report: the text with its entities, what was decided and why, and where it went."""
    urgency = result["urgency"]
    level = urgency["id"] if urgency else "not decided"
    out.print(
        f"[bold]{result['report']}[/bold]  [{URGENCY_STYLE.get(level, 'bold')}]{level}[/]  {escape(result['id'])}"
    )
    out.print(f"[dim]batch {result['batch']}  date {result['report_date'] or '?'}  model {result['model']}[/dim]")
    about = {"source": source, "language": result["language"] or "uncertain", "flags": ", ".join(result["flags"])}
    out.print(f"[dim]{escape('  '.join(f'{name} {value}' for name, value in about.items() if value))}[/dim]\n")
    out.print(marked_text(text, result))
    out.print()
    decided = [v for v in result["violations"] if v["decided"]]
    status = result["claim_status"]
    rows: list[tuple[str, ...]] = [
        (v["id"], f"{v['probability']:.2f}", status.get(v["id"], ""), "; ".join(quotes(text, v["evidence"])))
        for v in sorted(decided, key=lambda v: -v["probability"])
    ]
    if rows:
        out.print(table("Violations", ("type", "p", "claim", "evidence"), rows, right=("p",)))
    else:
        out.print("No violation decided.")
    if result["abstained"]:
        out.print(f"Left to a person: {', '.join(result['abstained'])}")
    if urgency:
        levels = ", ".join(f"{k} {p:.2f}" for k, p in urgency["probabilities"].items())
        out.print(f"Urgency {level}: {levels}")
    for title, columns, entities in entity_tables(result):
        out.print()
        out.print(table(title, columns, entities))
    out.print()
    rows = [(item["queue"], item["due"], escape(item["reason"])) for item in result["queues"]]
    out.print(table("Queues", ("queue", "due", "reason"), rows))
    if result["corroborates"]:
        out.print(f"Linked reports: {', '.join(result['corroborates'])}")


def entity_tables(result: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Title, columns and rows of each kind of entity that was found."""
    places: list[tuple[str, ...]] = [
        (escape(p["text"]), escape(p["name"] or ""), p["iso2"] or "",
         "" if p["lat"] is None else f"{p['lat']:.3f}, {p['lon']:.3f}", "exact, if misspelt" if p["precision"] == "exact" and p["reason"] == "alike" else p["precision"] or p["reason"] or "")
        for p in result["places"]
    ]  # fmt: skip
    if places:
        yield "Places", ("text", "place", "country", "coordinates", "precision"), places
    actors: list[tuple[str, ...]] = [
        (escape(a["text"]), a["type"], a["role"], escape(a["canonical"] or "")) for a in result["actors"]
    ]
    if actors:
        yield "Actors", ("text", "type", "role", "known as"), actors
    dates: list[tuple[str, ...]] = [(escape(d["text"]), d["iso"] or "unresolved") for d in result["dates"]]
    if dates:
        yield "Dates", ("text", "value"), dates
    counts: list[tuple[str, ...]] = [
        (c["kind"], str(c["low"]) if c["high"] == c["low"] else f"{c['low']} to {c['high'] or '?'}", escape(c["who"]))
        for c in result["counts"]
    ]
    if counts:
        yield "Counts", ("kind", "number", "who"), counts


def marked_text(text: str, result: dict[str, Any]) -> str:
    """The text as Rich markup, places, actors and dates in colour."""
    spans = sorted(
        (span["start"], span["end"], style)
        for kind, style in (("places", "green"), ("actors", "magenta"), ("dates", "blue"))
        for span in result[kind]
    )
    parts, position = [], 0
    for start, end, style in spans:
        if start < position:
            continue
        parts += [escape(text[position:start]), f"[{style}]{escape(text[start:end])}[/{style}]"]
        position = end
    return "".join((*parts, escape(text[position:])))


def quotes(text: str, evidence: Sequence[dict[str, Any]], *, width: int = 90) -> Iterator[str]:
    """Evidence sentences, shortened."""
    for sentence in evidence[:1]:
        words = " ".join(text[sentence["start"] : sentence["end"]].split())
        yield escape(words if len(words) <= width else words[: width - 1] + "…")


@contextmanager
def waiting(message: str, *, quiet: bool) -> Iterator[None]:
    """A spinner on standard error while something takes a moment."""
    if quiet or not err.is_terminal:
        yield
        return
    with err.status(message):
        yield
