"""Maps: every point is on them, no name covers another, countries lie where they are."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.atlas import Spot, draw, in_words
from pipeline.atlas.drawing import framed, named
from pipeline.atlas.outlines import countries, country_names

latitudes, longitudes = st.floats(-60, 75), st.floats(-179, 179)
spots = st.builds(Spot, st.sampled_from(["Gao", "Bandiagara", "Mont-Mouritz-les-Bains", ""]), latitudes, longitudes)
near = st.builds(Spot, st.sampled_from(["Gao", "Bankass", "Bandiagara"]), st.floats(14, 14.5), st.floats(-4, -3.5))


def land(page: str) -> list[str]:
    return re.findall(r'<path class="land[^"]*" d="([^"]*)"', page)


@given(st.lists(st.one_of(spots, near), min_size=1, max_size=12))
def test_every_point_is_in_the_frame_and_no_name_covers_another(drawn: list[Spot]) -> None:
    frame = framed(drawn, [], 400, 250)
    placed = [(spot, *frame.at(spot.lon, spot.lat)) for spot in drawn]
    assert all(spot.size < x < 400 - spot.size and spot.size < y < 250 - spot.size for spot, x, y in placed)
    names = named(placed, frame)
    assert not any(one.covers(other) for one, other in combinations(names, 2))
    assert all(name.left > 0 and name.right < 400 and name.top > 0 and name.bottom < 250 for name in names)
    assert bool(names) == any(spot.name for spot in drawn) or len(drawn) > 1


@settings(max_examples=15)
@given(spots)
def test_what_lies_outside_is_hardly_drawn(spot: Spot) -> None:
    assert sum(len(path) for path in land(draw([spot], label=""))) < 40_000


@pytest.mark.parametrize(
    ("lat", "lon", "iso2"),
    [(17.5, -1.0, "ML"), (-2.0, 23.5, "CD"), (49.0, 32.0, "UA"), (42.6, 20.9, "XK"), (67.0, 179.0, "RU"), (67.0, -178.0, "RU")],
)  # fmt: skip
def test_the_middle_of_the_map_is_in_its_country(lat: float, lon: float, iso2: str) -> None:
    """By the rule of even crossings of a line to the right; both sides of 180 degrees of Russia included."""
    spot = Spot("here", lat, lon, iso2)
    page = draw([spot], label="", within={iso2})
    (tinted,) = re.findall(r'<path class="land here" d="([^"]*)"', page)
    x, y = framed([spot], [], 400, 250).at(lon, lat)
    crossed = 0
    for ring in tinted.split("Z")[:-1]:
        points = [tuple(map(float, point.split())) for point in ring[1:].split("L")]
        for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
            crossed += (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    assert crossed % 2


def test_the_country_of_a_report_is_in_view_where_its_places_lie_elsewhere() -> None:
    page = draw([Spot("Niamey", 13.51, 2.11, "NE")], label="", within={"ML"})
    (mali,) = re.findall(r'<path class="land here" d="([^"]*)"', page)
    across = [float(x) for x in re.findall(r"[ML](-?[\d.]+) ", mali)]
    assert min(across) >= 0
    assert max(across) <= 400


def test_the_map_in_words_names_places_and_countries() -> None:
    found = [
        Spot("Gao", 16.3, 0.0, "ML"),
        Spot("Bria", 6.5, 22.0, "CF"),
        Spot("Mopti", 14.5, -4.2, "ML"),
        Spot("", 1, 1),
    ]
    assert in_words(found) == "Bria in Central African Republic; Gao and Mopti in Mali; 1 point without a name"


def test_countries_have_their_codes() -> None:
    assert len(country_names()) > 230
    assert {c.name for c in countries() if c.iso2 is None} == {
        "Somaliland", "N. Cyprus", "Indian Ocean Ter.", "Siachen Glacier",
    }  # fmt: skip


def test_a_name_is_no_markup() -> None:
    assert "<b>" not in draw([Spot("<b>Gao", 16.3, 0.0, "ML")], label='"<b>')
