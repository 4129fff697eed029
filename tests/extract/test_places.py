"""Places, actors, counts and the spaCy pipeline, on hand-written cases with the built-in gazetteer."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.extract import Extractor, find_counts
from pipeline.extract.actors import find_actors
from pipeline.extract.component import load_pipeline, read_docs
from pipeline.extract.gazetteer import Gazetteer
from pipeline.extract.gazetteer.geonames import import_geonames
from pipeline.extract.names import bare_key, name_key, sound_key
from pipeline.report import Place, Tag


def places(extractor: Extractor, marked: str, *, country: str | None = None) -> list[Place]:
    """The places of a text in which the tagged mentions stand between brackets."""
    tags, text = [], ""
    for part in marked.replace("]", "[").split("["):
        if marked[max(0, marked.find(part) - 1)] == "[" and f"[{part}]" in marked:
            tags.append(Tag(len(text), len(text) + len(part), "P", 0.9))
        text += part
    return list(extractor.extract_one(text, tags=tags, country=country).places)


@pytest.mark.parametrize(
    ("marked", "mention"),
    [
        ("at the [Hpa-]An bus station", "Hpa-An"),
        ("in [Essako] today", "Essako"),
        ("past the Tin-[Essako] marker", "Tin-Essako"),
        ("near [Croix]-des-Bouquets, yesterday", "Croix-des-Bouquets"),
        ("in [Cox]'s Bazar today", "Cox's Bazar"),
        ("the night in [Guigmi]", "Guigmi"),
        ("N'[Guigmi], night fishing", "N'Guigmi"),
        ("in [Enga] Province", "Enga Province"),
        ("in Lower [Shabelle]", "Lower Shabelle"),
        ("along the [Tana] River", "Tana River"),
        ("in [Kanbalu township] today", "Kanbalu"),
        ("on the [Nyunzu road] today", "Nyunzu"),
        ("[rd Dhobley tdy] two dead", "Dhobley"),
        ("[At Makuac] the clerk", "Makuac"),
        ("l'est d'[Afgooye] hier", "Afgooye"),
        ("[Fada N'Gourma\n\nSources]: calls", "Fada N'Gourma"),
        ("in [Goma]'s hospital", "Goma"),
        ("in [Deir ez-Zor] today", "Deir ez-Zor"),
        ("in [Dhamar] governorate today", "Dhamar governorate"),
        ("in [Rangpur division] today", "Rangpur division"),
        ("Sofala and [Tete] provinces", "Tete provinces"),
        ("the [Dzaleka] camp, where", "Dzaleka camp"),
        ("of [Yola] South, where", "Yola South"),
        ("in [Goma] South Sudanese refugees", "Goma"),
        ("the [Goma] hospital", "Goma"),
        ("in [Mandera county town] today", "Mandera"),
        ("in [McAllen] today", "McAllen"),
        ("near Buenos [Aires] today", "Buenos Aires"),
        ("in [Buenos] Aires today", "Buenos Aires"),
        ("in La [Plata] today", "La Plata"),
        ("the [Democratic] Republic of the Congo said", "Democratic Republic of the Congo"),
        ("the Democratic Republic of the [Congo] said", "Democratic Republic of the Congo"),
        ("from Sierra [Leone] today", "Sierra Leone"),
        ("in Northwest [Syria] today", "Northwest Syria"),
        ("in North West [Syria] today", "North West Syria"),
        ("at [Zaatari] Refugee Camp today", "Zaatari Refugee Camp"),
        ("At [Marsassoum] they came", "Marsassoum"),
        ("The [Paris] mayor", "Paris"),
        ("in [AlHasakeh] today", "AlHasakeh"),
        ("[GOMA]'S MARKET", "GOMA"),
        ("to [Thaton on Wednesday morning] they say", "Thaton"),
    ],
)
def test_a_mention_is_the_whole_name_and_nothing_but_the_name(extractor: Extractor, marked: str, mention: str) -> None:
    assert [place.text for place in places(extractor, marked)] == [mention]


@pytest.mark.parametrize(
    ("marked", "country", "iso2"),
    [
        ("in [Walikale] today", None, "CD"),
        ("in [Um Dukhun] and [Kass]", None, "SD"),
        ("in [Abala] today", "NE", "NE"),  # also in Ethiopia
        ("in [Abala], near [Filingué]", None, "NE"),
        ("in [Mora] today", None, "CM"),  # and not in India
        ("in [Mora] today", "IN", "IN"),
    ],
)
def test_a_name_tells_its_country_where_the_gazetteer_does_not_hold_it(
    extractor: Extractor, marked: str, country: str | None, iso2: str | None
) -> None:
    assert places(extractor, marked, country=country)[0].iso2 == iso2


@pytest.mark.parametrize(
    ("marked", "mentions"),
    [
        ("Source: OCHA [Goma\n\nAden] Hub", ["Goma", "Aden"]),
        ("in [Tashkent and Urgench] today", ["Tashkent", "Urgench"]),
        ("in [Trinidad and Tobago] today", ["Trinidad and Tobago"]),
        ("write to (orlando.[vasquez]@wfp.org)", []),
        ("see www.[goma].org", []),
        ("write to desk@[goma].org", []),
    ],
)
def test_a_mention_is_one_name_and_no_address(extractor: Extractor, marked: str, mentions: list[str]) -> None:
    assert [p.text for p in places(extractor, marked)] == mentions


@pytest.mark.parametrize("marked", ["the [Somali] sergeant", "two [Kenyans] came", "[Malian] soldiers"])
def test_people_are_no_place(extractor: Extractor, marked: str) -> None:
    assert places(extractor, marked) == []


@pytest.mark.parametrize("marked", ["in 20 [LGAs] today", "[COVID-19] cases", "the [EPoA] says", "Dr [Zzyxnuru] said"])
def test_what_only_looks_like_a_name_is_no_place(extractor: Extractor, marked: str) -> None:
    assert places(extractor, marked) == []


@pytest.mark.parametrize(("text", "name"), [("Yemen said so.", "Yemen"), ("the United Kingdom gave", "United Kingdom")])
def test_a_country_that_acts_is_a_place_all_the_same(extractor: Extractor, text: str, name: str) -> None:
    actor = Tag(0, text.index(name) + len(name), "A", 0.9)
    assert [p.name for p in extractor.extract_one(text, tags=[actor]).places] == [name]


def test_a_word_in_small_letters_is_a_place_where_it_is_known_or_surely_one(extractor: Extractor) -> None:
    def found(word: str, score: float) -> list[str]:
        tags = [Tag(3, 3 + len(word), "P", score)]
        return [place.text for place in extractor.extract_one(f"in {word} today", tags=tags).places]

    assert found("kiosk", 0.6) == []
    assert found("kiosk", 0.9) == ["kiosk"]
    assert found("goma", 0.6) == ["goma"]


@pytest.mark.parametrize(
    ("marked", "country", "name", "iso2"),
    [
        ("in [Goma] today", None, "Goma", "CD"),
        ("in [GOMA] today", None, "Goma", "CD"),
        ("in [goma] today", None, "Goma", "CD"),
        ("in [Qamishli] today", None, "Al Qāmishlī", "SY"),
        ("in [Al-Qamishli] today", None, "Al Qāmishlī", "SY"),
        ("in [Kamishly] today", None, "Al Qāmishlī", "SY"),
        ("in [Abeche] today", None, "Abéché", "TD"),
        ("in [Abéché] today", None, "Abéché", "TD"),
        ("in [Kunduz] today", None, "Kunduz", "AF"),
        ("in [Kunduz province] today", None, "Kunduz", "AF"),
        ("in [Tripoli] today", "LY", "Tripoli", "LY"),
        ("in [Tripoli] today", "LB", "Tripoli", "LB"),
        ("in [Tripoli], Lebanon today", None, "Tripoli", "LB"),
        ("in [Tripoli], [Libya] today", None, "Tripoli", "LY"),
        ("in [Bria] today", "CF", "Bria", "CF"),
        ("in [DRC] today", None, "Democratic Republic of the Congo", "CD"),
        ("in [South Sudan] today", None, "South Sudan", "SS"),
        ("in [Syria] today", None, "Syria", "SY"),
        ("in [Myanmar] today", None, "Myanmar", "MM"),
        ("in [Burma] today", None, "Myanmar", "MM"),
        ("in [Timbuktu] today", None, "Timbuktu", "ML"),
        ("in [Tombouctou] today", None, "Timbuktu", "ML"),
        ("in [Maiduguri] today", None, "Maiduguri", "NG"),
        ("in [San Salvador] today", "SV", "San Salvador", "SV"),
        ("in [Santiago] today", "CL", "Santiago", "CL"),
        ("in [Georgia] today", "GE", "Georgia", "GE"),
    ],
)
def test_a_mention_is_resolved(extractor: Extractor, marked: str, country: str | None, name: str, iso2: str) -> None:
    place = places(extractor, marked, country=country)[0]
    assert (place.name, place.iso2) == (name, iso2)


def test_an_unknown_village_keeps_its_span_and_country(extractor: Extractor) -> None:
    (place,) = places(extractor, "in [Diallassagou-Zobo] today", country="ML")
    assert (place.name, place.iso2, place.precision, place.reason) == (None, "ML", None, "not_in_gazetteer")


def test_one_unknown_place_does_not_empty_the_others(extractor: Extractor) -> None:
    found = places(extractor, "from [Xqzzt] to [Goma] today")
    assert [p.name for p in found] == [None, "Goma"]


def test_people_tell_the_country(extractor: Extractor) -> None:
    (place,) = places(extractor, "Syrian soldiers came to [Xqzzt] today")
    assert place.iso2 == "SY"


def test_a_relative_place_is_moved(extractor: Extractor) -> None:
    (there,) = places(extractor, "in [Afgooye] today")
    (near,) = places(extractor, "9 km south-east of [Afgooye] today")
    assert near.lat is not None
    assert there.lat is not None
    assert near.lon is not None
    assert there.lon is not None
    assert near.lat < there.lat
    assert near.lon > there.lon
    assert near.precision == "district"


def test_a_country_is_found_without_a_tag(extractor: Extractor) -> None:
    assert [p.iso2 for p in places(extractor, "Fighting went on in Somalia.")] == ["SO"]


@pytest.mark.parametrize("text", ["Malian soldiers came.", "They may march in May.", "The Georgia office closed."])
def test_what_is_no_place_is_left_alone(extractor: Extractor, text: str) -> None:
    assert places(extractor, text) == []


def test_spellings_share_a_key() -> None:
    assert name_key("Al-Qāmishlī") == name_key("qamishli") == "qamishli"
    assert sound_key("Kamishly") == sound_key("Qamishli")
    assert bare_key("the city of Goma") == "goma"
    assert bare_key("Kunduz provinces") == "kunduz"


GEONAMES = "\t".join(
    ["1", "Test Camp", "Test Camp", "Camp Test,Tst", "14.5", "-3.5", "P", "PPL", "ML", "", "04", "", "", "", "900", "", "",
     "Africa/Bamako", "2025-01-01"]
)  # fmt: skip


def test_a_geonames_dump_is_imported(tmp_path: Path) -> None:
    dump = tmp_path / "ML.txt"
    dump.write_text(GEONAMES + "\n", encoding="utf-8")
    assert import_geonames(dump, out=tmp_path / "g.sqlite").places > 250
    gazetteer = Gazetteer(tmp_path / "g.sqlite")
    assert gazetteer.candidates("camp test")[0].lat == 14.5
    assert gazetteer.candidates("Mali")[0].kind == "country"


def test_a_table_that_is_no_dump_is_refused(tmp_path: Path) -> None:
    dump = tmp_path / "ML.txt"
    dump.write_text("name,lat,lon\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no GeoNames table"):
        import_geonames(dump, out=tmp_path / "g.sqlite")


@pytest.mark.parametrize(
    ("surface", "type_"),
    [
        ("armed men on motorcycles", "non_state_armed_group"),
        ("soldiers", "state_forces"),
        ("the gendarmes", "state_forces"),
        ("police officers", "police"),
        ("blue helmets", "peacekeepers"),
        ("UNHCR", "intergovernmental_org"),
        ("ICRC", "ngo"),
        ("residents of the camp", "civilians"),
        ("the governor", "government"),
        ("a journalist", "media"),
        ("the high court", "judiciary"),
    ],
)
def test_the_head_noun_tells_the_type(surface: str, type_: str) -> None:
    (actor,) = find_actors(surface, tags=[Tag(0, len(surface), "A", 0.9)])
    assert actor.type == type_
    assert not actor.text.lower().startswith(("the ", "a "))


def test_known_names_have_their_canonical_form() -> None:
    (actor,) = find_actors("MSF left.", tags=[Tag(0, 3, "A", 0.9)])
    assert actor.canonical == "Médecins Sans Frontières"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seven farmers were shot dead.", [("killed", 7, 7)]),
        ("At least 20 people were killed.", [("killed", 20, None)]),
        ("More than 100 families fled.", [("displaced", 100, None)]),
        ("Some 200 families fled.", [("displaced", 200, 200)]),
        ("Between 10 and 15 villagers were abducted.", [("abducted", 10, 15)]),
        ("10-15 villagers were abducted.", [("abducted", 10, 15)]),
        ("Dozens of people were arrested.", [("detained", 24, None)]),
        ("Dozens people were arrested.", [("detained", 24, None)]),
        ("Up to 30 students were arrested.", [("detained", 0, 30)]),
        ("3,000 displaced families are waiting.", [("displaced", 3000, 3000)]),
        ("2.3 million people fled.", [("displaced", 2_300_000, 2_300_000)]),
        ("Two teachers were abducted and three soldiers were killed.", [("abducted", 2, 2), ("killed", 3, 3)]),
        ("Twenty-one men were injured.", [("injured", 21, 21)]),
        ("Forty officers attended a training.", []),
        ("On 13 February 2025 armed men came and killed nobody.", []),
        ("Section 12 people of the law.", []),
        ("They burnt 12 houses.", []),
    ],
)
def test_counts(text: str, expected: list[tuple[str, int, int | None]]) -> None:
    assert [(c.kind, c.low, c.high) for c in find_counts(text)] == expected


def test_the_spacy_pipeline_says_what_the_extractor_says(extractor: Extractor) -> None:
    text = "On 3 February 2025 armed men came to Goma and killed two traders."
    tags = [Tag(19, 28, "A", 0.9, "non_state_armed_group", 0.9, "perpetrator", 0.9), Tag(37, 41, "P", 0.9)]
    day = date(2025, 2, 14)
    (doc,) = read_docs(load_pipeline(), [text], tags=[tags], report_dates=[day], countries=["CD"])
    found = extractor.extract_one(text, tags=tags, report_date=day, country="CD")
    assert tuple(s._.place for s in doc.spans["places"]) == found.places
    assert tuple(s._.actor for s in doc.spans["actors"]) == found.actors
    assert tuple(s._.date for s in doc.spans["dates"]) == found.dates
    assert [(e.text, e.label_) for e in doc.ents] == [
        ("3 February 2025", "DATE"),
        ("armed men", "ACTOR"),
        ("Goma", "PLACE"),
    ]


def test_us_is_no_country(extractor: Extractor) -> None:
    assert [place.text for place in places(extractor, "They shot at [us] in [Gao] today")] == ["Gao"]
