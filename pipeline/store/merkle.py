"""Merkle trees as RFC 9162, section 2.1, builds them: one hash stands for any number of lines, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipeline.custody.check import leaf_hash, node_hash

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Tree:
    """A tree that grows; memory for one hash a level. `size` counts its leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[bytes] = []  # roots of the full subtrees, the largest first

    def add(self, data: bytes) -> None:
        """Append a leaf."""
        node, size = leaf_hash(data), self.size
        while size % 2:
            node, size = node_hash(self._full.pop(), node), size // 2
        self._full.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._full:
            return bytes.fromhex(EMPTY)
        node = self._full[-1]
        for left in reversed(self._full[:-1]):
            node = node_hash(left, node)
        return node


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves, in one pass."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def path(index: int, size: int, root_of: Callable[[int, int], bytes]) -> list[bytes]:
    """The inclusion path of leaf `index` (from 0) in a tree of `size`; `root_of(start, end)` is that of a stretch."""

    def walk(start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            return [*walk(start, middle), root_of(middle, end)]
        return [*walk(middle, end), root_of(start, middle)]

    return walk(0, size)
