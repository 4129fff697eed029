"""A report in a language that the model does not read reaches a person, however short it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.intake import Limits
from pipeline.store import Store, queues, reports
from pipeline.submit import submit
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import NOW

SENTENCES = {
    "es": "Las fuerzas detuvieron a tres periodistas en Tombuctú el martes.",
    "es-short": "Quemaron la escuela.",
    "fr": "Trois civils tués au marché de Gossi ce matin.",
    "pt": "Homens armados queimaram a aldeia de Mbau.",
    "sw": "Watu wenye silaha waliteka nyara walimu wawili.",
    "so": "Rag hubaysan ayaa afduubay laba macallin.",
    "ha": "'Yan bindiga sun sace malamai biyu a Zamfara.",
    "tr": "Silahlı adamlar iki öğretmeni kaçırdı.",
    "ar": "أحرقوا المدرسة.",
    "ru": "Сожгли школу.",
    "numbers": "12:30 14.2 / 3 / 7",
}


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory, rooms: Rooms) -> dict[str, set[str]]:
    """The queues that each sentence went to."""
    from pipeline.store import open_store
    from pipeline.store.migrate import upgrade

    folder: Path = tmp_path_factory.mktemp("languages")
    store: Store = open_store("sqlite:///desk.db", base=folder)
    upgrade(store)
    path = folder / "reports.jsonl"
    path.write_text(
        "".join(json.dumps({"id": k, "text": t, "report_date": "2025-02-14"}) + "\n" for k, t in SENTENCES.items())
    )
    submit(store, [path], now=lambda: NOW, limits=Limits())
    with store.read() as connection:
        chunks = reports.pending_chunks(connection, size=100)
    for first, last in chunks:
        triage_chunk(store, first, last, rooms, now=lambda: NOW)
    found: dict[str, set[str]] = {}
    with store.read() as connection:
        for row in queues.work(connection, limit=100):
            found.setdefault(row.external_id, set()).add(row.queue)
    store.dispose()
    return found


@pytest.mark.parametrize("sentence", SENTENCES)
def test_it_is_in_manual_review_and_not_in_the_archive(where: dict[str, set[str]], sentence: str) -> None:
    assert "manual-review" in where[sentence]
    assert "archive" not in where[sentence]
