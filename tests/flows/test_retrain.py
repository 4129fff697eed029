"""The learning loop: what reviewers said becomes a candidate that nobody uses until it is promoted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import event

import corpora
from flows.corrections import corrected, hidden
from flows.retrain import REPORT, retrain_version
from flows.workspace import init_workspace, open_workspace
from models.registry import find
from models.train import Recipe
from pipeline.errors import ConfigurationError
from pipeline.interchange import documents
from pipeline.results import batch_results
from pipeline.store import batches, corrections, reports
from pipeline.submit import submit
from pipeline.triage import triage_chunk
from tests.conftest import NOW

TEXTS = [f"Soldiers beat {n} traders at the market of Gao, Mali, and took their goods on Monday." for n in range(2, 6)]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A workspace with four reviewed reports, and one that is word for word a held-out text."""
    folder = tmp_path / "desk"
    init_workspace(folder)
    opened = open_workspace(folder)
    held_out = next(e.text for e in corpora.load("authored") if corpora.split(e) == "test")
    (tmp_path / "r.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in [*TEXTS, held_out]))
    submit(opened.store, [tmp_path / "r.jsonl"], now=lambda: NOW, limits=opened.limits)
    with opened.store.read() as connection:
        chunks = reports.pending_chunks(connection, size=100)
        seqs = reports.still_pending(connection, *chunks[0])
    triage_chunk(opened.store, *chunks[0], opened.rooms, now=lambda: NOW)
    with opened.store.write() as connection:
        for seq in seqs:
            corrections.add(
                connection, seq, reviewer="ada", violations=["torture_ill_treatment"], urgency="medium", note=None,
                assessment=None, now=NOW,
            )  # fmt: skip
    return folder


def test_a_held_out_text_is_never_learnt_and_people_may_leave_reports_out(desk: Path) -> None:
    with open_workspace(desk).store.read() as connection:
        found = corrected(connection)
        assert found
        assert {e.text for e in found} <= set(TEXTS)
        assert all(e.positive == {"torture_ill_treatment"} and len(e.violations) == 16 for e in found)
        assert len(corrected(connection, exclude={found[0].id})) == len(found) - 1
        assert [e.id for e in corrected(connection, include={found[0].id})] == [found[0].id]


def test_too_few_corrections_teach_nothing(desk: Path) -> None:
    with pytest.raises(ConfigurationError, match="too few"):
        retrain_version(desk, "desk-2", corpora=None, recipe=Recipe(), now=NOW)


def test_a_candidate_comes_with_its_provenance_and_a_shadow_run_and_is_not_in_use(desk: Path) -> None:
    recipe = Recipe(epochs=1, encoder="frozen", head_learning_rate=1e-4)
    made = retrain_version(desk, "desk-2", corpora=None, recipe=recipe, now=NOW, fewest=1, report=lambda line: None)
    assert made["from"] == find(None).name
    assert made["corrections"] == len(made["reports"]) >= 1
    assert made["shadow"]["reports"] >= made["corrections"]
    written = (desk / "models" / "desk-2" / REPORT).read_text()
    assert json.loads(written)["version"] == "desk-2"
    assert "traders" not in written
    assert open_workspace(desk).model_folder == find(None)
    with pytest.raises(ConfigurationError, match="already"):
        retrain_version(desk, "desk-2", corpora=None, recipe=recipe, now=NOW, fewest=1)


def test_reports_are_read_together_and_not_each_by_itself(desk: Path) -> None:
    """As many statements for one report as for all, whatever their number."""
    store, asked, now = open_workspace(desk).store, Counter[str](), ""
    event.listen(store.engine, "before_cursor_execute", lambda *given: asked.update([now]))
    with store.read() as connection:
        (batch,) = batches.recent(connection)
        now = "all"
        found = corrected(connection)
        now = "one"
        corrected(connection, include={found[0].id})
        now = "results"
        lines = list(batch_results(connection, batch))
        now = "documents"
        assert [d["text"] for d in documents(connection, [batch])][: len(TEXTS)] == TEXTS
        now = "hidden"
        shown = list(hidden(connection, found, lambda document: document))
        now = "one hidden"
        list(hidden(connection, found[:1], lambda document: document))
    assert len(lines) > len(found) > 1
    assert shown == found
    assert asked["all"] == asked["one"]
    assert asked["documents"] == asked["results"] + 1
    assert asked["hidden"] == asked["one hidden"]
