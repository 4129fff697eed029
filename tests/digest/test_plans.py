"""The digest and the drift of a day read that day, however much the store holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import event

from pipeline.digest import Period, gather, measure
from pipeline.store import Store
from tests.conftest import NOW

GROWING = ("report", "assessment", "queue_item", "outbox", "corroboration", "duplicate", "quarantine", "batch")


def test_no_table_that_grows_is_read_from_end_to_end(store: Store) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    day = Period(NOW - timedelta(days=1), NOW)
    with store.read() as connection:
        gather(connection, since=day.since, until=day.until, queues=["investigations"])
        measure(connection, reference=Period(NOW - timedelta(days=9), day.since), recent=day, queues=["investigations"])
    event.remove(store.engine, "before_cursor_execute", note)
    queries = [(statement, parameters) for statement, parameters in asked if statement.startswith("SELECT")]
    assert len(queries) > 10
    with store.read() as connection:
        for statement, parameters in queries:
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                words = str(step.detail).split()
                assert words[0] != "SCAN" or words[1] not in GROWING, (statement, step.detail)
