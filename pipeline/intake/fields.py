"""Single fields: dates, countries, languages and texts as people write them in spreadsheets."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache

from pipeline.intake.rows import Limits, Problem, Reason

_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$")
_NUMERIC = re.compile(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})$")
_FORMATS = (
    "%d %B %Y",
    "%d %b %Y",
    "%d %b, %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d-%b-%Y",
    "%d-%B-%Y",
    "%d-%b-%y",
)
_FORMULA = re.compile(
    r"^\s*[=@](?:[A-Za-z_.]+\s*[(|!]|[-+]?\d+(?:\.\d+)?\s*[-+*/]|\w+![A-Z]+\d|cmd\|)|^\s*[-+](?:cmd\||@SUM)", re.I
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
EARLIEST, LATEST = date(1900, 1, 1), date(2100, 1, 1)


class BadField(ValueError):
    """A field that cannot be what it should be."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(reason, message)


def parse_date(value: object) -> date | None:
    """A calendar date from a cell; None where the cell is empty. Day first where that is open."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).strip() if value is not None else ""
    if not text:
        return None
    found = _parse(text)
    if found is None or not EARLIEST <= found < LATEST:
        raise BadField(Reason.BAD_DATE, "the report date is no date: write it as 2025-02-14")
    return found


def _parse(text: str) -> date | None:
    if match := _ISO.match(text):
        return _date(*map(int, match.groups()))
    if match := _NUMERIC.match(text):
        first, second, year = map(int, match.groups())
        year += 2000 if year < 100 else 0
        return _date(year, first, second) if second > 12 else _date(year, second, first)
    if re.fullmatch(r"\d{5}(?:\.\d+)?", text):  # a spreadsheet's day number
        return date(1899, 12, 30) + timedelta(days=int(float(text)))
    for pattern in _FORMATS:
        try:
            return datetime.strptime(text.title() if "%B" in pattern or "%b" in pattern else text, pattern).date()
        except ValueError:
            continue
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def parse_country(value: object) -> str | None:
    """ISO 3166-1 alpha-2 from a code or an English name; None where the cell is empty."""
    text = str(value).strip() if value is not None else ""
    if not text:
        return None
    found = _countries().get(text.casefold())
    if found is None:
        raise BadField(Reason.BAD_COUNTRY, "the country is not known: write its ISO code, such as ML")
    return found


@cache
def _countries() -> dict[str, str]:
    import pycountry

    names: dict[str, str] = {}
    for country in pycountry.countries:
        for key in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            if value := getattr(country, key, None):
                names[value.casefold()] = country.alpha_2
        names[country.name.split(",")[0].casefold()] = names.get(country.name.split(",")[0].casefold(), country.alpha_2)
    return names | _COMMON_NAMES


_COMMON_NAMES = {
    "drc": "CD", "dr congo": "CD", "democratic republic of the congo": "CD", "democratic republic of congo": "CD",
    "car": "CF", "central african republic": "CF", "ivory coast": "CI", "côte d'ivoire": "CI", "cote d'ivoire": "CI",
    "syria": "SY", "iran": "IR", "russia": "RU", "venezuela": "VE", "bolivia": "BO", "tanzania": "TZ", "laos": "LA",
    "vietnam": "VN", "viet nam": "VN", "north korea": "KP", "south korea": "KR", "korea": "KR", "moldova": "MD",
    "palestine": "PS", "opt": "PS", "occupied palestinian territory": "PS", "gaza": "PS", "burma": "MM", "myanmar": "MM",
    "uk": "GB", "great britain": "GB", "usa": "US", "united states": "US", "turkey": "TR", "swaziland": "SZ",
    "cape verde": "CV", "macedonia": "MK", "kosovo": "XK", "congo": "CG", "republic of congo": "CG", "taiwan": "TW",
}  # fmt: skip


def parse_language(value: object) -> str | None:
    """ISO 639-1 from a code, a tag such as `fr-ML`, or an English name; None where the cell is empty."""
    text = str(value).strip() if value is not None else ""
    if not text:
        return None
    import pycountry

    key = re.split(r"[-_]", text)[0].casefold()
    language = (
        pycountry.languages.get(alpha_2=key) if len(key) == 2 else pycountry.languages.get(alpha_3=key) if len(key) == 3
        else pycountry.languages.get(name=text.title())
    )  # fmt: skip
    if language is None:
        raise BadField(Reason.BAD_LANGUAGE, "the language is not known: write its ISO code, such as fr")
    return getattr(language, "alpha_2", None) or str(language.alpha_3)


def check_text(value: object, limits: Limits) -> str:
    """The text of a report as it came; BadField where it is empty, too long, a formula or binary."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if not any(c.isalnum() for c in text):
        raise BadField(Reason.EMPTY_TEXT, "the text is empty: fill it in")
    if len(text) > limits.text_characters:
        raise BadField(
            Reason.TOO_LONG, f"the text is longer than {limits.text_characters:,} characters: split the report"
        )
    if _FORMULA.search(text):
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
