"""Names that the lexicon does not know are listed for review, and tell nothing of restricted queues."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from flows.cli import app
from flows.workspace import open_workspace
from pipeline.newnames import is_name, new_names
from pipeline.store.schema import queue_item

ROWS = """id,report_date,country,text
N1,2025-02-14,ML,"On 13 February fighters of the Northern Accord shot seven farmers in Gao. MSF treated the wounded."
"""


@pytest.mark.parametrize(
    ("surface", "name"),
    [("Northern Accord", True), ("fighters of the Northern Accord", True), ("NAD", True), ("armed men", False),
     ("Residents", False), ("POLICE", False), ("Residents of the camp", False)],
)  # fmt: skip
def test_a_name_is_no_description(surface: str, name: bool) -> None:
    assert is_name(surface) is name


def test_new_names_are_listed_and_restricted_queues_left_out(tmp_path: Path) -> None:
    open_workspace.cache_clear()
    desk, rows, runner = tmp_path / "desk", tmp_path / "rows.csv", CliRunner()
    rows.write_text(ROWS, encoding="utf-8")
    assert runner.invoke(app, ["init", str(desk)]).exit_code == 0
    assert runner.invoke(app, ["run", str(rows), "--direct", "--workspace", str(desk)]).exit_code == 0
    listed = runner.invoke(app, ["actors", "new", "--json", "--workspace", str(desk)])
    names = [entry["name"] for entry in json.loads(listed.output)]
    assert any("Northern Accord" in name for name in names)
    assert "MSF" not in names
    opened = open_workspace(desk)
    queues = [queue.id for queue in opened.policy.queues if not queue.restricted]
    hidden = next(queue.id for queue in opened.policy.queues if queue.restricted)
    with opened.store.write() as connection:
        first = connection.execute(select(queue_item.c.seq)).scalars().first()
        connection.execute(update(queue_item).where(queue_item.c.seq == first).values(queue=hidden))
        assert new_names(connection, queues=queues) == []
