"""Pseudonymised documents: what an export may say of a report without saying who.

Names, numbers, addresses and links are masked in the text (`mask.py`), ids and reviewers get pseudonyms, points are rounded
to a tenth of a degree, and fields that are not named here are left out. A report that was not assessed, or whose text
cannot be worked on, is left out as a whole.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.custody.keys import write_key
from pipeline.custody.mask import COARSE_DIGITS, Masked, Span, mask, pseudonym
from pipeline.errors import ConfigurationError
from pipeline.extract.names import bare_key, sound_key

Document = Mapping[str, Any]
KEY_BYTES = 32
NOT_ASSESSED = {"language", "processing"}


def load_key(path: Path) -> bytes:
    """The key of the pseudonyms; ConfigurationError where none is there."""
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: no key of pseudonyms can be read: `sitrep pseudonym-key FILE` makes one"
        ) from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} is no key of pseudonyms: `sitrep pseudonym-key FILE` makes one")
    return key


def make_key(path: Path) -> None:
    """Write a new key into a new file that only its owner may read."""
    write_key(path, secrets.token_bytes(KEY_BYTES))


def pseudonymise(document: Document, *, key: bytes) -> dict[str, Any] | None:
    """The document without persons; None where it has to be left out."""
    try:
        return _pseudonymised(document, key)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        return None  # a document of another shape: what it holds cannot be vouched for


def _pseudonymised(document: Document, key: bytes) -> dict[str, Any] | None:
    if not document["violations"] or NOT_ASSESSED & set(document["abstained"]):
        return None
    text: str = document["text"]
    masked = mask(text, key=key, known=_known(document, text), figures=_figures(document))

    def moved(span: Mapping[str, Any]) -> dict[str, Any]:
        start, end = masked.span(span["start"], span["end"])
        return {"start": start, "end": end}

    def mention(span: Mapping[str, Any]) -> dict[str, Any]:
        place = moved(span)
        return {**place, "text": masked.text[place["start"] : place["end"]]}

    def evidence(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**moved(sentence), "score": sentence["score"]} for sentence in found]

    urgency = document["urgency"]
    return {
        **{name: pseudonym(name, str(document[name]), key=key) for name in ("report", "batch")},
        "id": pseudonym("id", str(document["id"]), key=key),
        "sha256": hashlib.sha256(masked.text.encode("utf-8", "surrogatepass")).hexdigest(),
        "report_date": document["report_date"], "language": document["language"], "text": masked.text,
        "violations": [
            {**_some(v, "id", "probability", "decided"), "evidence": evidence(v["evidence"])} for v in document["violations"]
        ],
        "urgency": urgency and {**_some(urgency, "id", "probabilities"), "evidence": evidence(urgency["evidence"])},
        "places": [{**mention(p), **_place(p, masked)} for p in document["places"]],
        "actors": [
            {**mention(a), **_some(a, "type", "role", "low", "high"), "canonical": _canonical(a, masked)}
            for a in document["actors"]
        ],
        "dates": [{**mention(d), **_some(d, "iso", "basis")} for d in document["dates"]],
        "counts": [
            {**moved(c), **_some(c, "kind", "low", "high"), "who": mask(str(c["who"]).lower(), key=key).text}
            for c in document["counts"]
        ],
        **_some(document, "claim_status", "flags", "abstained", "model", "policy", "taxonomy"),
        "corroborates": [pseudonym("report", other, key=key) for other in document["corroborates"]],
        "queues": [_some(item, "queue", "due", "reason") for item in document["queues"]],
        **({"reviewed": _reviewed(document["reviewed"], moved, key)} if "reviewed" in document else {}),
    }  # fmt: skip


def _some(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}


def _known(document: Document, text: str) -> list[Span]:
    """Spans that a look-up vouches for: places whose name reads like the gazetteer's, organisations of the lexicon."""
    places = [
        p
        for p in document["places"]
        if p["name"] and p["precision"] and _same(text[p["start"] : p["end"]], p["name"])
    ]  # fmt: skip
    return [(span["start"], span["end"]) for span in (*places, *(a for a in document["actors"] if a["canonical"]))]


def _same(written: str, name: str) -> bool:
    """Whether a place is written as it is filed, but for its transliteration."""
    return bare_key(written) == bare_key(name) or (len(written) > 3 and sound_key(written) == sound_key(name))


def _figures(document: Document) -> list[Span]:
    return [(s["start"], s["end"]) for s in (*document["counts"], *(d for d in document["dates"] if d["iso"]))]


def _place(place: Mapping[str, Any], masked: Masked) -> dict[str, Any]:
    """A place as far as it may be told: its name where it was not masked, its point coarse."""
    names = _some(place, "name", "geonames_id")
    told = names if masked.kept(place["start"], place["end"]) else dict.fromkeys(names)
    point = {axis: None if place[axis] is None else round(place[axis], COARSE_DIGITS) for axis in ("lat", "lon")}
    precision = "coarse" if place["precision"] == "exact" else place["precision"]
    return {**told, "iso2": place["iso2"], **point, "precision": precision, "reason": None}


def _canonical(actor: Mapping[str, Any], masked: Masked) -> str | None:
    return actor["canonical"] if masked.kept(actor["start"], actor["end"]) else None


def _reviewed(said: Mapping[str, Any], moved: Any, key: bytes) -> dict[str, Any]:
    spans = said.get("spans")
    return {
        "by": pseudonym("reviewer", said["by"], key=key),
        **_some(said, "at", "adjudicated", "violations", "urgency"),
        **({"spans": [{**moved(s), **_some(s, "kind", "type", "role")} for s in spans]} if spans is not None else {}),
    }
