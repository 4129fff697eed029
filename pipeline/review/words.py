"""How the pages put things in words: the filters of the templates.

>>> why("torture_ill_treatment 0.98; referred from rule-of-law", {"torture_ill_treatment": "Torture", "rule-of-law": "Rule of law"})
'Torture 98%; referred from Rule of law'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from pipeline.atlas import CAVEAT
from pipeline.route import Policy
from pipeline.taxonomy import Taxonomy

_IDENT = re.compile(r"\b([a-z]+(?:[_-][a-z]+)+)(?: ([01]\.\d\d))?\b")

_OFFERED = re.compile(r'--map text=("[^"]+"|[^\s;]+)')


def teach(environment: Environment, *, policy: Policy, taxonomy: Taxonomy) -> None:
    """Give an environment the filters, and the names of the queues."""
    queue_names = {queue.id: queue.name for queue in policy.queues}
    names = {v.id: v.name for v in taxonomy.violations}
    environment.globals |= {"queue_names": queue_names, "map_caveat": CAVEAT}
    environment.filters |= {
        "plain": plain, "sentence": sentence, "on_page": on_page, "offered": offered, "ranges": ranges, "away": away, "when": when, "exact": exact,
        "why": partial(why, names=names | queue_names),
    }  # fmt: skip


def why(reason: str, names: Mapping[str, str]) -> str:
    """Why a report is in a queue, with types and queues by their names and probabilities as the page writes them."""

    def worded(found: re.Match[str]) -> str:
        chance = f" {float(found[2]):.0%}" if found[2] else ""
        return names.get(found[1], plain(found[1])) + chance

    return _IDENT.sub(worded, reason)


def on_page(message: str) -> str:
    """What is to be done about a row, without the option of the command line.

    >>> on_page("say which one holds the reports, with --map text=Narrative; columns: Ref, Narrative")
    'Say which one holds the reports, such as Narrative; columns: Ref, Narrative'
    """
    told = message.replace(", with --map text=COLUMN", "").replace(", with --map", ", such as --map")
    return sentence(told.replace("--map text=", ""))


def offered(message: str) -> str:
    """The column that a message offers as the text; empty where it offers none."""
    found = _OFFERED.search(message)
    return found[1].strip('"') if found and found[1] != "COLUMN" else ""


def plain(name: object) -> str:
    """An identifier without its underscores."""
    return str(name).replace("_", " ")


def sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def ranges(spans: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(f"{span['start']}-{span['end']}" for span in spans)


def when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def exact(words: str) -> Markup:
    """As a reference, a carriage return of the text stays one: offsets into the page are offsets into the report."""
    return escape(words).replace("\r", Markup("&#13;"))


def away(moment: datetime, now: datetime) -> str:
    """How far a moment is from now, to be read at a glance: 40 min, 5 h, 3 days."""
    minutes = abs(moment - now) // timedelta(minutes=1)
    if minutes < 60:
        return f"{max(minutes, 1)} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"
