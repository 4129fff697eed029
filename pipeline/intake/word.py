"""The text of a Word document (ECMA-376, WordprocessingML): paragraphs and tables in reading order."""

from __future__ import annotations

from pathlib import Path

from pipeline.intake.rows import Limits, Reason, Refused
from pipeline.intake.xmlstream import events, main_part, opened, part

# Deleted or moved-away text of tracked changes, and the second copy of text boxes for old programs.
_LEFT_OUT = frozenset({"del", "moveFrom", "Fallback"})


def document_text(path: Path, limits: Limits) -> str:
    """Paragraphs as lines; a table's row as one line, its cells joined by ` | `."""
    with opened(path) as archive, part(archive, main_part(archive, otherwise="word/document.xml")) as stream:
        levels: list[list[str]] = [[]]  # finished lines, cells or paragraphs; one list for each open table, row or cell
        line: list[str] = []
        taking, left_out, size = False, 0, 0
        for kind, tag, _ in events(stream):
            if tag in _LEFT_OUT and kind != "text":
                left_out += 1 if kind == "start" else -1
            elif left_out:
                continue
            elif kind == "text":
                if taking:
                    line.append(tag)
                    size += len(tag)
                    if size > limits.text_characters:
                        raise Refused(
                            Reason.TOO_LONG,
                            f"the text is longer than {limits.text_characters:,} characters: split the report",
                        )
            elif tag == "t":
                taking = kind == "start"
            elif kind == "start":
                if tag in ("tab", "br", "cr", "noBreakHyphen"):
                    line.append({"tab": "\t", "noBreakHyphen": "-"}.get(tag, "\n"))
                elif tag in ("tr", "tc"):
                    levels.append([])
            elif tag == "p":
                levels[-1].append("".join(line))
                line = []
            elif tag in ("tr", "tc") and len(levels) > 1:
                parts = [piece for piece in levels.pop() if piece.strip()]
                levels[-1].append((" | " if tag == "tr" else " ").join(parts))
    return "\n".join(levels[0]).strip()
