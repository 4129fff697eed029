"""Proofs: an outsider follows one report from its submission to its exports, and no byte of the file can be altered."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import text, update

import pipeline.custody.check
from pipeline.custody.check import Refused, check_proof, read_head
from pipeline.custody.exports import outgoing
from pipeline.custody.heads import sign, verifier_of
from pipeline.custody.proof import prove
from pipeline.deliver import deliver
from pipeline.errors import ConfigurationError, NotFound
from pipeline.intake import Limits
from pipeline.results import report_results
from pipeline.route.destinations import Folder
from pipeline.store import Store, audit, corrections, open_store, reports
from pipeline.store.migrate import upgrade
from pipeline.store.schema import assessment
from pipeline.submit import submit
from pipeline.triage import Rooms, triage_chunk
from tests.conftest import NOW, SHIPPED
from tests.custody.test_heads import DESK, KEY, TRUSTED

WORDS = "Armed men abducted seven farmers near Bankass on 13 February and killed two. The others are still held and were beaten."
OTHERS = [
    "On 12 February police in Mopti arrested two journalists for reporting on the protest and beat them.",
    "The women's committee met in Sévaré on Monday. No incidents were reported.",
]
WAY = ["submit", "triage", "reviewed", "adjudicated", "deliver", "exported"]


def ticking() -> Callable[[], Any]:
    seconds = count()
    return lambda: NOW + timedelta(seconds=next(seconds))


def live_through(store: Store, rooms: Rooms, folder: Path, now: Callable[[], Any]) -> None:
    """Three reports are submitted, triaged, delivered and exported; the first is reviewed as well."""
    path = folder / "reports.jsonl"
    path.write_text("".join(json.dumps({"id": f"A{n}", "text": t}) + "\n" for n, t in enumerate([WORDS, *OTHERS], 1)))
    submit(store, [path], now=now, limits=Limits())
    with store.read() as connection:
        chunks = reports.pending_chunks(connection, size=100)
    for first, last in chunks:
        triage_chunk(store, first, last, rooms, now=now)
    with store.write() as connection:
        seq, _ = reports.find(connection, "A1")
        made = reports.newest_assessments(connection, [seq])[seq].seq
        said = {"violations": ["torture_ill_treatment"], "note": None}
        corrections.add(connection, seq, reviewer="ada", urgency="high", assessment=made, now=now(), **said)
        corrections.adjudicate(connection, seq, adjudicator="cy", urgency="critical", now=now(), **said)
    deliver(store, {"folder": Folder(folder / "outbox")}, **SHIPPED, now=now, rng=random.Random(0))
    export(store, folder / "results.jsonl", now=now)


def export(store: Store, out: Path, *, now: Callable[[], Any]) -> None:
    with outgoing(store, out, what="results", by="op", now=now) as going, store.read() as connection:
        seqs = [reports.find(connection, ident)[0] for ident in ("A1", "A2", "A3")]
        going.path.write_text(json.dumps([*going.passing(report_results(connection, seqs).values())]))
        going.note(connection)


def proof_of(store: Store, ident: str = "A1", *, contents: bool = False) -> tuple[dict[str, Any], list[int]]:
    with store.read() as connection:
        note = sign(connection, KEY, name=DESK, now=NOW)
        made, unproved = prove(connection, ident, note=note, head=read_head(note, TRUSTED), contents=contents)
    return json.loads(json.dumps(made)), unproved


@pytest.fixture(scope="module")
def lived(rooms: Rooms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("lived")
    store = open_store("sqlite:///test.db", base=folder)
    upgrade(store)
    live_through(store, rooms, folder, ticking())
    yield store
    store.dispose()


@pytest.fixture(scope="module")
def proof(lived: Store) -> dict[str, Any]:
    return proof_of(lived, contents=True)[0]


def actions(made: dict[str, Any]) -> list[str]:
    return [link["event"]["action"] for link in made["links"]]


def test_every_step_of_a_report_is_proved(any_store: Store, rooms: Rooms, tmp_path: Path) -> None:
    live_through(any_store, rooms, tmp_path, ticking())
    made, unproved = proof_of(any_store)
    assert (actions(made), unproved) == (WAY, [])
    said = check_proof(made, TRUSTED, text=WORDS.encode())
    assert len(said) >= len(WAY) + 2
    for ident in ("A2", "A3"):
        made, unproved = proof_of(any_store, ident)
        assert (actions(made), unproved) == (["submit", "triage", "deliver", "exported"], [])
        check_proof(made, TRUSTED)


def test_a_delivery_to_several_queues_is_proved_for_each(proof: dict[str, Any]) -> None:
    (sent,) = [link for link in proof["links"] if link["event"]["action"] == "deliver"]
    keys = [line["leaf"][0] for line in sent["lines"]]
    assert len(keys) == len(set(keys)) > 1


def test_a_proof_holds_no_word_of_the_report(lived: Store) -> None:
    written = json.dumps(proof_of(lived)[0])
    assert not [word for word in ("abducted", "farmers", "Bankass", "beaten") if word in written]


def test_contents_are_what_was_decided_and_said(proof: dict[str, Any]) -> None:
    assert len(proof["contents"]["decision"]) == 1
    assert [said["urgency"] for said in proof["contents"]["review"]] == ["high", "critical"]
    check_proof(proof, TRUSTED)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every field of a JSON value, lists and objects included."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*way, key))


def alterations(value: Any) -> list[Any]:
    if isinstance(value, bool) or value is None:
        return [not value, 0, "x"]
    if isinstance(value, int | float):
        return [value + 1, value - 1, -value, float(value), str(value), value == 1, None]
    if isinstance(value, str):
        return [value + " ", " " + value, value + "\n", value.upper() + "x", value[1:], value[:-1], "", None]
    if isinstance(value, dict):
        lost = [{k: v for k, v in value.items() if k != gone} for gone in value if gone != "contents"]
        return [{**value, "extra": 1}, [], None, *lost]
    return [[*value, None], {}, "", None]


def test_every_altered_field_is_refused(proof: dict[str, Any]) -> None:
    tried = 0
    for way in places(proof):
        whole = value = {"root": copy.deepcopy(proof)}
        *steps, last = ("root", *way)
        for key in steps:
            value = value[key]
        original = value[last]
        for altered in alterations(original):
            if json.dumps(altered) == json.dumps(original):
                continue
            value[last] = altered
            with pytest.raises(Refused):
                check_proof(whole["root"], TRUSTED)
            tried += 1
    assert tried > 1000


@given(data=st.data())
def test_every_altered_byte_is_refused(proof: dict[str, Any], data: st.DataObject) -> None:
    written = json.dumps(proof, ensure_ascii=False).encode()
    at = data.draw(st.integers(0, len(written) - 1))
    put = data.draw(st.binary(max_size=2))
    altered = written[:at] + put + written[at + data.draw(st.integers(0, 1)) :]
    try:
        value = json.loads(altered)
    except ValueError:
        return
    assume(json.dumps(value, sort_keys=True) != json.dumps(proof, sort_keys=True))
    with pytest.raises(Refused):
        check_proof(value, TRUSTED)


def test_a_proof_of_one_report_is_none_of_another(lived: Store) -> None:
    one, other = proof_of(lived, "A2")[0], proof_of(lived, "A3")[0]
    for swapped in (
        {**one, "report": other["report"]},
        {**one, "sha256": other["sha256"]},
        {**one, "links": other["links"]},
    ):
        with pytest.raises(Refused):
            check_proof(swapped, TRUSTED)
    with pytest.raises(Refused, match="text"):
        check_proof(one, TRUSTED, text=WORDS.encode())


def test_what_came_after_the_head_is_named_as_unproved(any_store: Store, rooms: Rooms, tmp_path: Path) -> None:
    now = ticking()
    live_through(any_store, rooms, tmp_path, now)
    with any_store.read() as connection:
        note = sign(connection, KEY, name=DESK, now=NOW)
    export(any_store, tmp_path / "later.jsonl", now=now)
    with any_store.read() as connection:
        made, unproved = prove(connection, "A1", note=note, head=read_head(note, TRUSTED))
        assert unproved == [audit.size(connection)]
    assert actions(made) == WAY


def test_a_report_that_came_in_after_the_head_has_no_proof_yet(store: Store, rooms: Rooms, tmp_path: Path) -> None:
    with store.read() as connection:
        note = sign(connection, KEY, name=DESK, now=NOW)
    live_through(store, rooms, tmp_path, ticking())
    with store.read() as connection, pytest.raises(NotFound, match="newest signed head"):
        prove(connection, "A1", note=note, head=read_head(note, TRUSTED))


def test_a_decision_that_was_rewritten_in_the_store_is_not_proved(store: Store, rooms: Rooms, tmp_path: Path) -> None:
    live_through(store, rooms, tmp_path, ticking())
    with store.write() as connection:
        connection.execute(text("DROP TRIGGER assessment_no_update"))
        connection.execute(update(assessment).values(sha256="0" * 64))
    made, unproved = proof_of(store)
    assert "triage" not in actions(made)
    assert unproved
    with pytest.raises(Refused, match="another text, decision or review"):
        check_proof(made, TRUSTED)


def test_the_checker_runs_alone(proof: dict[str, Any], tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    script.write_text(Path(pipeline.custody.check.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    (tmp_path / "report.txt").write_text(WORDS, encoding="utf-8")

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        # -I: from the script's own folder nothing is imported, and no environment says where Sitrep is.
        command = [sys.executable, "-I", str(script), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    key = verifier_of(KEY, name=DESK)
    done = check("proof.json", "--key", key, "--text", "report.txt")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the proof holds")
    (tmp_path / "report.txt").write_text(WORDS + " ", encoding="utf-8")
    done = check("proof.json", "--key", key, "--text", "report.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert "not the one that the proof is about" in done.stderr


def test_an_export_appears_only_when_it_is_on_record(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        pytest.raises(ZeroDivisionError),
        outgoing(store, out, what="results", by="op", now=lambda: NOW) as going,
    ):
        going.path.write_text(f"half {1 // going.rows}")
    out.mkdir()
    with pytest.raises(ConfigurationError, match="already"), outgoing(store, out, what="x", by="op", now=lambda: NOW):
        pass
    with (
        pytest.raises(ConfigurationError, match="no folder"),
        outgoing(store, tmp_path / "none" / "f", what="x", by="op", now=lambda: NOW),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith((".sitrep", "out"))] == ["out"]
    with store.read() as connection:
        assert audit.size(connection) == 0
