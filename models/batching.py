"""Batches of similar length under a token budget: padding costs as much as text."""

from __future__ import annotations

from collections.abc import Sequence


def token_batches(lengths: Sequence[int], *, budget: int) -> list[list[int]]:
    """Indices of texts, longest first, in batches whose padded size is at most `budget` tokens.

    A text longer than the budget has a batch of its own. Every index occurs exactly once.
    """
    batches: list[list[int]] = []
    width = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if not batches or (len(batches[-1]) + 1) * width > budget:
            batches.append([])
            width = lengths[index]
        batches[-1].append(index)
    return batches
