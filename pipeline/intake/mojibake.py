"""Mojibake: UTF-8 that was read as Windows-1252 on its way (`MÃ©naka` for Ménaka), undone run by run.

Only what decodes to a character again is touched, and only where the text shows the damage clearly:
`tué»…` is good French although its bytes would pass for a Chinese character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# The characters that Windows-1252 shows for the bytes 80 to BF.
_TAIL = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
_CLEAR = re.compile(f"[ÂÃ][{_TAIL}]|â[\u0080\u0082\u20ac\u201a][{_TAIL}]")
# Cyrillic, Arabic, Devanagari and the like: letters of good Danish or French too, so several are asked for.
_LIKELY = re.compile(f"[ÐÑØÙÛ][{_TAIL}]|[àá][{_TAIL}][{_TAIL}]")
_LIKELY_RUNS = 3
_DAMAGED = re.compile(f"[\u00c2-\u00df][{_TAIL}]|[\u00e0-\u00ef][{_TAIL}]{{2}}|[\u00f0-\u00f4][{_TAIL}]{{3}}")


def suspicious(text: str) -> bool:
    """Whether a text shows the damage clearly enough to be mended."""
    return bool(_CLEAR.search(text)) or len(_LIKELY.findall(text)) >= _LIKELY_RUNS


def mend(text: str) -> Iterator[tuple[int, int, str]]:
    """*(start, end, replacement)* for each damaged character, in order."""
    if not suspicious(text):
        return
    found = [
        (match.start(), match.end(), mended)
        for match in _DAMAGED.finditer(text)
        if (mended := _repaired(match.group())) is not None
    ]
    for number, (start, end, mended) in enumerate(found):
        alone = (number == 0 or found[number - 1][1] != start) and (
            number + 1 == len(found) or found[number + 1][0] != end
        )
        if text[start] in "âðÂÃ" or end - start == 2 or not alone:
            yield start, end, mended


def _repaired(run: str) -> str | None:
    for encoding in ("cp1252", "latin-1"):
        try:
            mended = run.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if len(mended) == 1:
            return mended
    return None
