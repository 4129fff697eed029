"""The extract room as a spaCy pipeline, to load, extend and visualise.

>>> nlp = load_pipeline()                                                           # doctest: +SKIP
>>> (doc,) = read_docs(nlp, [text], tags=[reading.tags], report_dates=[day], countries=["ML"])   # doctest: +SKIP
>>> [(ent.text, ent.label_, ent._.place.iso2) for ent in doc.ents if ent.label_ == "PLACE"]        # doctest: +SKIP
[('Bankass', 'PLACE', 'ML')]

`doc.ents` holds places, actors and dates, `doc.spans` each kind by itself with counts, and `span._`
the full record. The encoder's tags come in as context; without them the rules work alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from pipeline.extract import Extractor
from pipeline.report import Tag

LABELS = {"places": "PLACE", "actors": "ACTOR", "dates": "DATE", "counts": "COUNT"}

for _name in ("place", "actor", "date", "count"):
    if not Span.has_extension(_name):
        Span.set_extension(_name, default=None)
for _name in ("tags", "report_date", "country"):
    if not Doc.has_extension(_name):
        Doc.set_extension(_name, default=() if _name == "tags" else None)


class SitrepEntities:
    """The component: sets entities and span groups from `doc._.tags`, `doc._.report_date`, `doc._.country`."""

    def __init__(self, gazetteer: str | None) -> None:
        self._extractor = Extractor(Path(gazetteer) if gazetteer else None)

    def __call__(self, doc: Doc) -> Doc:
        found = self._extractor.extract_one(
            doc.text, tags=doc._.tags, report_date=doc._.report_date, country=doc._.country
        )
        for kind, label in LABELS.items():
            spans = []
            for record in getattr(found, kind):
                # A mention that ends inside a token ("0552BASE") is widened to it.
                span = doc.char_span(record.start, record.end, label=label, alignment_mode="expand")
                if span is not None:
                    setattr(span._, kind.removesuffix("s"), record)
                    spans.append(span)
            doc.spans[kind] = spans
        doc.ents = filter_spans([span for kind in ("dates", "places", "actors") for span in doc.spans[kind]])
        return doc


@Language.factory("sitrep_entities", default_config={"gazetteer": None})
def create_component(nlp: Language, name: str, gazetteer: str | None) -> SitrepEntities:
    """`nlp.add_pipe("sitrep_entities", config={"gazetteer": "/path/to/gazetteer.sqlite"})`."""
    return SitrepEntities(gazetteer)


def load_pipeline(*, gazetteer: Path | None = None, language: str = "en") -> Language:
    """A blank pipeline of the language with the component."""
    nlp = spacy.blank(language)
    nlp.add_pipe("sitrep_entities", config={"gazetteer": str(gazetteer) if gazetteer else None})
    return nlp


def read_docs(
    nlp: Language,
    texts: Iterable[str],
    *,
    tags: Iterable[Iterable[Tag]],
    report_dates: Iterable[date | None],
    countries: Iterable[str | None],
) -> Iterator[Doc]:
    """Docs of texts with their context, in order."""

    def docs() -> Iterator[Doc]:
        for text, text_tags, day, country in zip(texts, tags, report_dates, countries, strict=True):
            doc = nlp.make_doc(text)
            doc._.tags, doc._.report_date, doc._.country = tuple(text_tags), day, country
            yield doc

    yield from nlp.pipe(docs())
