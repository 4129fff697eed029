"""A chat as WhatsApp exports it: what one person wrote in a quarter of an hour is one report.

>>> [(m.day.isoformat(), m.text) for m in messages("13/04/2025, 07:02 - Ada: Two men killed\\n13/04/2025, 07:04 - Ada: in Gao")]
[('2025-04-13', 'Two men killed\\nin Gao')]

Who wrote is not kept, as of mails: names and numbers are personal data that triage does not need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

TOGETHER = timedelta(minutes=15)
_MARKS = "\u200e\u200f\u202a\u202c\ufeff"
# Android: `12/04/2025, 08:14 - Ada: text`; iPhone: `[12/04/2025, 08:14:10] Ada: text`. Without a name it is a notice.
_START = re.compile(
    rf"[{_MARKS}]*\[?(\d{{1,4}})[./-](\d{{1,2}})[./-](\d{{1,4}}),?\s+(\d{{1,2}})[:.](\d{{2}})(?:[:.]\d{{2}})?"
    rf"(?:\s?([ap])\.?\s?m\.?)?(?:\]|\s-)\s(?:[{_MARKS}~]*([^:\n]{{1,60}}):(?:\s|$))?(.*)",
    re.I | re.S,
)
# An iPhone puts a mark of direction before what it says itself.
_NO_WORDS = re.compile(
    r"\u200e(?:.{0,60}|.*end-to-end.*)|<[^<>\n]{1,60}>|null|this message was deleted\.?|you deleted this message\.?|"
    r"\S{1,80}\.\w{2,4} \(file attached\)",
    re.I,
)


@dataclass(frozen=True)
class Message:
    """What one person wrote. `line` is where it begins; `text` is empty where there were only pictures or recordings,
    and `whole` is what stood there. `sure`: the chat's dates can be read in one way.
    """

    line: int
    day: datetime
    text: str
    whole: str
    sure: bool


@dataclass
class _Open:
    line: int
    began: datetime
    who: str
    pieces: list[str]


def is_chat(text: str) -> bool:
    """Whether the text begins as an exported chat does, and goes on so."""
    begun = [bool(_START.match(line)) for line in text.split("\n", 40)[:40] if line.strip()]
    return len(begun) > 1 and begun[0] and sum(begun) > 1


def messages(text: str) -> Iterator[Message]:
    """The messages of a chat, those of one person that follow each other closely together; notices are left out."""
    order, sure = _order_of_days(text)
    now: _Open | None = None
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        match = _START.match(line)
        at = _moment(match, order) if match else None
        if match is None or at is None:
            if now:
                now.pieces.append(line)
        elif (who := match[7]) is None:
            continue
        elif now and now.who == who and timedelta(0) <= at - now.began <= TOGETHER:
            now.pieces.append(match[8])
        else:
            if now:
                yield _closed(now, sure=sure)
            now = _Open(number, at, who, [match[8]])
    if now:
        yield _closed(now, sure=sure)


def _closed(found: _Open, *, sure: bool) -> Message:
    written = (piece for piece in found.pieces if not _NO_WORDS.fullmatch(piece.strip(" ")))
    return Message(found.line, found.began, "\n".join(written).strip(), "\n".join(found.pieces).strip(), sure)


def _order_of_days(text: str) -> tuple[str, bool]:
    """Whether days come as year, day or month first, and whether that is sure: a chat keeps to one order."""
    firsts, seconds = set(), set()
    for line in text.split("\n"):
        if match := _START.match(line):
            firsts.add(int(match[1]))
            seconds.add(int(match[2]))
    if max(firsts, default=0) > 31:
        return "ymd", True
    if max(seconds, default=0) > 12:
        return "mdy", True
    return "dmy", max(firsts, default=0) > 12


def _moment(match: re.Match[str], order: str) -> datetime | None:
    numbers = dict(zip(order, (int(match[1]), int(match[2]), int(match[3])), strict=True))
    year, hour = numbers["y"] + (2000 if numbers["y"] < 100 else 0), int(match[4])
    if match[6]:
        hour = hour % 12 + (12 if match[6] in "pP" else 0)
    try:
        return datetime(year, numbers["m"], numbers["d"], hour, int(match[5]))
    except ValueError:
        return None
