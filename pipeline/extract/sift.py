r"""Which of many patterns can match in a text at all, told in one pass over it.

>>> sift = Sift([re.compile(r"(?<!\w)\d+ days? ago"), re.compile(r"(?<!\w)yesterday(?!\w)", re.I)])
>>> sift.possible("It burnt Yesterday.")
[1]

RE2 runs all of them as one automaton (Cox, "Regular expression matching in the wild", 2010), where `re` goes over the
text once for each. It has no look-around, and its classes hold ASCII alone, so each pattern is made wider first: what
the sift lets through may still not match, what it holds back does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# What stands at an end of a pattern, by a sign that it consumes; RE2's `\W` holds all that is not ASCII.
_BEFORE = {r"(?<![\w/])": r"(?:^|[^\w/])", r"(?<!\w)": r"(?:^|\W)"}
_AFTER = {r"(?![\w])": r"(?:$|\W)", r"(?!\w)": r"(?:$|\W)"}
# Classes of `re`, with all letters, digits and spaces outside ASCII among them.
_CLASSES = {r"\w": r"\w[:^ascii:]", r"\d": r"\d[:^ascii:]", r"\s": r"\s\v\x1c-\x1f[:^ascii:]"}
_PARTS = re.compile(r"\(\?(?:<?[=!]|P<\w+>|:)|\[\^|\\.|[^\\]", re.S)
_NOT_KNOWN = {"[^", r"\W", r"\D", r"\S", r"\B", "^", "$", "."}
# `re` takes these two for an i where case does not count, RE2 does not.
_DOTLESS = str.maketrans("\u0130\u0131", "ii")
_MEMORY = 32 << 20  # bytes at most for the automaton's states, of which it makes those that it meets


class Sift:
    """Patterns as one automaton. Safe to share between threads."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        import re2

        options = re2.Options()
        options.max_mem = _MEMORY
        self._set: Any = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(("(?i)" if pattern.flags & re.I else "") + wider(pattern.pattern))
        # One that always matches: an answer without it is none (RE2 had no memory left).
        self._all = self._set.Add("")
        self._set.Compile()

    def possible(self, text: str) -> list[int]:
        """Numbers of the patterns that may match somewhere in the text, in order; the others do not."""
        plain = text if text.isascii() else text.translate(_DOTLESS)
        found = sorted(self._set.Match(plain.encode("utf-8", "replace")) or ())
        return found[:-1] if found[-1:] == [self._all] else list(range(self._all))


def wider(pattern: str) -> str:
    """A pattern for RE2 that matches wherever this one does; ValueError where it holds what is not known here.

    >>> wider(r"(?<!\\w)(?P<day>\\d)(?! old)\\b")
    '(?:^|\\\\W)(?:[\\\\d[:^ascii:]])'
    """
    for around, edge in _BEFORE.items():
        if pattern.startswith(around):
            return edge + wider(pattern.removeprefix(around))
    for around, edge in _AFTER.items():
        if pattern.endswith(around):
            return wider(pattern.removesuffix(around)) + edge
    made: list[str] = []
    opened: list[int | None] = []  # per group that is open, where a look-around begins
    bracket = False
    for part in _PARTS.findall(pattern):
        if part in _NOT_KNOWN and not (bracket and len(part) == 1):
            raise ValueError(f"cannot be sifted: {part} in {pattern}")
        if part in _CLASSES:
            made.append(_CLASSES[part] if bracket else f"[{_CLASSES[part]}]")
        elif part == r"\b":
            continue
        elif bracket or (part not in ("(", ")") and not part.startswith("(?")):
            bracket = part == "[" or (bracket and part != "]")
            made.append(part)
        elif part == ")":
            made.append(part)
            if (start := opened.pop()) is not None:
                del made[start:]
        else:
            opened.append(len(made) if re.match(r"\(\?<?[=!]", part) else None)
            made.append("(" if part == "(" else "(?:")
    return "".join(made)
