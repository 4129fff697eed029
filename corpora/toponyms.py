"""Corpora whose places are told: which place on earth each marked name means.

LGL and TR-News (Gritta, Pilehvar and Collier 2020) give coordinates and GeoNames ids of marked toponyms;
the geocoding part of `humset_geolocation` (Belliardo, Kalimeri and Mejova 2023) gives ids of names that a
document holds, which are marked at their first occurrence.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import parse

from corpora.schema import Example, Span
from pipeline.errors import ConfigurationError
from pipeline.extract.toponyms import demonyms

_CAPITALISED = re.compile(r"[A-Z][\w.'’-]*(?: (?:(?:of|the|for|and) )*[A-Z][\w.'’-]*)*")
_SITES = re.compile(
    r"\b(?:Jail|Prison|Hospital|School|University|College|Cent(?:er|re)|Court|Church|Mosque|Park|Airport|Station|Bridge)"
)
_SLACK = 20  # characters that offsets may be wrong by, where the publishers' text was converted


@dataclass(frozen=True)
class Toponym:
    """A marked name. `country` is GeoNames' id of its country; coordinates in degrees; all None where not told."""

    start: int
    end: int
    geonames_id: int | None
    country: int | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True)
class Geotagged:
    """A document with its toponyms. `group` decides its split."""

    id: str
    text: str
    group: str
    toponyms: tuple[Toponym, ...]


def as_example(document: Geotagged, *, source: str) -> Example:
    """The names as places by our guide, the only mentions that are marked.

    Undecided is what the guide takes otherwise: the people of a country, a name in that of an organisation or of a site
    (`Oxford City Council`, `Anderson County Courthouse`), and names of sites, which are seldom marked.
    """
    adjectives, _ = demonyms()
    spans = tuple(Span(t.start, t.end, "P") for t in document.toponyms)
    starts = {span.start for span in spans}
    undecided = [s for s in spans if adjectives.fullmatch(document.text[s.start : s.end])]
    for run in _CAPITALISED.finditer(document.text):
        inside = [s for s in spans if run.start() <= s.start < run.end()]
        tail = next((s for s in inside if document.text[s.end : s.end + 1] == " " and s.end + 1 < run.end()), None)
        if (tail and tail.end + 1 not in starts) or _SITES.search(run[0]):
            undecided.append(Span(run.start(), run.end(), "P"))
    return Example(
        id=document.id, text=document.text, source=source, group=document.group, spans=spans,
        annotated_kinds=frozenset({"P"}), undecided=tuple(undecided),
    )  # fmt: skip


def load_toponyms(name: str, *, root: Path) -> list[Geotagged]:
    """The corpus `lgl`, `tr_news` or `humset_geocoding`; ConfigurationError where it is not under `root`."""
    try:
        if name == "humset_geocoding":
            return list(_humset(root / "humset_geolocation"))
        file = {"lgl": "lgl.xml.gz", "tr_news": "TR-News.xml.gz"}[name]
        return list(_articles(root / "geoparsing_corpora" / file, name))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{error.filename}: missing; corpora/registry says where it comes from") from error


def _articles(path: Path, name: str) -> Iterator[Geotagged]:
    with gzip.open(path) as stream:
        for article in parse(stream).getroot().iter("article"):
            text = article.findtext("text") or ""
            marked = (_toponym(element, text) for element in article.iter("toponym"))
            yield Geotagged(
                f"{name}-{article.get('docid')}", text, f"{name}-{article.get('docid')}",
                tuple(toponym for toponym in marked if toponym is not None),
            )  # fmt: skip


def _toponym(element: Element, text: str) -> Toponym | None:
    phrase, start = element.findtext("phrase") or "", int(element.findtext("start") or -1)
    if text[start : start + len(phrase)] != phrase:
        start = text.find(phrase, max(0, start - _SLACK), start + len(phrase) + _SLACK)
    if start < 0 or not phrase:
        return None
    if (place := element.find("gaztag")) is None:
        return Toponym(start, start + len(phrase), None)
    country = place.find("country")
    told = country.get("geonameid") if country is not None else None
    return Toponym(
        start, start + len(phrase), int(place.get("geonameid") or 0) or None, int(told) if told else None,
        float(place.findtext("lat") or "nan"), float(place.findtext("lon") or "nan"),
    )  # fmt: skip


def _humset(folder: Path) -> Iterator[Geotagged]:
    with gzip.open(folder / "toponym_annotations.json.gz", "rt", encoding="utf-8") as stream:
        texts = {str(row["lead_id"]): row["text"] for row in json.load(stream)}
    told: dict[str, dict[str, int]] = {}
    with (folder / "geocoding_annotations.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["lead_id"] in texts and row["geonameid"] not in ("", "-1"):
                told.setdefault(row["lead_id"], {})[row["toponym"].casefold()] = int(row["geonameid"])
    for lead, names in told.items():
        lowered = texts[lead].lower()
        found = {name: lowered.find(name) for name in names}
        marked = sorted((at, name) for name, at in found.items() if at >= 0)
        yield Geotagged(
            f"humset-{lead}", texts[lead], f"humset-{lead}",
            tuple(Toponym(at, at + len(name), names[name]) for at, name in marked),
        )  # fmt: skip
