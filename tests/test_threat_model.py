"""The threat model names only what is there."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "threat-model.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\[([^\]]+)\]\(([^)#]+)\)", TEXT)
ITEMS = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", TEXT, re.M)


def test_every_linked_file_is_there() -> None:
    assert len(LINKS) > 80
    assert [target for _, target in LINKS if not (DOCS / target).resolve().is_file()] == []


def test_every_named_test_is_in_its_file() -> None:
    tests = [(name, target) for name, target in LINKS if name.startswith("test_")]
    assert len(tests) > 50
    missing = [name for name, target in tests if f"def {name}(" not in (DOCS / target).read_text(encoding="utf-8")]
    assert missing == []


def test_every_item_is_met_by_something_or_said_to_be_unmet() -> None:
    assert len({item for item, *_ in ITEMS}) == len(ITEMS) > 80
    assert {state for _, _, state, _ in ITEMS} == {"met", "**unmet**"}
    assert [
        item
        for item, _, state, where in ITEMS
        if state == "met" and "](" not in where and where not in ("above", "below")
    ] == []
    counts = re.search(r"Met: (\d+); unmet: (\d+)\.", TEXT)
    assert counts is not None
    states = [state for _, _, state, _ in ITEMS]
    assert [states.count("met"), states.count("**unmet**")] == [int(n) for n in counts.groups()]
