"""Dates, countries and languages as people write them."""

from datetime import date

import pytest

from pipeline.intake.days import is_ambiguous, parse_date
from pipeline.intake.fields import parse_country, parse_language


@pytest.mark.parametrize(
    "written",
    [
        "2025-02-14", "2025-2-14", "2025/02/14", "2025.02.14", "20250214", "2025-02-14T08:30", "2025-02-14 08:30:00+01:00",
        "2025-02-14T08:30:00.123Z", "14/02/2025", "02/14/2025", "14.2.2025", "14-02-25", "14/02/2025 8:30 PM",
        "14 February 2025", "14th Feb. 2025", "14-Feb-2025", "14-Feb-25", "February 14, 2025", "Feb 14 2025",
        "Friday, 14 February 2025", "14 février 2025", "vendredi 14 février 2025", "14 de febrero de 2025",
        "14 de fevereiro de 2025", "14 февраля 2025", "14 فبراير 2025", "45702", "45702.5", "٢٠٢٥-٠٢-١٤",
    ],
)  # fmt: skip
def test_one_day_written_in_many_ways(written: str) -> None:
    assert parse_date(written) == date(2025, 2, 14)


def test_a_day_that_could_be_two_is_told() -> None:
    assert parse_date("03/04/2025") == date(2025, 4, 3)
    assert is_ambiguous("03/04/2025")
    assert not any(map(is_ambiguous, ("04/04/2025", "13/04/2025", "2025-03-04", "3 April 2025")))


@pytest.mark.parametrize(
    ("written", "iso2"),
    [
        ("ml", "ML"), ("MLI", "ML"), ("Mali", "ML"), ("The Gambia", "GM"), ("DRC", "CD"), ("République centrafricaine", "CF"),
        ("Tchad", "TD"), ("Cote d'Ivoire", "CI"), ("Сирия", "SY"), ("اليمن", "YE"), ("NA", "NA"), ("n/a", None), ("", None),
    ],
)  # fmt: skip
def test_countries_by_code_and_name(written: str, iso2: str | None) -> None:
    assert parse_country(written) == iso2


@pytest.mark.parametrize(
    ("written", "code"),
    [("en", "en"), ("FR", "fr"), ("fr-ML", "fr"), ("pt_BR", "pt"), ("fra", "fr"), ("fre", "fr"), ("Arabic", "ar"), ("und", None)],
)  # fmt: skip
def test_languages_by_code_and_name(written: str, code: str | None) -> None:
    assert parse_language(written) == code
