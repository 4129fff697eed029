"""Laws of intake: whatever comes in, every row is accepted or set aside, and nothing is raised."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.intake import Limits, Reason, Row, fingerprint, normalise, read_inputs, similarity
from pipeline.intake.inputs import FORMATS

SEEDS = {
    ".csv": b'id,report_date,text\n1,2025-02-14,"They came, and left"\n2,,They left\n',
    ".jsonl": b'{"id": 1, "text": "They came"}\n{"id": 2, "text": "They left"}\n',
    ".json": b'[{"id": 1, "text": "They came"}, {"id": 2, "text": "They left"}]',
    ".eml": b"Date: Fri, 14 Feb 2025 10:00:00 +0000\nSubject: x\nContent-Type: text/html\n\n<p>They came</p>",
    ".pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj trailer<</Root 1 0 R>>",
    ".xlsx": b"PK\x03\x04",
    ".txt": "They came à Ménaka".encode(),
}


def read(name: str, content: bytes) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return list(read_inputs([path], mapping={}, limits=Limits(text_characters=1000)))


def check(rows: list[Row]) -> None:
    assert rows
    for row in rows:
        assert (row.candidate is None) != (row.problem is None)
        if row.problem:
            assert row.problem.reason in Reason
            assert row.problem.message
        if row.candidate:
            row.candidate.text.encode()
        json.dumps([row.content, row.locator, row.external_id], ensure_ascii=False).encode()


@pytest.mark.parametrize("suffix", FORMATS, ids=str)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_received(suffix: str, content: bytes) -> None:
    check(read(f"a{suffix}", content))


@pytest.mark.parametrize("suffix", SEEDS, ids=str)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_damaged_files_are_received(suffix: str, data: st.DataObject) -> None:
    seed = SEEDS[suffix]
    at = data.draw(st.integers(0, len(seed)))
    gone = data.draw(st.integers(0, 10))
    put = data.draw(st.binary(max_size=10) | st.sampled_from([b'"', b"\n", b"\0", b"[", b"=1+1", b"\xff", b"9" * 30]))
    check(read(f"a{suffix}", seed[:at] + put + seed[at + gone :]))


CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_every_line_of_a_table_is_one_row(rows: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"id": number, "text": text, "note": note}) for number, (text, note) in enumerate(rows)]
    received = read("a.jsonl", "\n".join(lines).encode())
    assert [row.external_id for row in received] == [str(number) for number in range(len(rows))]
    for row, (text, _) in zip(received, rows, strict=True):
        if row.candidate:
            assert row.candidate.text == text


@given(st.text(max_size=200))
def test_a_fingerprint_is_of_the_working_text(text: str) -> None:
    print_ = fingerprint(text)
    assert print_ == fingerprint(normalise(text).text) or "Ã" in text or "â" in text
    assert similarity(print_.signature, print_.signature) == 1.0
    assert len(print_.bands) == 10
    assert all(-(2**63) <= band < 2**63 for band in print_.bands)


ODD = st.text(alphabet=st.sampled_from("Ãâ€™©аАо\u0301\u200b\u202eﬁﬂ½²ｘ𝐤 \u00a0éеКк‌ا\u200cÐÑ°Ð¾"), max_size=80)


@given(ODD)
def test_every_word_of_the_working_text_points_to_its_source(text: str) -> None:
    working = normalise(text)
    for start in range(len(working.text)):
        first, last = working.to_original(start, start + 1)
        assert 0 <= first < last <= len(text)
    if working.text:
        assert working.to_original(0, len(working.text))[1] <= len(text)
    if working.starts is None:
        assert working.text == text
        assert set(working.flags) <= {"mixed_scripts"}  # a word of two scripts that passes for neither is only flagged
