"""Counts: how many were killed, injured, abducted, detained or displaced, on hand-written cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.counts import find_counts

CASES: list[tuple[str, list[tuple[str, int, int | None, str]]]] = [
    ("Seven farmers were shot dead.", [("killed", 7, 7, "farmers")]),
    ("At least 20 people were killed.", [("killed", 20, None, "people")]),
    ("More than 300 civilians were killed.", [("killed", 300, None, "civilians")]),
    ("Over 1,200 civilians were displaced.", [("displaced", 1200, None, "civilians")]),
    ("Up to 30 villagers were killed.", [("killed", 0, 30, "villagers")]),
    ("Some 40 students were detained.", [("detained", 40, 40, "students")]),
    ("About fifty protesters were arrested.", [("detained", 50, 50, "protesters")]),
    ("No fewer than six soldiers were killed.", [("killed", 6, None, "soldiers")]),
    ("An estimated 5,000 people fled.", [("displaced", 5000, 5000, "people")]),
    ("Between 10 and 12 people were abducted.", [("abducted", 10, 12, "people")]),
    ("10 to 12 people were abducted.", [("abducted", 10, 12, "people")]),
    ("10-12 people were injured.", [("injured", 10, 12, "people")]),
    ("Five or six men were taken.", [("abducted", 5, 6, "men")]),
    ("Twenty-five students were kidnapped.", [("abducted", 25, 25, "students")]),
    ("Two hundred families fled the town.", [("displaced", 200, 200, "families")]),
    ("Three thousand residents were displaced.", [("displaced", 3000, 3000, "residents")]),
    ("A hundred detainees were held in custody.", [("detained", 100, 100, "detainees")]),
    (f"{'9' * 400} people were displaced.", []),
    ("1.5 million people were displaced.", [("displaced", 1500000, 1500000, "people")]),
    ("Dozens of people were injured.", [("injured", 24, None, "people")]),
    ("Dozens were killed.", [("killed", 24, None, "people")]),
    ("Dozens more have been killed.", [("killed", 24, None, "people")]),
    ("Tens of thousands fled.", [("displaced", 20000, None, "people")]),
    ("Tens of\nthousands of people have fled.", [("displaced", 20000, None, "people")]),
    ("Hundreds of thousands of residents were displaced.", [("displaced", 200000, None, "residents")]),
    ("The raid displaced hundreds of families.", [("displaced", 200, None, "families")]),
    (
        "It killed 3 people and displaced hundreds of families.",
        [("killed", 3, 3, "people"), ("displaced", 200, None, "families")],
    ),
    ("Scores of our people were abducted.", [("abducted", 40, None, "people")]),
    ("The shelling killed dozens.", [("killed", 24, None, "people")]),
    ("Up to hundreds of people were killed.", []),
    ("Raiders killed dozens of goats.", []),
    ("Several people were killed.", []),
    ("Several hundred families fled.", []),
    ("A few dozen people were killed.", []),
    ("A few people were killed.", []),
    ("Two hundred thousand people fled.", [("displaced", 200000, 200000, "people")]),
    ("Those who in 2024 fled came back.", []),
    ("It resulted in 2000 people killed.", [("killed", 2000, 2000, "people")]),
    ("Many were killed.", []),
    ("Thousands of people marched and two men were killed.", [("killed", 2, 2, "men")]),
    ("Hundreds of residents protested after the killing of a trader.", [("killed", 1, 1, "trader")]),
    ("Hundreds of protesters met police who killed three.", [("killed", 3, 3, "people")]),
    ("No dozens of people were killed.", []),
    ("Two women and three children were killed.", [("killed", 2, 2, "women"), ("killed", 3, 3, "children")]),
    ("Four girls were abducted on the road.", [("abducted", 4, 4, "girls")]),
    ("One boy was wounded.", [("injured", 1, 1, "boy")]),
    ("A woman was killed.", [("killed", 1, 1, "woman")]),
    ("A journalist was arrested.", [("detained", 1, 1, "journalist")]),
    ("Two local journalists were arrested.", [("detained", 2, 2, "journalists")]),
    ("Three unarmed young men were shot.", [("killed", 3, 3, "men")]),
    ("The attack killed 12 civilians.", [("killed", 12, 12, "civilians")]),
    ("The attack killed 12.", [("killed", 12, 12, "people")]),
    ("The attack killed at least 12.", [("killed", 12, None, "people")]),
    ("The blast injured 15 passengers.", [("injured", 15, 15, "passengers")]),
    ("Eight dead after the raid.", [("killed", 8, 8, "people")]),
    ("12 were killed.", [("killed", 12, 12, "people")]),
    ("Nine wounded at the market.", [("injured", 9, 9, "people")]),
    ("Gunmen kidnapped 14 pupils.", [("abducted", 14, 14, "pupils")]),
    ("Police arrested 31 demonstrators.", [("detained", 31, 31, "demonstrators")]),
    ("They carried off eleven of our people.", [("abducted", 11, 11, "people")]),
    ("bandits just carry 11 of our people", [("abducted", 11, 11, "people")]),
    ("Six bodies were found; they had been executed.", [("killed", 6, 6, "bodies")]),
    ("Two aid workers were taken hostage.", [("abducted", 2, 2, "aid workers")]),
    ("Four peacekeepers were wounded.", [("injured", 4, 4, "peacekeepers")]),
    ("Ten households fled.", [("displaced", 10, 10, "households")]),
    ("60 migrants were expelled.", [("displaced", 60, 60, "migrants")]),
    ("Seven miners died underground.", [("killed", 7, 7, "miners")]),
    ("Three voters were beaten and two voters were injured.", [("injured", 2, 2, "voters")]),
    ("5 000 people were uprooted.", [("displaced", 5000, 5000, "people")]),
    ("SEVEN FARMERS WERE KILLED.", [("killed", 7, 7, "farmers")]),
    ("seven farmers were killed", [("killed", 7, 7, "farmers")]),
    ("Thirteen refugees are missing.", [("abducted", 13, 13, "refugees")]),
    ("Five people were massacred.", [("killed", 5, 5, "people")]),
    ("Two teachers were murdered.", [("killed", 2, 2, "teachers")]),
    ("Forty people were evicted.", [("displaced", 40, 40, "people")]),
    ("Nearly 80 traders fled.", [("displaced", 80, 80, "traders")]),
    ("Seven farmers met at the well.", []),
    ("The workshop drew 40 people.", []),
    ("No people were killed.", []),
    ("In May 2024 people were killed.", []),
    ("They walked 12 km and were detained.", []),
    ("They were held for 14 days.", []),
    ("Article 7 forbids it.", []),
    ("Some 60% of people fled.", []),
    ("Section 12 people", []),
    ("The 14-year-old was killed.", []),
    ("Shelling killed 31 people and injured 78 others.", [("killed", 31, 31, "people"), ("injured", 78, 78, "others")]),
    (
        "It killed her three children and wounded 12 passengers.",
        [("killed", 3, 3, "children"), ("injured", 12, 12, "passengers")],
    ),
    ("They abducted 3 girls and killed 2 men.", [("abducted", 3, 3, "girls"), ("killed", 2, 2, "men")]),
    ("Of those wounded 3 men were arrested.", [("detained", 3, 3, "men")]),
    ("Soldiers killed two displaced women.", [("killed", 2, 2, "women")]),
    ("Two displaced women were shot.", [("killed", 2, 2, "women")]),
    ("Nine abducted pupils came home.", [("abducted", 9, 9, "pupils")]),
    ("A dozen residents were killed.", [("killed", 12, 12, "residents")]),
    ("Two dozen fighters were detained.", [("detained", 24, 24, "fighters")]),
    ("Forces arrested 14 Palestinians.", [("detained", 14, 14, "palestinians")]),
    ("Fourteen Malian soldiers were killed.", [("killed", 14, 14, "soldiers")]),
    ("VBIED at checkpoint, 5 KIA (3 NISA, 2 civ), 8 WIA.", [("killed", 5, 5, "people"), ("injured", 8, 8, "people")]),
    ("Two Kia were parked there.", []),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[c[0] for c in CASES])
def test_a_count_says_how_many_and_what_happened(text: str, expected: list[tuple[str, int, int | None, str]]) -> None:
    assert [(c.kind, c.low, c.high, c.who) for c in find_counts(text)] == expected


@given(st.text(alphabet="0123456789 ,.-ateloskdinj", max_size=60))
def test_counts_index_the_text_and_their_bounds_are_in_order(text: str) -> None:
    for count in find_counts(text + " people were killed"):
        assert 0 <= count.start < count.end
        assert count.high is None or count.low <= count.high
