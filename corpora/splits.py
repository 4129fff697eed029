"""Frozen splits. What is in `test` was never trained, tuned or calibrated on.

Real passages keep to the split in `splits.json`, made once by `freeze`: documents (humanitarian
bulletins) and countries (annual reports) are kept whole. Our own reports are split by a hash of their
group, and the second half of the `bulletin` slice, the nearest to published prose, is test. A training
passage that shares seven words in a row with a test one is `unused` (`python -m corpora overlap` looks).
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from corpora.schema import Split as Split

if TYPE_CHECKING:
    from corpora.schema import Example


FIELD_AT_FREEZE = 24
"""Reports of the `field` slice when the splits were frozen: later ones are for training, so that figures stay comparable."""


@cache
def _frozen() -> dict[str, dict[str, str]]:
    source = files("corpora").joinpath("splits.json")
    found: dict[str, dict[str, str]] = json.loads(source.read_text(encoding="utf-8")) if source.is_file() else {}
    return found


def groups() -> dict[str, str]:
    """The group (document or country) of each annotated real passage, by the SHA-256 of its text."""
    return {sha256: entry["group"] for sha256, entry in _frozen().items()}


def split(example: Example) -> Split:
    """The split of an example.

    Our own reports: by hash of their group. Passages that we labelled: as frozen; incident notes: train.
    Outside corpora: as published, else with the document or country that a frozen passage comes from,
    else by hash of their group.
    """
    if example.source == "authored":
        return _authored(example.id, example.group)
    if (entry := _frozen().get(example.sha256)) is not None:
        return entry["split"]  # type: ignore[return-value]
    if example.id.startswith("incident-"):
        return "train"
    return example.published or split_of_group(example.group)


def split_of_group(group: str) -> Split:
    """The split of a document or country: that of its frozen passages, else by hash."""
    if (found := _frozen_groups().get(group)) is not None:
        return found
    share = _share(group)
    return "train" if share >= 0.2 else "test" if share < 0.1 else "validation"


@cache
def _frozen_groups() -> dict[str, Split]:
    """The split of each document or country with frozen passages; test where any of them is test."""
    found: dict[str, Split] = {}
    for entry in _frozen().values():
        if entry["split"] != "unused" and found.get(entry["group"]) != "test":
            found[entry["group"]] = entry["split"]  # type: ignore[assignment]
    return found


def held_out_groups() -> frozenset[str]:
    """Documents and countries that test passages come from: nothing of them is for training."""
    return frozenset(group for group, name in _frozen_groups().items() if name == "test")


def _authored(ident: str, group: str) -> Split:
    slice_, _, number = group.rpartition("-")
    if slice_ == "bulletin" and int(re.sub(r"\D", "", number)) > 40:
        return "test"
    if slice_ == "field" and int(re.sub(r"\D", "", number)) > FIELD_AT_FREEZE:
        return "train"
    share = _share(group)
    if share < 0.12:
        return "test"
    return "validation" if share < 0.2 else "calibration" if share < 0.35 else "train"


def _share(group: str) -> float:
    """A number from 0 to 1 that depends on the group's name alone."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4]) / 2**32


def freeze(group_of: dict[str, str], eligible_for_test: frozenset[str]) -> dict[str, dict[str, str]]:
    """Splits for passages by hash and group: about 40% of the eligible groups' passages to test.

    Groups with any passage outside `eligible_for_test` may still be test; those passages then belong
    to no split (`unused`), since training on them would show the document.
    """
    frozen = {}
    for sha256, group in sorted(group_of.items()):
        share = _share("annotated:" + group)
        if share < 0.32:
            name = "test" if sha256 in eligible_for_test else "unused"
        else:
            name = "validation" if share < 0.43 else "calibration" if share < 0.52 else "train"
        frozen[sha256] = {"split": name, "group": group}
    return frozen
