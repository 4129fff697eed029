"""A queue that counts business hours counts them for what people put there and raise there too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from pipeline.route import Policy
from pipeline.route.calendar import Calendar
from pipeline.store import Store
from pipeline.store.schema import queue_item, report
from pipeline.triage import Rooms
from tests.conftest import NOW
from tests.review.conftest import Browser

CLOSED_TODAY = Calendar(holidays=frozenset({NOW.date()}))
"""Nothing runs until the next working day."""


@pytest.fixture
def policy(rooms: Rooms) -> Policy:
    queues = tuple(queue.model_copy(update={"hours": "business"}) for queue in rooms.policy.queues)
    return replace(rooms.policy, queues=queues, calendar=CLOSED_TODAY)


@pytest.mark.parametrize("step", ["refer", "escalate"])
def test_what_people_put_or_raise_there_is_due_in_office_hours(
    step: str, visit: Callable[[str], Browser], desk: Store, rooms: Rooms
) -> None:
    items = select(queue_item, report.c.id.label("report_id")).join(report, report.c.seq == queue_item.c.report)
    with desk.read() as connection:
        item = connection.execute(items.where(queue_item.c.queue == "archive")).first()
    assert item is not None
    path, ada = f"/queues/archive/{item.report_id}", visit("ada")
    values = ada.form_values(path, f"{path}/{step}") | {"note": ["it matters"]}
    to = "humanitarian-access" if step == "refer" else "archive"
    assert ada.post(f"{path}/{step}", data={**values, "to": to}).status_code == 200
    with desk.read() as connection:
        found = connection.execute(items.where(queue_item.c.queue == to, report.c.id == item.report_id)).one()
    span = rooms.taxonomy.urgency(found.urgency).respond_within
    assert found.due == CLOSED_TODAY.due(NOW, span) != NOW + span
