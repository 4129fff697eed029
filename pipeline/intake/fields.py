"""Single fields: countries, languages and texts as people write them in spreadsheets (dates: `days`)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from pipeline.intake.rows import Limits, Problem, Reason

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")

# What follows "=" in a formula, as spreadsheets parse it: a call, a reference, a sum, a text, an array, a command.
_OPERATOR = r"\s*(?:[-+*/^&<>=%:;,!|]|$)"
_FORMULA = re.compile(
    rf"""\s*(?:
      = \s*[-+@]*\s*(?:
          [A-Za-z_][\w.]*\s*[(|]                               # SUM(  cmd|
        | '[^'\n]{{1,200}}'\s*!                                # 'My sheet'!
        | [A-Za-z_]\w*!\$?[A-Za-z]                             # Sheet2!A1
        | \$?[A-Za-z]{{1,3}}\$?\d{{1,7}}{_OPERATOR}            # A1, $A$1:B2
        | \d+(?:[.,]\d+)?%?{_OPERATOR}                         # 1+1
        | "[^"\n]{{0,200}}"{_OPERATOR}                         # "x"&A1
        | [{{(]                                                # an array, a bracket
        | \#(?:REF!|NAME\?|VALUE!|N/A)
      )
      | [-+@] \s*(?: cmd\s*\| | [A-Z][A-Z0-9.]+\( | \d+[-+*/]\d+[-+*/(] )   # +cmd|  @SUM(  -2+3+
      | [A-Za-z]{{2,12}}\|'[^'\n]{{0,200}}'!                   # MSEXCEL|'…'!
    )""",
    re.X,
)


class Formula(str):
    """A cell that held a formula; `value` is what the spreadsheet last computed from it."""

    value: Any = None

    @classmethod
    def of(cls, formula: str, value: Any) -> Formula:
        """The formula's text, with what was computed."""
        cell = cls(formula)
        cell.value = value
        return cell


class BadField(ValueError):
    """A field that cannot be what it should be."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(reason, message)


@cache
def word_lists() -> dict[str, dict[str, Any]]:
    """The lists of `words.toml`."""
    return tomllib.loads(files("pipeline.intake").joinpath("words.toml").read_text(encoding="utf-8"))


@cache
def _absent(kind: str) -> frozenset[str]:
    return frozenset(word_lists()["absent"][kind])


def field_text(value: object) -> str:
    """A cell as trimmed text; empty where it says that there is nothing (`n/a`, NaN)."""
    if value is None or value != value:
        return ""
    text = str(value).strip()
    return "" if text.casefold() in _absent("field") else text


def parse_country(value: object) -> str | None:
    """ISO 3166-1 alpha-2 from a code or a name (English, French, Spanish, Portuguese, Arabic, Russian)."""
    text = field_text(value)
    if not text:
        return None
    found = _countries().get(_plain(text[:100])) or _countries().get(_plain(text[:100]).removeprefix("the "))
    if found is None:
        raise BadField(Reason.BAD_COUNTRY, "the country is not known: write its ISO code, such as ML")
    return found


@lru_cache(maxsize=1000)
def _plain(name: str) -> str:
    """A name without accents and case, for looking up."""
    decomposed = unicodedata.normalize("NFKD", " ".join(name.casefold().split()))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("’", "'")


@cache
def _countries() -> dict[str, str]:
    import gettext

    import pycountry

    names: dict[str, str] = {}
    for country in pycountry.countries:
        for key in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            if value := getattr(country, key, None):
                names[_plain(value)] = country.alpha_2
        names.setdefault(_plain(country.name.split(",")[0]), country.alpha_2)
    for iso2, others in word_lists()["countries"].items():
        names |= dict.fromkeys(map(_plain, others), iso2)
    for language in ("fr", "es", "pt", "ar", "ru"):
        translated = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language], fallback=True).gettext
        for country in pycountry.countries:
            for key in ("name", "common_name"):
                if value := getattr(country, key, None):
                    names.setdefault(_plain(translated(value)), country.alpha_2)
    return names


def parse_language(value: object) -> str | None:
    """ISO 639-1 (639-3 where there is none) from a code, a tag such as `fr-ML`, or an English name."""
    text = field_text(value)
    if not text or text.casefold() == "und":
        return None
    found = _language(text[:60])
    if found is None:
        raise BadField(Reason.BAD_LANGUAGE, "the language is not known: write its ISO code, such as fr")
    return found


@lru_cache(maxsize=1000)
def _language(text: str) -> str | None:
    import pycountry

    tag = re.split(r"[-_]", text)[0].casefold()
    if len(tag) == 2:
        found = pycountry.languages.get(alpha_2=tag)
    elif len(tag) == 3:
        found = pycountry.languages.get(alpha_3=tag) or pycountry.languages.get(bibliographic=tag)
    else:
        found = pycountry.languages.get(name=text.title())
    return (getattr(found, "alpha_2", None) or str(found.alpha_3)) if found else None


def check_text(value: object, limits: Limits) -> str:
    """The text of a report as it came; BadField where it is empty, too long, a formula or binary."""
    if isinstance(value, Formula):
        raise BadField(Reason.FORMULA, "there is a formula where the text should be: paste it as plain text")
    text = value if isinstance(value, str) else "" if value is None or value != value else str(value)
    if len(text) > limits.text_characters:
        raise BadField(
            Reason.TOO_LONG, f"the text is longer than {limits.text_characters:,} characters: split the report"
        )
    word = text.strip().casefold() if len(text) < 16 else ""
    if word in word_lists()["errors"]["spreadsheet"]:
        raise BadField(Reason.FORMULA, "a formula failed where the text should be: paste the text itself")
    if not any(c.isalnum() for c in text) or word in _absent("text"):
        if "\ufffd" in text or any("\ud800" <= c <= "\udfff" for c in text):
            raise BadField(Reason.UNDECODABLE, "the text was damaged before it was sent: export it again as UTF-8")
        raise BadField(Reason.EMPTY_TEXT, "the text is empty: fill it in")
    if _FORMULA.match(text):
        raise BadField(Reason.FORMULA, "there is a formula where the text should be: paste it as plain text")
    if _CONTROL.search(text):
        raise BadField(Reason.CONTROL_CHARACTERS, "the text holds binary characters: save the file as UTF-8 text")
    if "\ufffd" in text and text.count("\ufffd") > len(text) * 0.1:
        raise BadField(Reason.UNDECODABLE, "the text was damaged before it was sent: export it again as UTF-8")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadField(Reason.UNDECODABLE, "the text holds broken characters: export it again as UTF-8") from None
    return text
