"""Places that are hard to read: capitals, scans, slips, transliterations, scripts, roads, distances."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from pipeline.extract import Extractor
from pipeline.extract.gazetteer import Candidate, Gazetteer
from pipeline.extract.names import name_key
from pipeline.extract.relative import distance_km
from pipeline.report import Place, Tag


def places(extractor: Extractor, marked: str, *, country: str | None = None) -> list[Place]:
    """The places of a text in which the mentions that the encoder tags stand between brackets."""
    parts = re.split(r"([\[\]])", marked)
    tags, text, start = [], "", 0
    for part in parts:
        if part == "[":
            start = len(text)
        elif part == "]":
            tags.append(Tag(start, len(text), "P", 0.9))
        else:
            text += part
    return list(extractor.extract_one(text, tags=tags, country=country).places)


# The text, the report's country, and what the first place means: a name of the gazetteer (any spelling), its country.
NAMES: list[tuple[str, str | None, str | None, str | None]] = [
    # all capitals, no capitals
    ("FIGHTING IN [GOMA] TODAY", None, "Goma", "CD"),
    ("fighting in [goma] today", None, "Goma", "CD"),
    ("SHELLING OF [KHARKIV]", None, "Kharkiv", "UA"),
    ("CLASHES IN [SOUTH SUDAN]", None, "South Sudan", "SS"),
    ("clashes in [south sudan]", None, "South Sudan", "SS"),
    ("[EL FASHER], SUDAN: MARKET HIT", None, "El Fasher", "SD"),
    ("market hit in [el fasher]", "SD", "El Fasher", "SD"),
    ("GANGS IN [PORT-AU-PRINCE]", None, "Port-au-Prince", "HT"),
    ("gangs in [port au prince]", None, "Port-au-Prince", "HT"),
    ("IN [ADDIS ABABA]", None, "Addis Ababa", "ET"),
    ("in [n'djamena]", None, "N'Djamena", "TD"),
    ("IN [NDJAMENA]", None, "N'Djamena", "TD"),
    ("[DEIR EZ-ZOR] RURAL AREAS", "SY", "Deir ez-Zor", "SY"),
    ("in [cox's bazar]", None, "Cox’s Bāzār", "BD"),
    ("IN [COXS BAZAR]", None, "Cox’s Bāzār", "BD"),
    ("in [drc]", None, "Democratic Republic of the Congo", "CD"),
    ("in the [central african republic]", None, "Central African Republic", "CF"),
    # breaks and misreadings of a scan
    ("in [Qami-\nshli] today", None, "Al Qāmishlī", "SY"),
    ("in [Mogadi-\nshu] today", None, "Mogadishu", "SO"),
    ("in [Port-\nau-Prince] today", None, "Port-au-Prince", "HT"),
    ("in [Addis\nAbaba] today", None, "Addis Ababa", "ET"),
    ("in [Addis  Ababa] today", None, "Addis Ababa", "ET"),
    ("in [Kin shasa] today", None, "Kinshasa", "CD"),
    ("in [M0gadishu] today", None, "Mogadishu", "SO"),
    ("in [Ma1duguri] today", None, "Maiduguri", "NG"),
    ("in [Gorna] today", "CD", "Goma", "CD"),
    ("in [Tirnbuktu] today", "ML", "Timbuktu", "ML"),
    ("in [Goma.] today", None, "Goma", "CD"),
    ("in [Goma,] today", None, "Goma", "CD"),
    ("in [ Goma ] today", None, "Goma", "CD"),
    ("in [“Goma”] today", None, "Goma", "CD"),
    ("in [*Goma*] today", None, "Goma", "CD"),
    ("in [Kan-dahar] today", "AF", "Kandahār", "AF"),
    ("in [K i d a l] today", "ML", "Kidal", "ML"),
    # slips of the keyboard
    ("in [Mogadishuu] today", "SO", "Mogadishu", "SO"),
    ("in [Mogadihsu] today", "SO", "Mogadishu", "SO"),
    ("in [Mogadshu] today", "SO", "Mogadishu", "SO"),
    ("in [Maidguri] today", "NG", "Maiduguri", "NG"),
    ("in [Maiduguir] today", "NG", "Maiduguri", "NG"),
    ("in [Maiduguti] today", "NG", "Maiduguri", "NG"),
    ("in [Kandhar] today", "AF", "Kandahār", "AF"),
    ("in [Kandahr] today", "AF", "Kandahār", "AF"),
    ("in [Bossangao] today", "CF", "Bossangoa", "CF"),
    ("in [Bamabri] today", "CF", "Bambari", "CF"),
    ("in [Aelppo] today", "SY", "Aleppo", "SY"),
    ("in [Alepppo] today", "SY", "Aleppo", "SY"),
    ("in [Khartuom] today", "SD", "Khartoum", "SD"),
    ("in [Kahrtoum] today", "SD", "Khartoum", "SD"),
    ("in [Kharkhiv] today", "UA", "Kharkiv", "UA"),
    ("in [Zaporizhia] today", "UA", "Zaporizhzhya", "UA"),
    ("in [Mariopol] today", "UA", "Mariupol", "UA"),
    ("in [Jalalbad] today", "AF", "Jalālābād", "AF"),
    ("in [Benghzai] today", "LY", "Benghazi", "LY"),
    ("in [Bukvau] today", "CD", "Bukavu", "CD"),
    ("in [Kisnagani] today", "CD", "Kisangani", "CD"),
    ("Syrian aircraft bombed [Aelppo]", None, "Aleppo", "SY"),
    # transliterations
    ("in [Qamishli] today", None, "Al Qāmishlī", "SY"),
    ("in [Al-Qamishli] today", None, "Al Qāmishlī", "SY"),
    ("in [al Qamishly] today", None, "Al Qāmishlī", "SY"),
    ("in [El Qamishli] today", None, "Al Qāmishlī", "SY"),
    ("in [Kamishly] today", None, "Al Qāmishlī", "SY"),
    ("in [Kamishli] today", None, "Al Qāmishlī", "SY"),
    ("in [Qamishlo] today", "SY", "Al Qāmishlī", "SY"),
    ("in [Deir ez-Zor] today", None, "Deir ez-Zor", "SY"),
    ("in [Deir Ezzor] today", None, "Deir ez-Zor", "SY"),
    ("in [Dayr az Zawr] today", None, "Deir ez-Zor", "SY"),
    ("in [Deir al-Zour] today", "SY", "Deir ez-Zor", "SY"),
    ("in [Raqqa] today", "SY", "Ar Raqqah", "SY"),
    ("in [Ar-Raqqah] today", "SY", "Ar Raqqah", "SY"),
    ("in [Rakka] today", "SY", "Ar Raqqah", "SY"),
    ("in [Hodeidah] today", "YE", "Al Ḩudaydah", "YE"),
    ("in [Al Hudaydah] today", "YE", "Al Ḩudaydah", "YE"),
    ("in [Hodeida] today", "YE", "Al Ḩudaydah", "YE"),
    ("in [Taiz] today", "YE", "Taiz", "YE"),
    ("in [Ta'izz] today", "YE", "Taiz", "YE"),
    ("in [Taizz] today", "YE", "Taiz", "YE"),
    ("in [Sana'a] today", None, "Sanaa", "YE"),
    ("in [Sanaa] today", None, "Sanaa", "YE"),
    ("in [Idleb] today", "SY", "Idlib", "SY"),
    ("in [Halab] today", "SY", "Aleppo", "SY"),
    ("in [Erbil] today", None, "Erbil", "IQ"),
    ("in [Arbil] today", "IQ", "Erbil", "IQ"),
    ("in [Hewler] today", "IQ", "Erbil", "IQ"),
    ("in [Banghazi] today", "LY", "Benghazi", "LY"),
    ("in [Kharkov] today", None, "Kharkiv", "UA"),
    ("in [Kiev] today", None, "Kyiv", "UA"),
    ("in [Lugansk] today", None, "Luhansk", "UA"),
    ("in [Konduz] today", "AF", "Kunduz", "AF"),
    ("in [Qunduz] today", "AF", "Kunduz", "AF"),
    ("in [Lashkargah] today", "AF", "Lashkar Gāh", "AF"),
    ("in [Lashkar Gah] today", "AF", "Lashkar Gāh", "AF"),
    ("in [El Geneina] today", "SD", "Al Junaynah", "SD"),
    ("in [Al-Junaynah] today", "SD", "Al Junaynah", "SD"),
    ("in [El-Fashir] today", "SD", "El Fasher", "SD"),
    ("in [Al Obeid] today", "SD", "El Obeid", "SD"),
    ("in [Beletweyne] today", "SO", "Beledweyne", "SO"),
    ("in [Belet Weyne] today", "SO", "Beledweyne", "SO"),
    ("in [Baydhabo] today", "SO", "Baidoa", "SO"),
    ("in [Kismaayo] today", "SO", "Kismayo", "SO"),
    ("in [Rangoon] today", None, "Yangon", "MM"),
    ("in [Khan Younis] today", None, "Khān Yūnis", "PS"),
    ("in [Khan Yunus] today", "PS", "Khān Yūnis", "PS"),
    ("in [Tombouctou] today", None, "Timbuktu", "ML"),
    # diacritics
    ("in [Abéché] today", None, "Abéché", "TD"),
    ("in [Abeche] today", None, "Abéché", "TD"),
    ("in [Ménaka] today", "ML", "Ménaka", "ML"),
    ("in [Menaka] today", "ML", "Ménaka", "ML"),
    ("in [Ségou] today", None, "Ségou", "ML"),
    ("in [SÉGOU] today", None, "Ségou", "ML"),
    ("in [Şanlıurfa] today", None, "Şanlıurfa", "TR"),
    ("in [Sanliurfa] today", None, "Şanlıurfa", "TR"),
    ("in [SANLIURFA] today", None, "Şanlıurfa", "TR"),
    ("in [Diyarbakir] today", None, "Diyarbakır", "TR"),
    ("in [Bogota] today", None, "Bogotá", "CO"),
    ("in [Medellin] today", "CO", "Medellín", "CO"),
    ("in [Quibdo] today", "CO", "Quibdó", "CO"),
    ("in [Gōma] today", None, "Goma", "CD"),
    # other scripts
    ("удар по [Харків]", None, "Kharkiv", "UA"),
    ("удар по [Киев]", None, "Kyiv", "UA"),
    ("удар по [Мариуполь]", None, "Mariupol", "UA"),
    ("قصف على [حلب]", None, "Aleppo", "SY"),
    ("قصف على [القامشلي]", None, "Al Qāmishlī", "SY"),
    ("قصف على [الخرطوم]", None, "Khartoum", "SD"),
    ("shelling of [Kharkiv] (Харків)", None, "Kharkiv", "UA"),
    ("shelling of [Mariupol/Мариуполь]", None, "Mariupol", "UA"),
    ("shelling of [Halab (حلب)]", "SY", "Aleppo", "SY"),
    # context of country
    ("in [Tripoli] today", "LY", "Tripoli", "LY"),
    ("in [Tripoli] today", "LB", "Tripoli", "LB"),
    ("in [Tripoli], Lebanon, today", None, "Tripoli", "LB"),
    ("in [Tripoli] ([Libya])", None, "Tripoli", "LY"),
    ("Lebanese soldiers entered [Tripoli]", None, "Tripoli", "LB"),
    ("in [Santiago] today", "CL", "Santiago", "CL"),
    ("in [San José] today", "CR", "San José", "CR"),
    ("in [Victoria] today", "SC", "Victoria", "SC"),
    ("in [Kaya] today", "BF", "Kaya", "BF"),
    ("in [Bor] today", "SS", "Bor", "SS"),
    ("in [Paris], [Texas]", None, "Paris", "US"),
    ("in [London], [Ontario]", None, "London", "CA"),
    ("in [Birmingham], [Alabama]", None, "Birmingham", "US"),
    ("in [Moscow], [Idaho]", None, "Moscow", "US"),
    ("from [Kunduz] and [Jalalabad] to [Kabul]", None, "Kunduz", "AF"),
    ("in [Congo] today", "CD", "Democratic Republic of the Congo", "CD"),
    ("in [Georgia] today", "GE", "Georgia", "GE"),
    ("in [Georgia] and [Alabama]", "US", "Georgia", "US"),
    ("in [Niger] today", "NE", "Niger", "NE"),
    ("in [Jordan] today", "JO", "Jordan", "JO"),
    ("in [Chad] today", None, "Chad", "TD"),
    ("in [Wau] today", "SS", "Wau", "SS"),
    ("in [Ituri] today", "CD", "Ituri", "CD"),
    ("in [North Kivu] today", None, "Nord-Kivu", "CD"),
    ("in [Cabo Delgado] today", None, "Cabo Delgado", "MZ"),
    ("in [Kunduz province] today", None, "Kunduz", "AF"),
    ("in the [province of Kunduz] today", None, "Kunduz", "AF"),
    ("in [Bria town] today", "CF", "Bria", "CF"),
    ("in [Diallassagou-Zobo] today", "ML", None, "ML"),
    # what is named after a place, or is a part of one
    ("at [Kadugli Teaching Hospital]", "SD", "Kadugli", "SD"),
    ("at [Goma airport]", "CD", "Goma", "CD"),
    ("at [Goma International Airport]", "CD", "Goma", "CD"),
    ("at the [Hôpital de Bria]", "CF", "Bria", "CF"),
    ("at [Bangui M'Poko airport]", "CF", "Bangui", "CF"),
    ("at [Bentiu IDP camp]", "SS", "Bentiu", "SS"),
    ("at [Makerere University]", "UG", None, "UG"),
    ("in [northern Mali]", None, "Mali", "ML"),
    ("in [eastern DRC]", None, "Democratic Republic of the Congo", "CD"),
    ("in [rural Idlib]", "SY", "Idlib", "SY"),
    ("in the [outskirts of Bangui]", "CF", "Bangui", "CF"),
    ("on the [Bangui road]", "CF", "Bangui", "CF"),
    ("in the [ville de Bria]", "CF", "Bria", "CF"),
]


@pytest.mark.parametrize(("marked", "country", "name", "iso2"), NAMES, ids=[c[0].replace("\n", "/") for c in NAMES])
def test_a_hard_name_is_resolved(
    extractor: Extractor, marked: str, country: str | None, name: str | None, iso2: str | None
) -> None:
    place = places(extractor, marked, country=country)[0]
    assert (place.name and name_key(place.name), place.iso2) == (name and name_key(name), iso2)


# What is no place: nothing is tagged, and nothing may be found.
NO_PLACES = [
    "Mr Israel Kamau was arrested.",
    "Dr. Jordan Mwale spoke.",
    "Sgt Kenya Moore was there.",
    "The Uganda Red Cross sent a team.",
    "The Somalia NGO Consortium protested.",
    "The Bank of Uganda closed.",
    "The Syria Civil Defence dug.",
    "The University of Liberia is shut.",
    "The Embassy of France is shut.",
    "Malian soldiers came.",
    "They may march in May.",
    "The Georgia office closed.",
    "Turkey was served to the men.",
    "Chad Brown left.",
    "They ate guinea fowl.",
    "7.62, 5.56 mm rounds were found.",
    "Prices rose 12.5, 13.5 and 14.25 percent.",
    "Version 10.12.2024 of the list.",
    "It cost 1.234, 5.678 and more.",
    "At 0630 hrs 12 N 4 were seen.",
    "Section 12 N 4 E of the law.",
    "Walk 12KMS 40 people said.",
]


@pytest.mark.parametrize("text", NO_PLACES)
def test_what_is_no_place_is_left_alone(extractor: Extractor, text: str) -> None:
    assert places(extractor, text) == []


# The words before a name; how far from it the point is (km), and where: north (N), south (S), east (E), west (W).
RELATIVE = [
    ("9 km south-east of [Afgooye]", 9, "SE"),
    ("9 km southeast of [Afgooye]", 9, "SE"),
    ("9km SE of [Afgooye]", 9, "SE"),
    ("9 kilometres to the south east of [Afgooye]", 9, "SE"),
    ("15 km N of [Afgooye]", 15, "N"),
    ("some 5 miles west of [Afgooye]", 8.05, "W"),
    ("about twenty kilometres north of [Afgooye]", 20, "N"),
    ("twenty-five km east of [Afgooye]", 25, "E"),
    ("7.5 km (NW) of [Afgooye]", 7.5, "NW"),
    ("12 km north of the town of [Afgooye]", 12, "N"),
    ("12 kms northwards from [Afgooye]", 12, "N"),
    ("à 12 km au nord de [Afgooye]", 12, "N"),
    ("à 12 kilomètres à l'est d'[Afgooye]", 12, "E"),
    ("a 30 km al sur de [Afgooye]", 30, "S"),
    ("30 km from [Afgooye]", 0, ""),
    ("south of [Afgooye]", 0, ""),
    ("near [Afgooye]", 0, ""),
    ("on the outskirts of [Afgooye]", 0, ""),
    ("not far from [Afgooye]", 0, ""),
    ("près de [Afgooye]", 0, ""),
]


@pytest.mark.parametrize(("marked", "km", "where"), RELATIVE)
def test_a_relative_place_is_moved(extractor: Extractor, marked: str, km: float, where: str) -> None:
    (there,) = places(extractor, "in [Afgooye]")
    (near,) = places(extractor, marked)
    assert (near.precision, near.reason, near.geonames_id) == ("district", "relative", there.geonames_id)
    assert None not in (there.lat, there.lon, near.lat, near.lon)
    assert distance_km(there.lat, there.lon, near.lat, near.lon) == pytest.approx(km, rel=0.02, abs=0.05)
    assert ("N" in where, "S" in where) == (near.lat > there.lat + 0.001, near.lat < there.lat - 0.001)
    assert ("E" in where, "W" in where) == (near.lon > there.lon + 0.001, near.lon < there.lon - 0.001)


ROADS = [
    "on the road between [Goma] and [Rutshuru]",
    "on the road from [Goma] to [Rutshuru]",
    "on the highway linking [Goma] with [Rutshuru]",
    "on the [Goma-Rutshuru] road",
    "on the [Goma–Rutshuru road]",
    "on the [Goma - Rutshuru axis]",
    "sur la route de [Goma] à [Rutshuru]",
]


@pytest.mark.parametrize("marked", ROADS)
def test_a_road_lies_between_its_ends(extractor: Extractor, marked: str) -> None:
    goma, rutshuru = places(extractor, "[Goma], [Rutshuru]", country="CD")
    assert None not in (goma.lat, rutshuru.lat, goma.lon, rutshuru.lon)
    for place in places(extractor, marked, country="CD"):
        assert (place.iso2, place.precision, place.reason) == ("CD", "district", "between")
        assert place.lat == pytest.approx((goma.lat + rutshuru.lat) / 2, abs=0.001)
        assert place.lon == pytest.approx((goma.lon + rutshuru.lon) / 2, abs=0.001)


def test_people_who_go_from_one_place_to_another_are_on_no_road(extractor: Extractor) -> None:
    found = places(extractor, "They fled from [Goma] to [Rutshuru].", country="CD")
    assert [p.reason for p in found] == [None, None]


def test_the_ends_of_a_continent_are_no_road(extractor: Extractor) -> None:
    found = places(extractor, "the road between [Goma] and [Cape Town]")
    assert "between" not in [p.reason for p in found]


class Failing(Gazetteer):
    """A gazetteer that cannot read the page that one name is on."""

    def _candidates(self, name: str, country: str | None = None) -> tuple[Candidate, ...]:
        if "Bria" in name:
            raise sqlite3.DatabaseError("database disk image is malformed")
        return super()._candidates(name, country)


def test_a_place_that_fails_does_not_empty_the_others(extractor: Extractor, tmp_path: Path) -> None:
    broken = Extractor()
    broken.__dict__["gazetteer"] = Failing(extractor.gazetteer.path)
    found = places(broken, "from [Goma] to [Bria] and [Bukavu]")
    assert [(p.text, p.iso2, p.reason) for p in found] == [
        ("Goma", "CD", None),
        ("Bria", "CF", "lookup_failed"),
        ("Bukavu", "CD", None),
    ]


def test_a_name_that_is_no_unicode_does_not_empty_the_others(extractor: Extractor) -> None:
    found = places(extractor, "from [Go\ud800ma] to [Bangui]", country="CF")
    assert [p.iso2 for p in found][1:] == ["CF"]


@pytest.mark.parametrize(("name", "reason"), [("Kibumba", "alike"), ("Kirumba", None), ("Goma", None)])
def test_a_place_that_is_only_alike_says_so(extractor: Extractor, name: str, reason: str | None) -> None:
    (place,) = places(extractor, f"in [{name}] today", country="CD")
    assert (place.precision, place.reason) == ("exact", reason)
