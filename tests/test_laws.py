"""Laws of the store and the rooms together, on any input."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.intake import Candidate, Problem, Reason, Row
from pipeline.store import Store, batches, open_store, reports
from pipeline.submit import take_in
from pipeline.triage import Rooms, assess, triage_chunk

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
WORDS = [
    "armed",
    "men",
    "took",
    "two",
    "teachers",
    "near",
    "Goma",
    "the",
    "market",
    "was",
    "shelled",
    "again",
    "no",
    "violation",
    "seen",
    "ﬁve",
    "Вamako",
    "a\u200bb",
]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=25).map(" ".join) | st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60
).map(lambda text: text + " x")
CANDIDATES = st.builds(
    Candidate,
    text=TEXTS,
    external_id=st.none() | st.text(alphabet="abc123", min_size=1, max_size=4),
    report_date=st.none() | st.sampled_from([date(2025, 2, 13), date(2025, 2, 14)]),
    source=st.none() | st.sampled_from(["north", "south"]),
    country=st.none() | st.just("CD"),
)
ROWS = st.lists(
    CANDIDATES.map(lambda c: Row("f:1", 1, {"text": c.text}, candidate=c))
    | st.just(Row("f:1", 1, {"text": ""}, problem=Problem(Reason.EMPTY_TEXT, "the text is empty: fill it in"))),
    max_size=12,
)


@contextmanager
def copy_of(migrated: Path) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(migrated, Path(folder) / "law.db")
        store = open_store("sqlite:///law.db", base=Path(folder))
        yield store
        store.dispose()


def now() -> datetime:
    return NOW


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, crash_at=st.integers(0, 12))
def test_received_is_accepted_plus_duplicates_plus_quarantined(migrated: Path, rows: list[Row], crash_at: int) -> None:
    def crashing() -> Iterator[Row]:
        for number, row in enumerate(rows):
            if number == crash_at:
                raise KeyboardInterrupt
            yield row

    with copy_of(migrated) as store:
        with suppress(KeyboardInterrupt):
            take_in(store, crashing(), name="b", now=now)
        receipt = take_in(store, iter(rows), name="b", now=now) if crash_at < len(rows) else None
        with store.read() as connection:
            receipt = receipt or batches.receipt(connection, batches.recent(connection)[0])
        assert receipt.received == len(rows)
        assert receipt.quarantined == sum(row.problem is not None for row in rows)


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_text_given_back_is_the_text_that_came_in(migrated: Path, rows: list[Row]) -> None:
    with copy_of(migrated) as store:
        take_in(store, iter(rows), name="b", now=now)
        with store.read() as connection:
            kept = reports.load(connection, range(1, len(rows) + 1))
        texts = {row.candidate.text for row in rows if row.candidate}
        assert {report.text for report in kept.values()} <= texts


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_every_report_is_triaged_queued_and_indexed_by_its_offsets(
    rooms: Rooms, migrated: Path, rows: list[Row]
) -> None:
    with copy_of(migrated) as store:
        take_in(store, iter(rows), name="b", now=now)
        with store.read() as connection:
            chunks = reports.pending_chunks(connection, size=5)
        for first, last in chunks:
            triage_chunk(store, first, last, rooms, now=now)
            assert triage_chunk(store, first, last, rooms, now=now).triaged == 0
        with store.read() as connection:
            assert reports.pending_count(connection) == 0
            seqs = list(range(1, len(rows) + 1))
            kept, assessed = reports.load(connection, seqs), reports.newest_assessments(connection, seqs)
            unqueued = connection.exec_driver_sql(
                "SELECT count(*) FROM report WHERE seq NOT IN (SELECT report FROM queue_item)"
            ).scalar_one()
        assert unqueued == 0
        assert set(kept) == set(assessed)
        for seq, assessment in assessed.items():
            text, body = kept[seq].text, assessment.body
            spans = [s for kind in ("places", "actors", "dates", "counts") for s in body[kind]]
            spans += [e for v in body["violations"] for e in v["evidence"]]
            assert all(0 <= s["start"] < s["end"] <= len(text) for s in spans)


def test_a_report_that_breaks_the_model_stops_nobody(rooms: Rooms, migrated: Path) -> None:
    class Brittle:
        version, languages, rules = rooms.model.version, rooms.model.languages, rooms.model.rules

        def read(self, texts: list[str]) -> object:
            if any("poison" in text for text in texts):
                raise RuntimeError("secret text of the report")
            return rooms.model.read(texts)

    rows = [Row("f", 1, {}, candidate=Candidate(text)) for text in ("They came.", "poison here", "They left again.")]
    with copy_of(migrated) as store:
        take_in(store, iter(rows), name="b", now=now)
        result = triage_chunk(store, 1, 3, replace(rooms, model=Brittle()), now=now)  # type: ignore[arg-type]
        assert (result.triaged, result.failed) == (3, 1)
        with store.read() as connection:
            body = reports.newest_assessments(connection, [2])[2].body
        assert body["abstained"] == ["processing"]


def test_decisions_do_not_depend_on_the_neighbours(rooms: Rooms, now: Callable[[], datetime]) -> None:
    texts = [
        "Armed men abducted two teachers near Goma on Friday and ask for ransom.",
        "The committee met and adopted its agenda. " * 30,
        "On 13 February 2025 soldiers shelled the market of Mindat and killed nine traders.",
    ]
    from pipeline.report import Report

    batch = [
        Report(f"r{i}", "b", t, "0" * 64, report_date=date(2025, 2, 14), received_at=NOW) for i, t in enumerate(texts)
    ]
    together = assess(batch, rooms)
    alone = [assess([report], rooms)[0] for report in batch]
    for a, b in zip(together, alone, strict=True):
        assert a.decided == b.decided
        assert a.entities == b.entities or [p.text for p in a.entities.places] == [p.text for p in b.entities.places]
        assert a.urgency is not None
        assert b.urgency is not None
        assert a.urgency.id == b.urgency.id


def test_near_duplicates_and_corroboration_are_told_apart(store: Store) -> None:
    base = (
        "Armed men on motorcycles entered the village of Bankass at dusk and shot seven farmers at the well before they "
        "burnt the granaries and left towards the north with the cattle of the families who had fled to the town"
    )
    texts = [
        (base, "north"),
        (base.upper(), "south"),  # the same words: a duplicate, whoever sends it
        (base + " overnight", "north"),  # nearly the same from the same source: a duplicate
        (base + " yesterday", "south"),  # nearly the same from another: corroboration, triaged
        (base.replace("seven", "nine"), "north"),  # other figures: an update, triaged
        (base.replace("Bankass", "Labbezanga"), "north"),  # another place: the same form for another attack
    ]
    rows = [Row("f", 1, {}, candidate=Candidate(text, source=source)) for text, source in texts]
    receipt = take_in(store, iter(rows), name="b", now=now)
    assert (receipt.accepted, receipt.duplicates) == (4, 2)
    with store.read() as connection:
        kept = reports.load(connection, [1, 2, 3, 4])
        assert reports.corroborating(connection, [1])[1] == sorted([kept[2].id, kept[3].id])
    assert [kept[seq].flags for seq in (1, 2, 3)] == [(), ("corroborates",), ("update_of_earlier",)]
