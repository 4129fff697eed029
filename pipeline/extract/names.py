"""Keys under which a place name is found, whatever its spelling.

>>> name_key("Al-Qāmishlī"), sound_key("Kamishly") == sound_key("Al-Qamishli")
('qamishli', True)
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ARTICLE = re.compile(r"^(?:al|el|ar|as|ash|at|ad|an|az)[\s'’-]+(?=\w{3})")
_OTHER = re.compile(r"[^\w]+")
_GENERIC = re.compile(
    r"(?:\s+(?:province|provinces|governorate|governorates|district|districts|region|state|county|cercle|department|"
    r"city|town|village|camp|territory|prefecture|municipality|oblast|raion|health zone|refugee camp|idp camp))+$"
)
_GENERIC_FIRST = re.compile(
    r"^(?:the\s+)?(?:province|governorate|district|region|state|city|town|village|camp|republic|islamic republic|"
    r"department|county|cercle)\s+of\s+"
)
_SOUNDS = (
    (re.compile(p), r)
    for p, r in (
        ("kh", "h"), ("gh", "g"), ("dh", "d"), ("th", "t"), ("ph", "f"), ("ch", "sh"), ("q", "k"), ("c(?=[eiy])", "s"),
        ("c", "k"), ("ou|oo|w", "u"), ("ee|ie|y", "i"), ("e", "i"), ("o", "u"), ("z", "s"), ("v", "f"), ("j", "dg"),
        ("ah$|a$|eh$", "a"), ("h", ""), (r"(.)\1+", r"\1"), (" ", ""),
    )
)  # fmt: skip
_SOUND_RULES = tuple(_SOUNDS)


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c for c in folded if not unicodedata.combining(c))
    return letters.replace("ı", "i").replace("ø", "o").replace("ł", "l").replace("đ", "d").replace("ß", "ss")


@lru_cache(maxsize=65536)
def name_key(name: str) -> str:
    """The name without case, diacritics, punctuation and Arabic article."""
    plain = _plain(name).strip()
    plain = _ARTICLE.sub("", plain)
    return _OTHER.sub(" ", plain.replace("'", "").replace("’", "").replace("`", "")).strip()


@lru_cache(maxsize=65536)
def bare_key(name: str) -> str:
    """The key without generic words: `Kunduz provinces`, `the city of Goma`."""
    return _GENERIC.sub("", _GENERIC_FIRST.sub("", name_key(name))).strip()


def sound_key(name: str) -> str:
    """What transliterations of one name have in common."""
    key = name_key(name)
    for pattern, replacement in _SOUND_RULES:
        key = pattern.sub(replacement, key)
    return key
