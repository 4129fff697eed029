"""No text stalls a worker: what is done to each costs about as much as it is long, whatever it is made of."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from pipeline.classify.sentences import sentence_spans
from pipeline.custody.mask import mask
from pipeline.extract.coordinates import find_coordinates
from pipeline.extract.counts import find_counts
from pipeline.extract.dates import find_dates
from pipeline.intake import fingerprint, normalise
from pipeline.route.rules import mentions_children

CHARACTERS = 60_000
MOST_SECONDS = 20.0
"""Of the processor, for what takes less than one: a cost that grows with the square takes minutes."""
WORK: dict[str, Callable[[str], Any]] = {
    "sentences": sentence_spans,
    "normalising": normalise,
    "fingerprint": fingerprint,
    "masking": lambda text: mask(text, key=bytes(32)),
    "dates": lambda text: find_dates(text, report_date=date(2025, 2, 14)),
    "coordinates": find_coordinates,
    "counts": find_counts,
    "children": mentions_children,
}


@pytest.fixture
def limited() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {MOST_SECONDS:.0f} seconds of the processor")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("piece", [".", "a", "a-", "a.", "a@", "@", "(", " ", "\n ", "1 ", "13° ", "www."])
@pytest.mark.parametrize("work", WORK)
def test_no_text_stalls_a_worker(work: str, piece: str) -> None:
    WORK[work]((piece * CHARACTERS)[:CHARACTERS])
