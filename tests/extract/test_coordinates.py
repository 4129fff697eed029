"""Coordinates in every notation that reports use, and the places that they make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract import Extractor
from pipeline.extract.coordinates import find_coordinates
from tests.extract.test_hard_places import places

# The notation, the point in it
COORDINATES = [
    ("13.4567, 2.1234", 13.4567, 2.1234),
    ("13.4567,2.1234", 13.4567, 2.1234),
    ("13.4567 2.1234", 13.4567, 2.1234),
    ("(13.4567; 2.1234)", 13.4567, 2.1234),
    ("-1.6792, 29.2228", -1.6792, 29.2228),
    ("−1.6792, 29.2228", -1.6792, 29.2228),
    ("1.6792 S, 29.2228 E", -1.6792, 29.2228),
    ("13.4567N 2.1234E", 13.4567, 2.1234),
    ("13.4567° N, 2.1234° E", 13.4567, 2.1234),
    ("13.4567°N 2.1234°W", 13.4567, -2.1234),
    ("N13.4567 E002.1234", 13.4567, 2.1234),
    ("2.1234E, 13.4567N", 13.4567, 2.1234),
    ("13,4567 N 2,1234 E", 13.4567, 2.1234),
    ("13°27'24\"N 2°7'24\"E", 13.45667, 2.12333),
    ("13° 27′ 24″ N, 2° 7′ 24″ E", 13.45667, 2.12333),
    ("13º27’24’’N 2º7’24’’E", 13.45667, 2.12333),
    ("N 13°27'24\" W 2°7'24\"", 13.45667, -2.12333),
    ("13°27'N, 002°07'W", 13.45, -2.11667),
    ("13° 27.4' N, 002° 07.4' E", 13.45667, 2.12333),
    ("13 deg 27 min N, 2 deg 7 min E", 13.45, 2.11667),
    ("lat 13.4567 lon 2.1234", 13.4567, 2.1234),
    ("Lat: 13.45, Long: -2.12", 13.45, -2.12),
    ("latitude 13.45 and longitude 2.12", 13.45, 2.12),
    ("GPS 13.457 2.123", 13.457, 2.123),
    ("coordinates: 13.45, 2.12", 13.45, 2.12),
    ("geo:13.4567,2.1234", 13.4567, 2.1234),
    ("POINT(2.1234 13.4567)", 13.4567, 2.1234),
    ("1327N 00207E", 13.45, 2.11667),
    ("132724N 0020724E", 13.45667, 2.12333),
    ("38SMB4400086000", 33.31167, 44.39842),
    ("38S MB 44000 86000", 33.31167, 44.39842),
    ("grid 38S MB 440 860", 33.3122, 44.399),
    ("MGRS 38SMB440860", 33.3122, 44.399),
    ("38S MB 44 86", 33.316, 44.404),
    ("UTM 36R 331234 3331234", 30.10067, 31.24855),
    ("36R 331234mE 3331234mN", 30.10067, 31.24855),
    ("UTM zone 36N 331234 3331234", 30.10067, 31.24855),
    ("35M 747000 9814000", -1.68152, 29.22012),
    ("UTM 35S 747000 9814000", -1.68152, 29.22012),
]


@pytest.mark.parametrize(("written", "lat", "lon"), COORDINATES)
def test_coordinates_are_read(written: str, lat: float, lon: float) -> None:
    text = f"Shelling at {written} since dawn."
    (found,) = find_coordinates(text)
    assert text[found.start : found.end] == found.text
    assert (found.lat, found.lon) == (pytest.approx(lat, abs=2e-3), pytest.approx(lon, abs=2e-3))


@pytest.mark.parametrize(
    "written", ["99.1234, 10.1234", "13.4567, 200.1234", "13°75'N 2°7'E", "38S MB 440 8600", "99Z AA 12 34"]
)
def test_impossible_coordinates_are_none(written: str) -> None:
    assert find_coordinates(f"Shelling at {written} since dawn.") == []


def test_coordinates_are_a_place_in_a_country(extractor: Extractor) -> None:
    (place,) = places(extractor, "Shelling at [36.2021, 37.1343] since dawn.")
    assert (place.iso2, place.lat, place.lon, place.precision, place.reason) == (
        "SY", 36.2021, 37.1343, "exact", "coordinates",
    )  # fmt: skip


@pytest.mark.parametrize("written", ["(13°39'N, 25°21'E)", "(GPS: 13.65, 25.35)"])
def test_a_place_lies_where_the_text_says_it_does(extractor: Extractor, written: str) -> None:
    camp, point = places(extractor, f"Shelling of [Abu Shouk IDP camp] {written} since dawn.", country="SD")
    assert (camp.text, camp.iso2, camp.reason) == ("Abu Shouk IDP camp", "SD", "coordinates")
    assert (camp.lat, camp.lon) == (point.lat, point.lon) == (pytest.approx(13.65), pytest.approx(25.35))
    country, _ = places(extractor, f"Shelling in [Sudan] {written}.")
    assert (country.precision, country.lat) == ("country", None)


def test_coordinates_at_sea_have_no_country(extractor: Extractor) -> None:
    assert [p.iso2 for p in places(extractor, "A boat capsized at 0.5123, -30.4567 today.")] == [None]


@given(lat=st.floats(-80, 84), lon=st.floats(-180, 179.99))
def test_decimal_degrees_come_back_as_they_were_written(lat: float, lon: float) -> None:
    (found,) = find_coordinates(f"at {lat:.5f}, {lon:.5f}")
    assert (found.lat, found.lon) == (pytest.approx(lat, abs=1e-5), pytest.approx(lon, abs=1e-5))


@given(st.text(alphabet="0123456789NSEWABCMR°'\"., -()", max_size=60))
def test_no_text_of_figures_breaks_the_reader(text: str) -> None:
    for found in find_coordinates(text):
        assert abs(found.lat) <= 90
        assert abs(found.lon) <= 180
        assert text[found.start : found.end] == found.text
