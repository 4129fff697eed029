"""Texts in our register without our labels: to read and label next, or to train an encoder on.

Nothing of the test split is among them, nor of the documents and countries that its passages come from,
nor any text that shares seven words in a row with it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from corpora.loaders import load
from corpora.overlap import shared
from corpora.passages import pieces
from corpora.schema import Example
from corpora.splits import held_out_groups, split

SOURCES = (
    "statedept_hr_2022", "humset_geolocation", "muc4", "hrdsattack", "awsd", "satp", "disaster_response",
    "indiapoliceevents",
)  # fmt: skip
FEWEST_WORDS = 8
FEWEST_TAUGHT_WORDS = 20
SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def texts(root: Path, *, sources: tuple[str, ...] = SOURCES) -> Iterator[Example]:
    """Training texts of the outside corpora under `root`, each text once, source by source."""
    held_out = [e for e in load("annotated", root=root) if split(e) == "test"]
    hashes = {e.sha256 for e in held_out}
    for source in sources:
        found = {}
        for example in load(source, root=root):
            if split(example) != "train" or example.group in held_out_groups() or example.sha256 in hashes:
                continue
            if len(example.text.split()) >= FEWEST_WORDS:
                hashes.add(example.sha256)
                found[example.id] = example
        leak = shared({ident: e.text for ident, e in found.items()}, [e.text for e in held_out])
        yield from (example for ident, example in found.items() if ident not in leak)


TAUGHT = {"statedept_hr_2022": 2400, "humset_geolocation": 1000, "hrdsattack": 800, "satp": 500, "awsd": 400}
LONGEST_WORDS = 180


def to_be_taught(root: Path, *, sizes: dict[str, int] = TAUGHT, seed: int = 1) -> list[Example]:
    """A fixed sample of training texts, long ones in pieces, that shares no seven words with any held-out text."""
    held_out = [e for e in load("annotated", root=root) if split(e) != "train"]
    rng, chosen = random.Random(seed), []
    for source, size in sizes.items():
        found = {}
        for example in texts(root, sources=(source,)):
            cut = [example.text]
            if len(example.text.split()) > LONGEST_WORDS:
                cut = list(pieces(re.sub(SENTENCES, "\n", example.text)))
            for number, text in enumerate(cut):
                if FEWEST_TAUGHT_WORDS <= len(text.split()) <= LONGEST_WORDS:
                    found[f"{example.id}/{number}"] = replace(example, id=f"{example.id}/{number}", text=text, spans=())
        leak = shared({ident: e.text for ident, e in found.items()}, [e.text for e in held_out])
        idents = sorted(found.keys() - leak)
        chosen += [found[i] for i in rng.sample(idents, min(size, len(idents)))]
    return chosen
