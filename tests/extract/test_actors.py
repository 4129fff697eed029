"""Actors: spans, types, roles, known names and numbers, on hand-written cases.

In a case the encoder's piece stands between brackets and the mention that the guide asks for is written out.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.extract import Extractor
from pipeline.extract.actors import find_actors
from pipeline.extract.organisations import load_organisations
from pipeline.report import Actor, Tag


def read(marked: str, *, type_: str | None = None, role: str | None = None, day: date | None = None) -> list[Actor]:
    text, tags = "", []
    for piece in marked.replace("]", "[").split("["):
        start = len(text)
        text += piece
        tags.append((start, len(text)))
    spans = [Tag(a, b, "A", 0.9, type_, 0.9 if type_ else 0.0, role, 0.9 if role else 0.0) for a, b in tags[1::2]]
    return find_actors(text, tags=spans, report_date=day)


SPANS = [
    ("[the police] came", ["police"]),
    ("[The villagers] fled", ["villagers"]),
    ("[A journalist] was held", ["journalist"]),
    ("[an armed man] came", ["armed man"]),
    ("[Some farmers] fled", ["farmers"]),
    ("[these women] fled", ["women"]),
    ("[les soldats] sont venus", ["soldats"]),
    ("[l'armée] est venue", ["armée"]),
    ("[- soldiers] took it", ["soldiers"]),
    ("[* refugees] in need", ["refugees"]),
    ("• [• Residents] of the ravine", ["Residents of the ravine"]),
    ("[residents] of the camp at Bentiu", ["residents of the camp"]),
    ("[Armed men] on motorcycles abducted two", ["Armed men on motorcycles"]),
    ("[gang] in green caps", ["gang in green caps"]),
    ("[hooded men] in two unmarked Hilux", ["hooded men in two unmarked Hilux"]),
    ("[soldiers] in the town", ["soldiers"]),
    ("[people] of the ruling party came", ["people of the ruling party"]),
    ("[Soldiers guarding] the bridge", ["Soldiers"]),
    ("[the ministry’s] car", ["ministry"]),
    ('["gunmen"] came', ["gunmen"]),
    ("[(gunmen)] came", ["gunmen"]),
    ("[gunmen,] they said", ["gunmen"]),
    ("[gunmen.] Then calm", ["gunmen"]),
    ("[8am gunmen] came", ["gunmen"]),
    ("[06:15 gunmen] came", ["gunmen"]),
    ("[soldiers who took part] left", ["soldiers"]),
    ("[people who] fled", ["people"]),
    ("[a woman whose husband died] fled", ["woman"]),
    ("[women in] the camp", ["women"]),
    ("[members of the] group", ["members"]),
    ("they met [nineteen people]", ["nineteen people"]),
    ("[gun]men came", ["gunmen"]),
    ("sol[diers] came", ["soldiers"]),
    ("forty-[four members] left", ["forty-four members"]),
    ("[joint fact-][finding group] came", ["joint fact-finding group"]),
    ("[Northern] [Accord] came", ["Northern Accord"]),
    ("[fighters] of [the Accord] came", ["fighters of the Accord"]),
    ("[Mothers] for [Justice] said", ["Mothers for Justice"]),
    ("[Front]'s [fighters] came", ["Front's fighters"]),
    ("the [Pacific Bloc] of the Dawn came", ["Pacific Bloc of the Dawn"]),
    ("the [Ministry] for Women came", ["Ministry for Women"]),
    ("the [Movement] for Democratic Change met", ["Movement for Democratic Change"]),
    (
        "the [Office of the High Commissioner] for Human Rights said",
        ["Office of the High Commissioner for Human Rights"],
    ),
    ("the [Front] for the Return of Exiles came", ["Front for the Return of Exiles"]),
    ("a [spokesman] for [UNHCR] said", ["spokesman for UNHCR"]),
    ("the [Forum for a New Dawn] met", ["Forum for a New Dawn"]),
    ("the [commissioner for refugees] came", ["commissioner for refugees"]),
    ("the [ministry] for [women] said", ["ministry for women"]),
    ("the [ministry for three days] was closed", ["ministry"]),
    ("the [militia for two days] held it", ["militia"]),
    ("[soldiers] for three hours held it", ["soldiers"]),
    ("[soldiers for 36 hours] held it", ["soldiers"]),
    ("a [spokesman] for the [victims] said", ["spokesman", "victims"]),
    ("a [spokesman for the victims] said", ["spokesman"]),
    ("the [police] for Friday's march", ["police"]),
    ("the [army for an escort] asked", ["army"]),
    ("the [mayor for] a delay", ["mayor"]),
    ("[prosecutors] for [their] patience", ["prosecutors", "their"]),
    ("the [Ministry of Labour] for an inspection", ["Ministry of Labour"]),
    ("[abductors] for the Tsafe girls", ["abductors"]),
    ("[30],700 [people] fled", ["30,700 people"]),
    ("some 2,[300 inhabitants] fled", ["2,300 inhabitants"]),
    ("some four [hundred residents] fled", ["four hundred residents"]),
    ("the [police] inspector came", ["police inspector"]),
    ("[refugee] leaders met", ["refugee leaders"]),
    ("[women] and girls fled", ["women and girls"]),
    ("women and [children] fled", ["women and children"]),
    ("[women] and soldiers came", ["women"]),
    ("[men] with rifles came", ["men with rifles"]),
    ("[men] with families came", ["men"]),
    ("some Nigerian [refugees] came", ["Nigerian refugees"]),
    ("Mozambican and Rwandan [forces] came", ["Mozambican and Rwandan forces"]),
    ("the Azerbaijani [special forces] came", ["Azerbaijani special forces"]),
    ("in Syria [refugees] came", ["refugees"]),
    ("the [Committee] of Elders came", ["Committee of Elders"]),
    ("the Joint Truce [Committee] came", ["Joint Truce Committee"]),
    ("the Bright Hills [Circle] met", ["Bright Hills Circle"]),
    ("UN [Agencies] met", ["UN Agencies"]),
    ("On Friday [Police] came", ["Police"]),
    ("In March [Police] came", ["Police"]),
    ("the [Northern] Accord came", ["Northern Accord"]),
    ("the media [outlets] closed", ["media outlets"]),
    ("unidentified [gunmen] came", ["unidentified gunmen"]),
    ("unknown armed [men] came", ["unknown armed men"]),
    ("the electoral [commission] met", ["electoral commission"]),
    ("the [child] soldiers fled", ["child soldiers"]),
    ("displaced [families] fled", ["displaced families"]),
    ("[police and protesters] clashed", ["police", "protesters"]),
    ("[soldiers and villagers] fled", ["soldiers", "villagers"]),
    ("[the soldiers and the villagers] fled", ["soldiers", "villagers"]),
    ("[women and children] fled", ["women and children"]),
    ("[security and defence forces] came", ["security and defence forces"]),
    ("[armed men on motorcycles] came", ["armed men on motorcycles"]),
    ("[residents of the camp] fled", ["residents of the camp"]),
    ("[police] met [police]", ["police", "police"]),
    ("[GUNMEN] CAME", ["GUNMEN"]),
    ("They launched [7] Shahed drones", []),
    ("[Armed] clashes were reported", []),
    ("They raided Jenin [refugee camp]", []),
    ("[residents of the refugee camp] fled", ["residents of the refugee camp"]),
    # what carries or counts them
    ("a lorry of the [Open Sky Relief] came", ["Open Sky Relief"]),
    ("[A lorry of the Open Sky Relief] came", ["Open Sky Relief"]),
    ("[convoy of sector 3 troops] came", ["sector 3 troops"]),
    ("[elements of the Valley Defence Committee] came", ["Valley Defence Committee"]),
    ("a [column of the same Brigade of the Wells] came", ["Brigade of the Wells"]),
    ("a [column of some sixty armed men] came", ["sixty armed men"]),
    ("the [artillery of the Shield Forces] fired", ["Shield Forces"]),
    ("a [total of 297 children] fled", ["297 children"]),
    ("the human [rights of detainees]", ["detainees"]),
    ("[House of Independent Radio] said", ["House of Independent Radio"]),
    ("[members of the Column] came", ["members of the Column"]),
    # what is theirs
    ("the [UNHCR sub-office] met", ["UNHCR"]),
    ("[WFP food assistance] ended", ["WFP"]),
    ("[Army helicopters] came", ["Army"]),
    ("the [army's garrison] fired", ["army"]),
    ("the [prosecutor's count] is nine", ["prosecutor"]),
    ("the [Legal Aid Post] met", ["Legal Aid Post"]),
    ("the [prosecutor's office] met", ["prosecutor's office"]),
    # determiners, connectives, times
    ("[our teams] met", ["teams"]),
    ("the [same army patrol] came", ["army patrol"]),
    ("[are schoolgirls] there", ["schoolgirls"]),
    ("[with two lorries of soldiers] there", ["two lorries of soldiers"]),
    ("[262320C Coast Giants] reply", ["Coast Giants"]),
    ("until May[, 30,700 people] fled", ["30,700 people"]),
    # verbs and adverbs after them
    ("[Police watch] the bridge", ["Police"]),
    ("the [Legal League deplores] the sentence", ["Legal League"]),
    ("[FARDC recruited] or used them", ["FARDC"]),
    ("a [Church entity] that met", ["Church entity"]),
    ("the [army officers] the next day", ["army officers"]),
    ("the [officers there] came", ["officers"]),
    ("the [constables on duty] came", ["constables"]),
    # the phrase began earlier
    ("the duty [nurse] came", ["duty nurse"]),
    ("an old [man] came", ["old man"]),
    ("three banana [farmers] came", ["banana farmers"]),
    ("the election [office] met", ["election office"]),
    ("the de [facto authorities] met", ["de facto authorities"]),
    ("six cases [courts] ordered", ["courts"]),
    ("the forty-four [members of the Guard] came", ["members of the Guard"]),
    ("that week the [police] came", ["police"]),
    ("the day [police] came", ["police"]),
    ("activists alleged [security authorities] came", ["security authorities"]),
    ("the alleged [kidnappers] came", ["alleged kidnappers"]),
    # a name after what it is
    ("[gang Lanmè Wouj] came", ["Lanmè Wouj"]),
    ("[Rival groups Heirs of the Reef] came", ["Heirs of the Reef"]),
    ("[groups of youths] came", ["groups of youths"]),
    # two bodies
    ("the [Pardon Commission (PPC]) met", ["Pardon Commission", "PPC"]),
    ("[Taliban and Afghan National Security Forces] met", ["Taliban", "Afghan National Security Forces"]),
    ("[Friends of Wells and DAWN] met", ["Friends of Wells", "DAWN"]),
    ("the [Ministry of Health and Sports] met", ["Ministry of Health and Sports"]),
    ("the [Northern Accord] came; the Northern Accord left", ["Northern Accord", "Northern Accord"]),
    ("the [police] came; police left", ["police"]),
]


@pytest.mark.parametrize(("marked", "mentions"), SPANS, ids=[c[0] for c in SPANS])
def test_a_mention_is_the_noun_phrase_without_its_article(marked: str, mentions: list[str]) -> None:
    assert [a.text for a in read(marked)] == mentions


TYPES = [
    ("government soldiers", "state_forces"),
    ("gendarmes", "state_forces"),
    ("presidential guard", "state_forces"),
    ("riot police", "police"),
    ("prison guards", "police"),
    ("masked gunmen", "non_state_armed_group"),
    ("armed men on motorcycles", "non_state_armed_group"),
    ("fighters of the Front", "non_state_armed_group"),
    ("members of a militia", "non_state_armed_group"),
    ("UN patrol", "peacekeepers"),
    ("peacekeepers", "peacekeepers"),
    ("aid workers", "ngo"),
    ("Red Cross", "ngo"),
    ("women's association", "ngo"),
    ("district governor", "government"),
    ("local authorities", "government"),
    ("residents of the camp", "civilians"),
    ("thirty families", "civilians"),
    ("people who fled", "civilians"),
    ("two journalists", "media"),
    ("high court", "judiciary"),
    ("prosecutor", "judiciary"),
    ("mining company", "other"),
    ("something unheard of", "other"),
]


@pytest.mark.parametrize(("surface", "type_"), TYPES)
def test_the_head_noun_tells_the_type(surface: str, type_: str) -> None:
    assert [a.type for a in read(f"[{surface}] there")] == [type_]


@pytest.mark.parametrize(
    ("marked", "score", "role"),
    [
        ("Two herders were shot dead near the well by [men] there.", 0.8, "perpetrator"),
        ("According to [villagers] it burnt.", 0.8, "source"),
        ("One drone, reported by [villagers] as hostile, fell.", 0.8, "source"),
        ("Two herders were shot by [men] there.", 0.95, "victim"),
        ("The road was mended by [men] there.", 0.8, "victim"),
    ],
)
def test_plain_words_before_a_mention_outdo_an_encoder_that_is_not_sure(marked: str, score: float, role: str) -> None:
    start, end = marked.index("["), marked.index("]") - 1
    tag = Tag(start, end, "A", 0.9, "civilians", 0.9, "victim", score)
    assert [a.role for a in find_actors(marked.replace("[", "").replace("]", ""), tags=[tag])] == [role]


ROLES = [
    ("According to [residents], it burnt.", "source"),
    ("[Residents] said it burnt.", "source"),
    ("[A witness] told us so.", "source"),
    ("Two were shot by [gunmen].", "perpetrator"),
    ("[Gunmen] attacked the market.", "perpetrator"),
    ("[Soldiers] opened fire on them.", "perpetrator"),
    ("[Police] detained him.", "perpetrator"),
    ("[Farmers] were killed at dawn.", "victim"),
    ("[Two traders] were abducted.", "victim"),
    ("[Families] fled at night.", "victim"),
    ("[The committee] met.", "other"),
]


@pytest.mark.parametrize(("marked", "role"), ROLES)
def test_the_sentence_tells_the_role_where_the_encoder_does_not(marked: str, role: str) -> None:
    assert [a.role for a in read(marked)] == [role]


@pytest.mark.parametrize(
    ("surface", "type_"),
    [
        ("three members of the ELN", "non_state_armed_group"),
        ("Sgt. Deng of the SSPDF", "state_forces"),
        ("members of MSF", "ngo"),
        ("victims of the ELN", "civilians"),
        ("members of the village choir", "civilians"),
    ],
)
def test_members_are_of_the_type_of_their_organisation(surface: str, type_: str) -> None:
    assert [a.type for a in read(f"[{surface}] there", type_="civilians")][:1] == [type_]


def test_a_camp_that_was_taken_for_its_people_is_a_place() -> None:
    text = "Forces raided Jenin refugee camp and Ain al-Hilweh. The residents of Jenin refugee camp fled."
    tags = [Tag(14, 19, "A", 0.5), Tag(20, 32, "A", 0.9), Tag(56, 87, "A", 0.9)]
    found = Extractor().extract_one(text, tags=tags)
    assert [p.text for p in found.places] == ["Jenin refugee camp"]
    assert [a.text for a in found.actors] == ["residents of Jenin refugee camp"]


def test_a_known_name_that_was_taken_for_a_date_is_an_actor() -> None:
    text = "Seven men were held by M23 in Kibumba."
    tags = [Tag(0, 9, "A", 0.9), Tag(23, 26, "D", 0.6), Tag(30, 37, "P", 0.9)]
    assert [a.text for a in find_actors(text, tags=tags)] == ["Seven men", "M23"]


def test_a_mention_holds_no_part_of_a_date() -> None:
    text = "Last week police fired; the rebels last Monday left."
    tags = [Tag(5, 16, "A", 0.9), Tag(28, 39, "A", 0.9)]
    found = Extractor().extract_one(text, tags=tags, report_date=date(2025, 2, 14))
    assert [a.text for a in found.actors] == ["police", "rebels"]


def test_a_sure_encoder_tells_type_and_role() -> None:
    (actor,) = read("[the Circle] met", type_="ngo", role="victim")
    assert (actor.type, actor.role) == ("ngo", "victim")


NAMES = [
    ("UNHCR", "United Nations High Commissioner for Refugees"),
    ("the UN", "United Nations"),
    ("U.N.", "United Nations"),
    ("WHO", "World Health Organization"),
    ("CICR", "International Committee of the Red Cross"),
    ("Medecins Sans Frontieres", "Médecins Sans Frontières"),
    ("HUMAN RIGHTS WATCH", "Human Rights Watch"),
    ("MINUSMA", "United Nations Multidimensional Integrated Stabilization Mission in Mali"),
    ("armed men", None),
    ("who", None),
]


@pytest.mark.parametrize(("surface", "name"), NAMES)
def test_a_known_name_has_its_entity(surface: str, name: str | None) -> None:
    known = load_organisations().named(surface)
    assert (known.name if known else None) == name


def test_a_name_that_two_bear_is_told_apart_by_type_country_or_date() -> None:
    lexicon = load_organisations()
    assert lexicon.named("RSF") is None
    assert lexicon.named("RSF", type_="ngo", day=date(2025, 2, 14)) == lexicon.named("Reporters Without Borders")
    found = lexicon.named("RSF", country="SD", day=date(2025, 2, 14))
    assert found is not None
    assert found.type == "non_state_armed_group"
    assert lexicon.named("AFP", country="PH", day=date(2025, 2, 14)) == lexicon.named("Armed Forces of the Philippines")


def test_a_lexicon_with_an_unknown_key_or_parent_is_refused(tmp_path: Path) -> None:
    for line in ('colour = "red"', 'parent = "Nobody"', 'since = "last year"'):
        path = tmp_path / f"{line[:5]}.toml"
        path.write_text(f'[[organisation]]\nname = "Circle"\ntype = "ngo"\n{line}\n', encoding="utf-8")
        with pytest.raises(ConfigurationError, match="Circle"):
            load_organisations(path)


NUMBERS = [
    ("[seven farmers] fled", (7, 7)),
    ("seven [farmers] fled", (7, 7)),
    ("at least 20 [people] fled", (20, None)),
    ("[at least 20 people] fled", (20, None)),
    ("at least [20 people] fled", (20, None)),
    ("up to 30 [fighters] came", (0, 30)),
    ("10 to 12 [gunmen] came", (10, 12)),
    ("between 10 and 12 [gunmen] came", (10, 12)),
    ("some 1,213 [families] fled", (1213, 1213)),
    ("two hundred [refugees] fled", (200, 200)),
    ("twenty-five [students] fled", (25, 25)),
    ("hundreds of [protesters] came", (200, None)),
    ("tens of thousands of [people] fled", (20_000, None)),
    ("up to hundreds of [people] fled", (None, None)),
    ("several [people] fled", (None, None)),
    ("In June 2024 [villagers] fled", (None, None)),
    ("the [villagers] fled", (None, None)),
    ("seven [committee]", (None, None)),
]


@pytest.mark.parametrize(("marked", "number"), NUMBERS)
def test_a_number_belongs_to_its_actor(marked: str, number: tuple[int | None, int | None]) -> None:
    assert [(a.low, a.high) for a in read(marked)] == [number]


@given(
    st.text(alphabet="aAbs.-–' \n[1of", max_size=50),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=5),
)
def test_mentions_index_the_text_and_never_overlap(text: str, bounds: list[tuple[int, int]]) -> None:
    tags = [Tag(a, b, "A", 0.9) for a, b in bounds if a < b <= len(text)]
    actors = find_actors(text, tags=tags)
    assert all(text[a.start : a.end] == a.text and a.text for a in actors)
    assert all(a.end <= b.start for a, b in pairwise(actors))
