"""Results as a flat table, one row a report, for people who work in spreadsheets.

Every text cell goes through `safe_cell`, so that no export can run a formula (CWE-1236). The other tables that are
written (`interchange.spreadsheets`, `mend`) guard theirs alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.intake.mended import FORMULA_STARTS

if TYPE_CHECKING:
    import pandas as pd

TABLES = (".csv", ".parquet")


def safe_cell(value: Any) -> Any:
    """A text cell that no spreadsheet takes for a formula; the apostrophe tells that it is text."""
    return "'" + value if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def results_table(results: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """One row per result: ids, decisions, urgency, the first place with coordinates, queues, what people said."""
    import pandas as pd

    return pd.DataFrame([_row(result) for result in results])


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write as CSV or Parquet, by the file's suffix, which is one of TABLES."""
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        safe = table.apply(lambda column: column.map(safe_cell))
        safe.to_csv(path, index=False, encoding="utf-8-sig")


def _row(result: dict[str, Any]) -> dict[str, Any]:
    outcome = (
        "duplicate" if "duplicate_of" in result
        else "quarantined" if "quarantined" in result
        else "pending" if "pending" in result
        else "erased" if "erased" in result
        else "triaged"
    )  # fmt: skip
    row: dict[str, Any] = {"id": result["id"], "report": result.get("report"), "outcome": outcome}
    if outcome == "quarantined":
        row["reason"] = result["quarantined"]["reason"]
    if outcome != "triaged":
        return row
    placed = next((p for p in result["places"] if p["lat"] is not None), None)
    return row | {
        "report_date": result["report_date"],
        "language": result["language"],
        "urgency": result["urgency"]["id"] if result["urgency"] else None,
        "violations": "; ".join(v["id"] for v in result["violations"] if v["decided"]),
        "place": placed["name"] if placed else None,
        "country": placed["iso2"] if placed else None,
        "lat": placed["lat"] if placed else None,
        "lon": placed["lon"] if placed else None,
        "actors": "; ".join(dict.fromkeys(a["canonical"] or " ".join(a["text"].split()) for a in result["actors"])),
        "left_to_a_person": "; ".join(result["abstained"]),
        "queues": "; ".join(q["queue"] for q in result["queues"]),
        "due": min((q["due"] for q in result["queues"]), default=None),
        "model": result["model"],
        "policy": result["policy"],
        "batch": result["batch"],
        "flags": "; ".join(result["flags"]),
        **_reviewed(result.get("reviewed")),
    }


def _reviewed(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a person said, beside what the model did; empty where nobody said anything."""
    if said is None:
        return {"reviewed_at": None, "reviewed_violations": None, "reviewed_urgency": None}
    decided = "; ".join(said.get("violations", ()))
    return {"reviewed_at": said["at"], "reviewed_violations": decided, "reviewed_urgency": said.get("urgency")}
