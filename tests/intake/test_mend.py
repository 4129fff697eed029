"""The table of rows that were set aside: what is received, opens in Excel, runs nothing and comes back as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import MonitorError
from pipeline.intake import Limits, Row, read_inputs
from pipeline.intake.mended import FORMULA_STARTS, guarded, unguarded
from pipeline.mend import write_mend

WHY = {"where": "reports.csv:4", "reason": "bad_date", "message": "=write the date"}
CELLS = st.text(st.sampled_from("=+-@'ab, ;\"\r\n_x000D_éع"), min_size=1, max_size=12).filter(
    lambda cell: bool(cell.strip()) and not cell.startswith("_")
)


def back(path: Path) -> list[Row]:
    return list(read_inputs([path], mapping={}, limits=Limits()))


@given(st.text(st.sampled_from([*FORMULA_STARTS, "'", "a"])))
def test_a_guard_hides_every_formula_and_is_undone(cell: str) -> None:
    assert not guarded(cell).startswith(FORMULA_STARTS)
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
@settings(max_examples=60, deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=4))
def test_a_table_submitted_again_as_it_is_holds_what_was_received(ending: str, cells: list[str]) -> None:
    received = [{"text": "Two herders were beaten.", "report_date": "2025-02-31", "note": cell} for cell in cells]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mend" + ending)
        assert write_mend(lambda: [(row, WHY) for row in received], path) == len(cells)
        rows = back(path)
    assert [row.problem.reason for row in rows if row.problem] == ["bad_date"] * len(cells)
    assert [{name: row.content[name] for name in received[0]} for row in rows] == received


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_what_was_mended_is_taken_without_our_columns(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mend{ending}"
    write_mend(lambda: [({"=ref": "007", "text": "-- Two herders were beaten.", "team": "@gao"}, WHY)], path)
    (row,) = back(path)
    assert row.candidate
    assert row.candidate.text == "-- Two herders were beaten."
    assert row.candidate.metadata == {"=ref": "007", "team": "@gao"}


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_cells_beyond_the_columns_stay_beyond_them(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mend{ending}"
    write_mend(lambda: [({"id": "7", "text": "They came", "+1": " and burnt it"}, WHY)], path)
    (row,) = back(path)
    assert row.problem
    assert row.problem.reason == "ragged_row"


def test_no_cell_of_the_workbook_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "mend.xlsx"
    write_mend(lambda: [({"=a": "=1+1", "text": "+cmd|' /C calc'!A0", "n": -5, "tags": ["x"]}, WHY)], path)
    cells: list[Any] = [cell for row in openpyxl.load_workbook(path).active.rows for cell in row]
    assert [cell.value for cell in cells[:4]] == ["'=a", "text", "n", "tags"]
    assert all(cell.data_type in "sn" for cell in cells)
    assert [cell.value for cell in cells if str(cell.value).startswith(FORMULA_STARTS)] == [-5]


def test_nothing_is_cut_to_fit_a_sheet(tmp_path: Path) -> None:
    rows = [({"text": "long " * 8000}, WHY)]
    with pytest.raises(MonitorError, match=r"\.csv"):
        write_mend(lambda: rows, tmp_path / "mend.xlsx")
    assert write_mend(lambda: rows, tmp_path / "mend.csv") == 1
