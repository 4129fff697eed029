"""Characters that a database may refuse come in as rows all the same, on both databases, and are given back as they came."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.intake import Limits
from pipeline.store import Store, batches, reports
from pipeline.submit import submit

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\uffff", "\U0010ffff", "\x1b", "\u202e"], ids=ascii)
@pytest.mark.parametrize("field", ["text", "id", "source", "remark", "report_date"])
def test_an_odd_character_anywhere_costs_at_most_its_own_row(
    any_store: Store, tmp_path: Path, odd: str, field: str
) -> None:
    good = {"id": "good", "text": "The convoy reached the camp before noon."}
    bad = {"id": "odd", "text": "Two herders were beaten at the checkpoint.", "source": "north", "remark": "none"}
    bad[field] = bad.get(field, "2025-02-14") + odd
    path = tmp_path / "reports.jsonl"
    path.write_text(f"{json.dumps(bad)}\n{json.dumps(good)}\n", encoding="utf-8")
    receipt = submit(any_store, [path], now=lambda: NOW, limits=Limits())
    assert (receipt.received, receipt.complete) == (2, True)
    with any_store.read() as connection:
        assert "good" in [line.external_id for line in batches.lines(connection, receipt.batch)]
        kept = reports.load(connection, range(1, receipt.accepted + 1))
    if field == "text" and receipt.accepted == 2:
        assert bad["text"] in {report.text for report in kept.values()}
