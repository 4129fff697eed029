"""The markup of our own corpus: a header line per report, and tagged mentions in the text.

### field-0001 | date: 2025-02-14 | style: sitrep | country: ML | violations: unlawful_killing | urgency: high
[[D:2025-02-13|Yesterday]] [[A:non_state_armed_group:perpetrator|armed men]] entered [[P:ML|Ménaka]].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from corpora.schema import Example, Kind, Span
from pipeline.errors import ConfigurationError
from pipeline.taxonomy import Taxonomy

_MOMENT = r"\d{4}(-\d{2}(-\d{2}(T\d{2}(:\d{2})?)?)?)?"
_ISO = re.compile(rf"^(\?|{_MOMENT}(/{_MOMENT})?)$")
_TAG = re.compile(r"\[\[(?P<kind>[PAD]):(?P<value>[^|\]]*)\|(?P<surface>[^\]]+?)\]\]")
_COUNTRY = re.compile(r"^[A-Z]{2}$")


def parse(text: str, *, name: str, taxonomy: Taxonomy) -> Iterator[Example]:
    """The reports of a marked-up file; ConfigurationError with file, line and report where it is malformed."""
    line = 1
    blocks = re.split(r"^### ", text, flags=re.M)
    line += blocks[0].count("\n")
    seen: set[str] = set()
    for block in blocks[1:]:
        head, _, body = block.partition("\n")
        try:
            example = _report(head, body.strip(), taxonomy)
            if example.id in seen:
                raise ValueError("this id stands twice")
        except ValueError as error:
            raise ConfigurationError(f"{name}:{line}: {head.split('|')[0].strip()}: {error}") from error
        seen.add(example.id)
        yield example
        line += block.count("\n")


def _report(head: str, body: str, taxonomy: Taxonomy) -> Example:
    ident, *fields = (part.strip() for part in head.split("|"))
    values = {key.strip(): value.strip() for key, value in (field.split(":", 1) for field in fields)}
    violations = [v.strip() for v in values.get("violations", "").split(",") if v.strip()]
    for violation in violations:
        _one_of(violation, taxonomy.violation_ids)
    text, spans = _body(body, taxonomy)
    return Example(
        id=ident,
        text=text,
        source="authored",
        # The halves of a contrast pair (contrast-001a, contrast-001b) differ in one circumstance only.
        group=re.sub(r"(?<=\d)[a-z]$", "", ident),
        report_date=date.fromisoformat(values.get("date", "")),
        country=values.get("country") or None,
        violations={v: float(v in violations) for v in taxonomy.violation_ids},
        urgency=_one_of(values.get("urgency", ""), taxonomy.urgency_ids),
        spans=tuple(_propagate(text, spans)),
        annotated_kinds=frozenset({"P", "A", "D"}),
        synthetic=True,
    )


def _body(body: str, taxonomy: Taxonomy) -> tuple[str, list[Span]]:
    """The text without its tags, and the spans that they marked."""
    parts: list[str] = []
    spans: list[Span] = []
    position = length = 0
    for match in _TAG.finditer(body):
        before = body[position : match.start()]
        start = length + len(before)
        surface = match["surface"]
        length = start + len(surface)
        parts += [before, surface]
        spans.append(_span(match, start, length, taxonomy))
        position = match.end()
    text = "".join((*parts, body[position:]))
    if "[[" in text or "]]" in text:
        raise ValueError("a tag is malformed")
    if len(text) < 20:
        raise ValueError("the text is empty or too short")
    return text, spans


def _span(match: re.Match[str], start: int, end: int, taxonomy: Taxonomy) -> Span:
    kind, value, surface = match["kind"], match["value"], match["surface"]
    if kind == "P":
        if value and not _COUNTRY.match(value):
            raise ValueError(f"{value!r} at {surface!r} is no country code")
        return Span(start, end, "P", iso2=value or None)
    if kind == "A":
        type_, _, role = value.partition(":")
        return Span(
            start, end, "A", type=_one_of(type_, taxonomy.actor_types), role=_one_of(role, taxonomy.actor_roles)
        )
    if not _ISO.match(value):
        raise ValueError(f"{value!r} at {surface!r} is no ISO 8601 value")
    return Span(start, end, "D", iso=None if value == "?" else value)


def _propagate(text: str, spans: list[Span]) -> list[Span]:
    """Places and actors marked once are marked wherever the same wording stands."""
    taken = [(s.start, s.end) for s in spans]
    for kind in _PROPAGATED:
        for span in [s for s in spans if s.kind == kind]:
            wording = re.escape(text[span.start : span.end])
            for match in re.finditer(rf"(?<!\w){wording}(?!\w)", text):
                if all(match.end() <= start or match.start() >= end for start, end in taken):
                    spans.append(Span(*match.span(), kind, span.iso2, span.type, span.role))
                    taken.append(match.span())
    return sorted(spans, key=lambda s: s.start)


_PROPAGATED: tuple[Kind, ...] = ("P", "A")


def _one_of(value: str, allowed: object) -> str:
    if value not in allowed:  # type: ignore[operator]
        raise ValueError(f"{value!r} is none of the taxonomy's ids")
    return value
