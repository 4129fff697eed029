"""Finding items of a queue: what a filter finds is what a reader of every item would pick, on both databases."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from pipeline.custody import resealing
from pipeline.custody.keyring import Keyring, make_keyring
from pipeline.report import QueueItem
from pipeline.store import Store, facets, open_store, queues, reports, search, work
from pipeline.store.schema import batch, queue_facet, queue_item, report
from pipeline.store.search import Filter

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
DAY = date(2025, 2, 14)
LEVELS = ("critical", "high", "medium", "low")
QUEUE, OTHER = "investigations", "sexual-violence"
TEXTS = (
    "Police beat a man at the granary in Gao.", "A convoy was turned back; the police watched.", "Ещё один обстрел школы.",
    "هاجم مسلحون قرية", "Sévaré: des hommes armés ont brûlé le grenier.", "No incidents were reported.",
)  # fmt: skip


def body(draw: random.Random) -> dict[str, Any]:
    return {
        "violations": [
            {"id": v, "probability": 0.5, "decided": draw.random() < 0.5, "evidence": []} for v in ("torture", "abduction")
        ],
        "urgency": None,
        "places": [{"name": draw.choice(("Gao", "Mopti", None)), "iso2": "ML"}],
        "actors": [{"type": draw.choice(("security_forces", "civilian")), "canonical": draw.choice((None, "Front of the North"))}],
    }  # fmt: skip


@pytest.fixture
def filled(any_store: Store) -> Store:
    """Forty items in a queue, some of them closed, and as many of the same words in another queue."""
    draw = random.Random(3)
    with any_store.write() as connection:
        connection.execute(insert(batch).values(id="b", fingerprint="f", submitted_at=NOW))
        rows = [
            {"seq": n, "id": f"r{n}", "batch": "b", "line": n, "external_id": f"GAO-{n:03}", "sha256": "0",
             "text": draw.choice(TEXTS), "metadata": {}, "flags": [], "received_at": NOW, "normalised_sha256": str(n),
             "country": draw.choice((None, "ML", "NE")), "source": draw.choice((None, "Office 1", "Office 2")),
             "report_date": draw.choice((None, DAY, DAY - timedelta(days=1), DAY - timedelta(days=9)))}
            for n in range(1, 81)
        ]  # fmt: skip
        reports.add(connection, reports.Intake(reports=rows))
        values = [
            {"report": n, "model": "m", "taxonomy": "1", "urgency": "high", "body": body(draw)} for n in range(1, 81)
        ]
        stored = reports.add_assessments(connection, values, policy="1", now=NOW)
        items = [
            (n, QueueItem(f"r{n}", QUEUE if n <= 40 else OTHER, "", draw.choice(LEVELS), NOW + timedelta(hours=n - 20)))
            for n in range(1, 81)
        ]
        ranks = {level: rank for rank, level in enumerate(LEVELS)}
        queues.add(connection, items, assessments=stored, ranks=ranks, destinations={}, now=NOW)
    with any_store.write() as connection:
        for row in connection.execute(select(queue_item).where(queue_item.c.report % 7 == 0)).all():
            work.close(connection, row.seq, person="ada", outcome="referred", version=1, now=NOW)
    return any_store


def picked(store: Store, fits: Callable[[Any, dict[str, set[str]]], bool]) -> list[str]:
    """Open items of the queue that a reader of each would pick, in the order of work."""
    with store.read() as connection:
        rows = connection.execute(
            select(report, queue_item.c.seq.label("item"), queue_item.c.urgency, queue_item.c.rank, queue_item.c.due)
            .join(queue_item, queue_item.c.report == report.c.seq)
            .where(queue_item.c.queue == QUEUE, queue_item.c.state == "open")
            .order_by(queue_item.c.rank, queue_item.c.seq)
        ).all()
        bodies = reports.newest_assessments(connection, [row.seq for row in rows])
    found = []
    for row in rows:
        said = bodies[row.seq].body
        about = {
            "type": {v["id"] for v in said["violations"] if v["decided"]},
            "place": {said["places"][0]["name"], "ML", row.country},
            "actor": {said["actors"][0]["type"], said["actors"][0]["canonical"]},
        }
        if fits(row, about):
            found.append(row.id)
    return found


FILTERS: dict[str, tuple[Filter, Callable[[Any, dict[str, set[str]]], bool]]] = {
    "everything": (Filter(), lambda row, about: True),
    "level": (Filter(urgency="high"), lambda row, about: row.urgency == "high"),
    "overdue": (Filter(overdue_at=NOW), lambda row, about: row.due < NOW),
    "type": (Filter(type="torture"), lambda row, about: "torture" in about["type"]),
    "place": (Filter(place=" gao"), lambda row, about: "Gao" in about["place"]),
    "country": (Filter(place="ne"), lambda row, about: "NE" in about["place"]),
    "actor": (Filter(actor="front of the NORTH"), lambda row, about: "Front of the North" in about["actor"]),
    "source": (Filter(source="office 2"), lambda row, about: row.source == "Office 2"),
    "since": (Filter(since=DAY), lambda row, about: row.report_date == DAY),
    "until": (
        Filter(until=DAY - timedelta(days=1)),
        lambda row, about: row.report_date is not None and row.report_date < DAY,
    ),
    "word": (Filter(words="POLICE"), lambda row, about: "police" in row.text.lower()),
    "two words": (Filter(words="police gran"), lambda row, about: "granary" in row.text),
    "russian": (Filter(words="обстрел"), lambda row, about: "обстрел" in row.text),
    "arabic": (Filter(words="مسلحون"), lambda row, about: "مسلحون" in row.text),
    "submitter's id": (Filter(words="GAO-012"), lambda row, about: row.external_id == "GAO-012"),
    "no word": (Filter(words="?!"), lambda row, about: False),
    "all": (
        Filter(type="torture", place="ml", actor="security forces", words="police", overdue_at=NOW + timedelta(days=1)),
        lambda row, about: (
            {"torture", "security_forces"} <= about["type"] | about["actor"] and "police" in row.text.lower()
        ),
    ),
}


@pytest.mark.parametrize("few", [search.FEW, 0], ids=["looked up", "tried in turn"])
def test_a_filter_finds_what_a_reader_would_pick(filled: Store, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FEW", few)
    for name, (wanted, fits) in FILTERS.items():
        expected = picked(filled, fits)
        assert expected or name == "no word"
        found: list[str] = []
        after = None
        with filled.read() as connection:
            while rows := queues.page(connection, QUEUE, wanted=wanted, after=after, limit=3):
                found += [row.report_id for row in rows]
                after = rows[-1].report_id
        assert found == expected, name


def test_in_an_encrypted_store_a_filter_finds_the_same(filled: Store, tmp_path: Path) -> None:
    make_keyring(tmp_path / "store.keys", today=DAY)
    url, keys = filled.engine.url.render_as_string(hide_password=False), Keyring(tmp_path / "store.keys")
    expected = {name: picked(filled, fits) for name, (_, fits) in FILTERS.items()}
    sealed = open_store(url, keys=keys)
    resealing.begin(sealed, keys.newest, now=NOW, actor="op")
    resealing.finish(sealed, now=lambda: NOW, actor="op")
    with sealed.read() as connection:
        for name, (wanted, _) in FILTERS.items():
            found = [row.report_id for row in queues.page(connection, QUEUE, wanted=wanted, limit=99)]
            assert found == expected[name], name
            following = queues.page(connection, QUEUE, wanted=wanted, limit=99, after=(found or [None])[0])
            assert [row.report_id for row in following] == (found[1:] if found else [])
    sealed.dispose()


def test_facets_follow_what_a_person_says_and_whether_the_item_is_open(filled: Store) -> None:
    wanted = Filter(place="timbuktu")
    with filled.write() as connection:
        marked = queues.page(connection, QUEUE, limit=1)[0].seq

        def found(queue: str = QUEUE) -> list[int]:
            return [row.seq for row in queues.page(connection, queue, wanted=wanted, limit=99)]

        assert found() == []
        places = [{"name": name} for name in ("Timbuktu", "timbuktu ", "")]
        facets.replace(connection, marked, {"violations": [], "places": places, "actors": []})
        assert (found(), found(OTHER)) == ([marked], [])
        work.close(connection, marked, person="ada", outcome="referred", version=1, now=NOW)
        assert found() == []
        work.reopen(connection, marked, person="ada", note="more", version=2, now=NOW)
        assert found() == [marked]
        about = facets.of_items(connection, [marked])[marked]
        assert set(about["place"]) - {"ml", "ne"} == {"timbuktu"}
        assert about.keys() <= {"place", "source"}


def test_the_longest_text_of_many_words_is_stored_and_found(any_store: Store) -> None:
    text = " ".join(
        chr(0x1F000 + 0) + "".join(chr(0x10400 + (n >> 4 * k) % 16) for k in range(4)) for n in range(33_000)
    )
    with any_store.write() as connection:
        connection.execute(insert(batch).values(id="b", fingerprint="f", submitted_at=NOW))
        connection.execute(
            insert(report).values(
                seq=1, id="r1", batch="b", line=1, sha256="0", text=text[:200_000], metadata={}, flags=[],
                received_at=NOW, normalised_sha256="1",
            )
        )  # fmt: skip
        assert connection.scalar(select(func.count()).select_from(report)) == 1


def test_as_many_items_as_the_largest_chunk_makes_are_more_than_a_statement_takes(any_store: Store) -> None:
    with any_store.write() as connection:
        facets.add(connection, range(1, 70_001))


def test_an_escalated_item_moves_up_in_what_a_filter_finds(filled: Store) -> None:
    wanted = Filter(source="office 1")
    with filled.write() as connection:
        last = queues.page(connection, QUEUE, wanted=wanted, limit=99)[-1]
        work.escalate(
            connection, last.seq, person="ada", note="worse", version=1, urgency="critical", rank=0, due=NOW, now=NOW
        )
        first = [row.seq for row in queues.page(connection, QUEUE, wanted=wanted, limit=99) if row.rank == 0]
        assert last.seq in first
        lines = connection.execute(select(queue_facet.c.rank).where(queue_facet.c.item == last.seq))
        assert set(lines.scalars()) == {0}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(min_size=1, max_size=30) | st.text(alphabet="ab*\"'()-:^&|!<>\\ NEAR", min_size=1, max_size=12))
def test_any_words_may_be_looked_for(filled: Store, words: str) -> None:
    with filled.read() as connection:
        assert len(queues.page(connection, QUEUE, wanted=Filter(words=words), limit=50)) <= 40
