"""Score places, actors and dates on held-out data: our own slices, and public corpora where they are there.

Each corpus is scored by the metric that its authors publish, next to what they report. Documents are
read as triage reads them (normalised, one encoder pass, extraction); only test parts are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import corpora
from corpora import Example
from corpora.schema import KINDS, Kind
from corpora.splits import split_of_group
from corpora.toponyms import Geotagged, Toponym, load_toponyms
from models import load
from models.entity_scores import (
    Bounds,
    Figure,
    Point,
    decided,
    resolution,
    share,
    span_scores,
    without_article,
    without_number,
)
from pipeline.errors import ConfigurationError
from pipeline.extract import Extractor
from pipeline.report import Entities, Place, Report, Tag
from pipeline.route import load_policy
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import Rooms, assess

CHUNK = 64
SHOWN = 15  # error classes in the table; the JSON has all
PLURALS = {kind: f"{name}s" for kind, name in KINDS.items()}
# What others report on these corpora; where their setting differs from ours, it is said.
PUBLISHED = {
    ("humset_geolocation", "places", "exact F1"): "0.92 (RoBERTa fine-tuned on it, Belliardo et al. 2023; its own split)",
    ("lgl", "places found", "GeoNames id"): "0.794 (Mordecai 3, full GeoNames)",
    ("lgl", "places found", "country"): "0.979 (Mordecai 3)",
    ("lgl", "places found", "within 161 km"): "0.827 (Mordecai 3)",
    ("tr_news", "places found", "GeoNames id"): "0.843 (Mordecai 3, full GeoNames)",
    ("tr_news", "places found", "country"): "0.978 (Mordecai 3)",
    ("tr_news", "places found", "within 161 km"): "0.873 (Mordecai 3)",
    ("re3d", "actors", "exact F1"): "0.684, best 0.695 (ConfliBERT and others, fine-tuned on it, all 14 types together)",
}  # fmt: skip


@dataclass(frozen=True)
class Score:
    """One figure: of a corpus, of a kind of entity, by a metric, beside what others publish."""

    corpus: str
    what: str
    metric: str
    figure: Figure
    published: str = ""


def score_entities(version: Path | None, root: Path | None, *, gazetteer: Path | None = None) -> dict[str, Any]:
    """Figures on every held-out set that is there, and the errors on our own slices by class, the commonest first."""
    extractor = Extractor(gazetteer)
    rooms = Rooms(model=load(version), extractor=extractor, policy=load_policy(), taxonomy=load_taxonomy())
    scores: list[Score] = []
    errors: Counter[str] = Counter()
    for name, examples in _marked(root).items():
        scores += _score_marked(name, examples, rooms, errors)
    for name in ("lgl", "tr_news", "humset_geocoding"):
        scores += _score_geotagged(name, _test_part(name, root), rooms)
    return {
        "model": rooms.model.version,
        "gazetteer": extractor.gazetteer.path.name,
        "scores": [
            {"corpus": s.corpus, "what": s.what, "metric": s.metric, **asdict(s.figure), "published": s.published}
            for s in scores
        ],
        "errors": dict(errors.most_common()),
    }


def markdown(result: dict[str, Any]) -> str:
    """The figures as a table for people."""
    lines = [
        f"Model {result['model']}, gazetteer {result['gazetteer']}; test parts only; 95% intervals over documents.",
        "",
        "| corpus | what | metric | value | of | published |",
        "|---|---|---|---|---|---|",
    ]
    for s in result["scores"]:
        value = f"{s['value']:.3f} [{s['low']:.3f}, {s['high']:.3f}]" if s["n"] else "–"
        lines.append(f"| {s['corpus']} | {s['what']} | {s['metric']} | {value} | {s['n']:,} | {s['published']} |")
    if result["errors"]:
        lines += ["", "| error class on our own slices | count |", "|---|---|"]
        lines += [f"| {name} | {count} |" for name, count in list(result["errors"].items())[:SHOWN]]
    return "\n".join(lines) + "\n"


def _marked(root: Path | None) -> dict[str, list[Example]]:
    """Test parts of the corpora whose mentions are marked, with at least one kind complete."""
    ours = _held_out(corpora.load("authored"))
    found = {"our synthetic reports": ours}
    if root is not None:
        found["our marked passages"] = _held_out(corpora.load("annotated", root=root))
        for name in ("humset_geolocation", "re3d"):
            try:
                found[name] = _held_out(corpora.load(name, root=root))
            except ConfigurationError:  # the user has some of the corpora only
                continue
    return {name: examples for name, examples in found.items() if examples}


def _held_out(examples: Sequence[Example]) -> list[Example]:
    return [e for e in examples if e.annotated_kinds and corpora.split(e) == "test"]


def _test_part(name: str, root: Path | None) -> list[Geotagged]:
    if root is None:
        return []
    try:
        return [d for d in load_toponyms(name, root=root) if split_of_group(d.group) == "test"]
    except ConfigurationError:
        return []


def _read(
    rooms: Rooms, texts: Sequence[str], days: Sequence[date | None], countries: Sequence[str | None]
) -> Iterator[Entities]:
    """Entities of texts, as triage finds them."""
    reports = [
        Report(id=str(i), batch="evaluation", text=text, sha256="", report_date=day, country=country)
        for i, (text, day, country) in enumerate(zip(texts, days, countries, strict=True))
    ]
    for start in range(0, len(reports), CHUNK):
        for assessment in assess(reports[start : start + CHUNK], rooms):
            yield assessment.entities


def _score_marked(name: str, examples: Sequence[Example], rooms: Rooms, errors: Counter[str]) -> list[Score]:
    found = list(
        _read(rooms, [e.text for e in examples], [e.report_date for e in examples], [e.country for e in examples])
    )
    pairs = list(zip(examples, found, strict=True))
    scores = []
    for kind, what in PLURALS.items():
        asked = [pair for pair in pairs if kind in pair[0].annotated_kinds]
        scores += _score_spans(name, what, [_bounds(e, entities, kind) for e, entities in asked])
        if any(s.kind == kind for e, _ in asked for s in e.undecided):
            scores += _score_spans(name, f"{what} by our guide", [_decided(e, entities, kind) for e, entities in asked])
        if kind == "A":
            apart = [_bounds(e, entities, kind, without_number) for e, entities in asked]
            scores += [s for s in _score_spans(name, f"{what}, number apart", apart) if s.metric == "exact F1"]
    if name.startswith("our"):
        scores += _score_values(name, pairs, errors)
    return scores


Documents = Sequence[tuple[Sequence[Bounds], Sequence[Bounds]]]
Cut = Callable[[str, int, int], Bounds]


def _score_spans(name: str, what: str, documents: Documents) -> list[Score]:
    if not any(gold for gold, _ in documents):
        return []
    return [_score(name, what, metric, figure) for metric, figure in span_scores(documents).items()]


def _bounds(
    example: Example, entities: Entities, kind: Kind, cut: Cut = without_article
) -> tuple[list[Bounds], list[Bounds]]:
    """Gold and found bounds of a kind, without what `cut` takes off."""
    return (
        [cut(example.text, s.start, s.end) for s in example.spans if s.kind == kind],
        [cut(example.text, r.start, r.end) for r in getattr(entities, PLURALS[kind])],
    )


def _decided(example: Example, entities: Entities, kind: Kind) -> tuple[list[Bounds], list[Bounds]]:
    """Gold and found bounds, less the mentions that the corpus leaves undecided and what was found on them alone."""
    undecided = {without_article(example.text, s.start, s.end) for s in example.undecided if s.kind == kind}
    return decided(*_bounds(example, entities, kind), undecided=undecided)


def _score_values(name: str, pairs: Sequence[tuple[Example, Entities]], errors: Counter[str]) -> list[Score]:
    """What is said of a mention, over the gold mentions that were found; and why it is wrong where it is."""
    asked = (
        ("places", "P", "country", "iso2"), ("actors", "A", "type", "type"), ("actors", "A", "role", "role"),
        ("dates", "D", "value", "iso"),
    )  # fmt: skip
    scores = []
    for what, kind, metric, field in asked:
        if not any(getattr(s, field) for e, _ in pairs for s in e.spans if s.kind == kind):
            continue  # marked without values
        documents: list[list[bool]] = []
        for example, entities in pairs:
            right: list[bool] = []
            for span in (s for s in example.spans if s.kind == kind):
                mention = next((m for m in getattr(entities, what) if m.start < span.end and span.start < m.end), None)
                if mention is None:
                    errors[f"{what}: not found"] += metric in ("country", "type", "value")
                    continue
                wanted, said = getattr(span, field), getattr(mention, field)
                right.append(wanted == said)
                if wanted != said:
                    errors[f"{what}: {_why(mention, metric, wanted, said)}"] += 1
            documents.append(right)
        scores.append(_score(name, what, f"{metric} of those found", share(documents)))
    return scores


def _why(mention: object, metric: str, wanted: str | None, said: str | None) -> str:
    if isinstance(mention, Place):
        return f"country {'not told' if said is None else 'wrong'} ({mention.reason or 'resolved'})"
    if metric == "value":
        return (
            "value not told" if said is None else "value told where there is none" if wanted is None else "value wrong"
        )
    return f"{metric} {wanted} read as {said}"


def _score_geotagged(name: str, documents: Sequence[Geotagged], rooms: Rooms) -> list[Score]:
    """Toponym resolution of the names that were found, as a pipeline is used, and of all names, given their bounds."""
    if not documents:
        return []
    texts = [d.text for d in documents]
    nothing = [None] * len(documents)
    found = _read(rooms, texts, nothing, nothing)
    whole = [[(t.start, t.end) for t in d.toponyms] for d in documents]
    end_to_end, given, spans = [], [], []
    for document, entities in zip(documents, found, strict=True):
        tags = [Tag(t.start, t.end, "P", 1.0) for t in document.toponyms]
        told = rooms.extractor.extract_one(document.text, tags=tags).places
        end_to_end.append([pair for pair in _pairs(document.toponyms, entities.places, rooms.extractor) if pair[1]])
        given.append(_pairs(document.toponyms, told, rooms.extractor))
        spans.append([(p.start, p.end) for p in entities.places])
    scores = []
    if name != "humset_geocoding":  # there only the first mention of a name is marked
        scores += [_score(name, "places", m, f) for m, f in span_scores(list(zip(whole, spans, strict=True))).items()]
    for what, pairs in (("places found", end_to_end), ("places given", given)):
        scores += [_score(name, what, metric, figure) for metric, figure in resolution(pairs).items() if figure.n]
    return scores


def _pairs(gold: Sequence[Toponym], places: Sequence[Place], extractor: Extractor) -> list[tuple[Point, Point | None]]:
    pairs: list[tuple[Point, Point | None]] = []
    for toponym in gold:
        if toponym.geonames_id is None:
            continue
        place = next((p for p in places if p.start < toponym.end and toponym.start < p.end), None)
        known = extractor.gazetteer.by_id(toponym.country or toponym.geonames_id)
        iso2 = known.iso2 if known else None
        point = Point(toponym.geonames_id, iso2, toponym.lat, toponym.lon)
        told = Point(place.geonames_id, place.iso2, place.lat, place.lon) if place else None
        pairs.append((point, told))
    return pairs


def _score(corpus: str, what: str, metric: str, figure: Figure) -> Score:
    return Score(corpus, what, metric, figure, PUBLISHED.get((corpus, what, metric), ""))
