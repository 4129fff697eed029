"""Columns and cells that our table of rows to mend adds (`pipeline.mend`), undone where it is handed in again."""

from __future__ import annotations

from typing import Any

WHERE, REASON, MESSAGE = COLUMNS = ("_quarantined_where", "_quarantined_reason", "_quarantined_message")
OURS = frozenset({"_quarantined", *COLUMNS})
"""What stands beside a row that was set aside: in JSON Lines one object, in a table a column each."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def guarded(cell: Any) -> Any:
    """A text cell that no spreadsheet takes for a formula, by one apostrophe more than it had.

    >>> guarded("=1+1"), guarded("'=1+1"), guarded("Men's")
    ("'=1+1", "''=1+1", "Men's")
    """
    return "'" + cell if isinstance(cell, str) and cell.lstrip("'").startswith(FORMULA_STARTS) else cell


def unguarded(cell: Any) -> Any:
    """What `guarded` was given."""
    guards = isinstance(cell, str) and cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_STARTS)
    return cell[1:] if guards else cell
