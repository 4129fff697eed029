"""Pseudonymised exports: whatever is not known to name nobody is masked, in every format."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.exports import DOCUMENTS
from pipeline.custody.mask import Masked, mask, pseudonym, words
from pipeline.custody.pseudonyms import pseudonymise
from pipeline.taxonomy import load_taxonomy

KEY = bytes(range(32))
TAXONOMY = load_taxonomy()
LISTS = words()
SAFE = [
    "the",
    "soldiers",
    "beat",
    "two",
    "traders",
    "at",
    "market",
    "and",
    "Police",
    "On",
    "women",
    "fled",
    ".",
    ",",
    "\n",
    "-",
]
LETTERS = st.sampled_from("abdeghiklmnorstuwyzéøñاملعمиванд")
DISGUISES = ["", "", "", "\u200b", "\u0301", "\u202e", "-", "'"]


def folded(value: str) -> str:
    plain = unicodedata.normalize("NFKD", value).casefold()
    return "".join(c for c in plain if c.isalnum())


def is_nobody(word: str) -> bool:
    parts = re.split(r"[^\w\u0300-\u036f]+", word.lower())
    return any(LISTS.is_common(part) or part in LISTS.inner for part in parts if part)


@st.composite
def names(draw: st.DrawFn) -> str:
    """A word that is on no list, in any script and case, perhaps disguised."""
    letters = draw(st.lists(LETTERS, min_size=5, max_size=10))
    at = draw(st.integers(1, len(letters) - 1))
    word = "".join(letters)
    word = draw(st.sampled_from([word, word.capitalize(), word.upper()]))
    return word[:at] + draw(st.sampled_from(DISGUISES)) + word[at:]


PRIVATE = st.one_of(
    names().filter(lambda word: not is_nobody(word)),
    st.integers(10**7, 10**11).map(lambda n: f"+{n}"),
    st.integers(10**7, 10**9).map(lambda n: " ".join(re.findall("..?", str(n)))),
    names().map(lambda word: f"{folded(word)}@example.org"),
    names().map(lambda word: f"https://example.org/{folded(word)}?q=1"),
    st.tuples(st.floats(1, 89), st.floats(1, 179)).map(lambda p: f"{p[0]:.5f}, {p[1]:.5f}"),
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    """A document whose text holds what must not get out, with mentions anywhere; and those secrets."""
    secrets = draw(st.lists(PRIVATE, min_size=1, max_size=4))
    around = [draw(st.lists(st.sampled_from(SAFE), min_size=1, max_size=5)) for _ in secrets]
    text = " ".join(part for safe, secret in zip(around, secrets, strict=True) for part in (*safe, secret)) + " ."

    def span() -> dict[str, Any]:
        start = draw(st.integers(0, len(text) - 1))
        return {"start": start, "end": draw(st.integers(start + 1, len(text)))}

    said = {"by": secrets[0], "at": "2025-02-14T12:00:00Z", "adjudicated": False, "violations": [], "urgency": "high"}
    document = {
        "id": secrets[0], "report": "r1", "batch": secrets[0], "sha256": "0", "report_date": "2025-02-14", "language": "en",
        "text": text,
        "violations": [
            {"id": v, "probability": 0.5, "decided": True, "evidence": [{**span(), "score": 1.0}]}
            for v in TAXONOMY.violation_ids[:2]
        ],
        "urgency": {"id": "high", "probabilities": {}, "evidence": [{**span(), "score": 1.0}]},
        "places": [
            {**(s := span()), "text": text[s["start"] : s["end"]], "name": "Gao", "geonames_id": 1, "iso2": "ML",
             "lat": 16.27167, "lon": -0.04472, "precision": "exact", "score": 1.0, "reason": secrets[-1]}
        ],
        "actors": [
            {**(s := span()), "text": text[s["start"] : s["end"]], "type": "police", "role": "source", "canonical": None,
             "low": None, "high": None}
        ],
        "dates": [{**(s := span()), "text": text[s["start"] : s["end"]], "iso": None, "basis": None}],
        "counts": [{**span(), "kind": "killed", "low": 1, "high": 1, "who": secrets[-1]}],
        "claim_status": {}, "flags": [], "abstained": [], "corroborates": [], "model": "m@1", "policy": "1", "taxonomy": "1",
        "queues": [{"queue": "investigations", "due": "2025-02-16T06:00:00Z", "reason": "unlawful_killing 0.93"}],
        "reviewed": {**said, "spans": [{**span(), "kind": "place"}], "note": secrets[0]},
        "metadata": {"witness": secrets[0]},
    }  # fmt: skip
    return document, secrets


def outputs(document: dict[str, Any], tmp: Callable[[str], Any]) -> dict[str, str]:
    written = {"document": json.dumps(document, ensure_ascii=False)}
    for name, write in DOCUMENTS.items():
        path = tmp(name)
        write([document], path)
        written[name] = path.read_text(encoding="utf-8", errors="surrogatepass")
    return written


@given(made=documents())
def test_nothing_private_gets_out_in_any_format(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[dict[str, Any], list[str]]
) -> None:
    document, secrets = made
    shown = pseudonymise(document, key=KEY)
    assert shown is not None
    folder = tmp_path_factory.mktemp("formats")
    for name, written in outputs(shown, lambda name: folder / name).items():
        for secret in secrets:
            assert secret not in written, name
            digits = re.sub(r"\D", "", secret)
            if len(folded(secret)) > 5 and not digits:
                assert folded(secret) not in folded(written), name


@given(made=documents())
def test_mentions_lie_where_their_words_are(made: tuple[dict[str, Any], list[str]]) -> None:
    shown = pseudonymise(made[0], key=KEY)
    assert shown is not None
    text = shown["text"]
    for span in (*shown["places"], *shown["actors"], *shown["dates"]):
        assert text[span["start"] : span["end"]] == span["text"]
    for span in (*shown["counts"], *shown["reviewed"]["spans"], *shown["urgency"]["evidence"]):
        assert 0 <= span["start"] <= span["end"] <= len(text)


def outside(masked: Masked) -> str:
    """What was left of the original, masks taken out."""
    parts, at = [], 0
    for _, _, start, end in masked.edits:
        parts.append(masked.text[at:start])
        at = end
    return " ".join((*parts, masked.text[at:]))


@given(text=st.text(max_size=80) | st.lists(st.sampled_from(SAFE) | names() | PRIVATE, max_size=10).map(" ".join))
def test_every_word_that_is_left_is_on_a_list(text: str) -> None:
    masked = mask(text, key=KEY)
    for word in filter(str.isalpha, re.findall(r"[^\W\d_]+", outside(masked))):
        assert (
            LISTS.is_common(word.lower())
            or word.lower() in ("s", "st", "nd", "rd", "th")
            or re.search(rf"\d\s?{word}", text)
        ), word


@given(names(), names())
def test_a_name_has_one_pseudonym_under_a_key_and_another_under_another(one: str, other: str) -> None:
    def seen(name: str, key: bytes = KEY) -> list[str]:
        return re.findall(r"(?:name|word)-(\w+)", mask(f"Soldiers beat {name} .", key=key).text)

    assert seen(one) == seen(one.upper()) == seen(one.capitalize())
    assert seen(one) != seen(one, bytes(32))
    if folded(one) != folded(other):
        assert seen(one) != seen(other)


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("Soldiers beat Amina Diallo in Gao.", ["Gao"], r"Soldiers beat \[name-\w+\] in Gao\."),
        ("Soldiers beat amina in gao.", [], r"Soldiers beat \[word-\w+\] in \[word-\w+\]\."),
        ("Grace was beaten. Hope saw it.", [], r"\[name-\w+\] was beaten\. \[name-\w+\] saw it\."),
        ("They beat Mercy and Justice.", [], r"They beat \[name-\w+\] and \[name-\w+\]\."),
        ("Amina Gao was beaten in Gao.", ["Gao", "Gao"], r"\[name-\w+\] was beaten in Gao\."),
        ("Colonel Florence gave the order.", ["Florence"], r"Colonel \[name-\w+\] gave the order\."),
        ("Wounded Musa walked; Musa's son fled.", [], r"\[name-\w+\] walked; \[name-\w+\]'s son fled\."),
        ("Musa bin Ali and A. Diallo", [], r"\[name-\w+\] and \[name-\w+\]"),
        ("THE ARMY SHOT AMINA.", [], r"THE ARMY \[name-\w+\]\."),
        ("UN police, IDPs and the Minister of Defence", [], "UN police, IDPs and the Minister of Defence"),
        ("call 0803 123 4567 or a.b (at) example.org", [], r"call \[phone-\w+\] or \[email-\w+\]"),
        ("on 2025-02-14, 14/02/2025: 15,000 fled, 300 died", [], "on 2025-02-14, 14/02/2025: 15,000 fled, 300 died"),
        ("national number 19851204", [], r"national number \[phone-\w+\]"),
        ("at 14.08231, -3.52214", [], r"at \[near 14\.1, -3\.5\]"),
        ("car KD123XY of @amina_d", [], r"car \[name-\w+\] of \[handle-\w+\]"),
        ("@zero\u200bAmina, 12345Amina", [], r"\[handle-\w+\], \[number-\w+\]"),
        ("Ⓐⓜⓘⓝⓐ 𝐀𝐦𝐢𝐧𝐚 🇦🇲🇮🇳🇦", [], r"\[name-\w+\]"),
    ],
)
def test_what_is_masked_and_what_stays(text: str, known: list[str], expected: str) -> None:
    spans, at = [], 0
    for word in known:
        at = text.index(word, at)
        spans.append((at, at + len(word)))
        at += len(word)
    shown = mask(text, key=KEY, known=spans).text
    assert re.fullmatch(expected, shown), shown


def test_a_place_that_is_not_spelt_like_the_gazetteers_vouches_for_nothing() -> None:
    def place(written: str, name: str) -> tuple[str, Any]:
        document = plain(f"Soldiers beat him in {written} .")
        start = document["text"].index(written)
        found = {
            "start": start,
            "end": start + len(written),
            "text": written,
            "name": name,
            "geonames_id": 7,
            "iso2": "ML",
        }
        document["places"] = [{**found, "lat": 16.27167, "lon": -0.04472, "precision": "exact", "reason": None}]
        shown = pseudonymise(document, key=KEY)
        assert shown is not None
        assert (shown["places"][0]["lat"], shown["places"][0]["precision"]) == (16.3, "coarse")
        return shown["text"], shown["places"][0]["name"]

    assert place("Gao", "Gao") == ("Soldiers beat him in Gao .", "Gao")
    assert place("Kamishly", "Al-Qamishli") == ("Soldiers beat him in Kamishly .", "Al-Qamishli")
    text, name = place("Amina", "Almina")
    assert "Amina" not in text
    assert name is None


def plain(text: str) -> dict[str, Any]:
    return {
        "id": "A1", "report": "r1", "batch": "b1", "sha256": "0", "report_date": None, "language": "en", "text": text,
        "violations": [{"id": "torture_ill_treatment", "probability": 1.0, "decided": True, "evidence": []}],
        "urgency": None, "places": [], "actors": [], "dates": [], "counts": [], "claim_status": {}, "flags": [],
        "abstained": [], "corroborates": [], "queues": [], "model": "m@1", "policy": "1", "taxonomy": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"violations": []}, {"abstained": ["language"]}, {"abstained": ["processing"]}, {"text": None}, {"places": [{}]}],
)
def test_what_was_not_assessed_or_cannot_be_read_is_left_out(change: dict[str, Any]) -> None:
    assert pseudonymise(plain("Soldiers beat him."), key=KEY) is not None
    assert pseudonymise({**plain("Soldiers beat him."), **change}, key=KEY) is None


def test_pseudonyms_tell_kinds_apart() -> None:
    assert pseudonym("report", "x", key=KEY) != pseudonym("batch", "x", key=KEY)
    assert io.StringIO(pseudonym("id", "x", key=KEY)).read().startswith("id-")
