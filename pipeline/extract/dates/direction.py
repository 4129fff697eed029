"""Whether an expression without a year or a week looks ahead of the report's date: told by the words around it.

>>> is_future("a march has been called for "), is_future("they have been held since ")
(True, False)
"""

from __future__ import annotations

import re

_BACK = re.compile(r"\b(?:since|last|from|ever|throughout|during)\s+(?:the |early |late |mid-?)?$", re.I)
_AHEAD = re.compile(
    r"\b(?:before|by|b4|for|next(?: (?:bus|msg|visit|meeting))?|due|expected|announced|scheduled|planned|starts?|begins?)(?: on|:)?\s+"
    r"(?:the |early |late |mid-?)?[\"“]?$",
    re.I,
)
_UNTIL = re.compile(r"\b(?:until|till|til)\s+[\"“]?$", re.I)
_LASTED = re.compile(r"\b(?:kept|held|stayed|lasted|locked|continued|not let|went on|remained|waited)\b", re.I)
_DONE = re.compile(
    r"\b(?:was|were|had|did|came|went|took|left|said|gave|kept|held|saw|found|heard|met|fell|brought|told|made|got|began|broke|shot|sent|"
    r"spent|stood|struck|drove|ran|put|lost|fled|wrote|spoke|(?!(?:need|feed|bed|hundred|seed|red|fed)\b)(?!(?:expect|announc|plann|schedul|call)ed\b)\w{2,}ed)\b",
    re.I,
)
_TO_COME = re.compile(
    r"\b(?:will|shall|must|should|would|may|plans?|planned|scheduled|expected|due|announced|invites?|tomorrow|deadline)\b|['’]ll\b|"
    r"\b(?:is|are|goes|going|wants?|told|asked|called|ordered) to\b|\b(?:called|ordered) for\b|"
    r"\b(?:comes?|comes back|meets?|goes?|leaves?|flies|fly|starts?|begins?|resumes?|opens?|closes?|returns?|rotates?|runs? out|hearing is|"
    r"repoll|next (?:bus|msg|visit|meeting|convoy))\b(?: \w+){0,4}(?: (?:on|in|at|of|after|to))?(?: the)?\s*$",
    re.I,
)
_WILL_FOLLOW = re.compile(r"^,?\s+(?:we|they|he|she|it|you|I)?\s*(?:will|shall|is tomorrow|the \w+ will)\b", re.I)
_WAS = re.compile(r"\s+(?:was|were|had)\b", re.I)
_CLAUSE = re.compile(r"[.!?;\n](?=\s|$)|\n|\"\s|, (?:which|and|but) ")


def is_future(before: str, after: str = "") -> bool:
    """By the words of the clause before the expression and right after it; what nothing tells is past."""
    clause = _CLAUSE.split(before)[-1]
    if _BACK.search(clause):
        return False
    if _WILL_FOLLOW.match(after):
        return True
    if _AHEAD.search(clause):
        return not _WAS.match(after)
    if _UNTIL.search(clause):
        return not _LASTED.search(clause)
    return bool(_TO_COME.search(clause)) and not _DONE.search(_TO_COME.sub("", clause))
