"""The gazetteer's file: imported from a dump, stopped and gone on with, enlarged by own places, searched."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA
from typer.testing import CliRunner

from flows.cli import app
from pipeline.errors import ConfigurationError, OperatorError
from pipeline.extract.gazetteer import Gazetteer, file, geonames
from pipeline.extract.gazetteer.geonames import import_geonames
from pipeline.extract.gazetteer.local import add_places, read_places
from pipeline.extract.names import sound_key


def row(
    ident: int, name: str, *, others: str = "", feature: str = "P.PPL", iso2: str = "ML", population: int = 0
) -> str:
    class_, code = feature.split(".")
    return "\t".join(
        [str(ident), name, name, others, "14.5", "-3.5", class_, code, iso2, "", "04", "", "", "", str(population), "", "",
         "Africa/Bamako", "2025-01-01"]
    )  # fmt: skip


ROWS = [
    row(101, "Village One", others="Dugu Kelen,قرية"),
    row(102, "Village One", iso2="NE", population=5_000),
    row(103, "Cercle Test", feature="A.ADM2"),
    row(2453866, "Republic of Mali", feature="A.PCLI", population=19_000_001),
    row(105, "Test Wadi", feature="H.WAD"),
    row(106, "Railway Test", feature="X.RR"),
]


def dump(folder: Path, rows: Iterable[str] = ROWS, name: str = "allCountries.txt") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in rows), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def few_divisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the 5,000 subdivisions of the world, which are tested with the built-in gazetteer."""
    mali = file.Entry(2453866, "Mali", "country", "", "ML", None, None, None, 19_000_000)
    monkeypatch.setattr(geonames, "divisions", lambda: iter([mali]))


def test_a_dump_becomes_places_with_all_their_names(tmp_path: Path) -> None:
    done = import_geonames(dump(tmp_path), out=tmp_path / "g.sqlite")
    gazetteer = Gazetteer(tmp_path / "g.sqlite")
    assert (done.places, done.bad_lines) == (5, 0)  # the country once, and what is of no class we read not at all
    assert [(c.geonames_id, c.iso2) for c in gazetteer.candidates("village one")] == [(102, "NE"), (101, "ML")]
    assert [c.geonames_id for c in gazetteer.candidates("Dugu-Kelen")] == [101]
    assert [c.geonames_id for c in gazetteer.candidates("قرية")] == [101]
    assert [(c.kind, c.feature) for c in gazetteer.candidates("Cercle Test")] == [("district", "A.ADM2")]
    assert [(c.kind, c.lat) for c in gazetteer.candidates("Mali")] == [("country", 14.5)]
    assert gazetteer.candidates("Railway Test") == ()


def test_alternate_names_come_from_their_own_table(tmp_path: Path) -> None:
    names = ["1\t101\tbm\tDuguba", "2\t101\tlink\thttps://example.org/", "3\t999\tfr\tNulle Part", "4\t105\tfr\tOued"]
    table = dump(tmp_path, names, "alternateNamesV2.txt")
    import_geonames(dump(tmp_path), out=tmp_path / "g.sqlite", alternates=table)
    gazetteer = Gazetteer(tmp_path / "g.sqlite")
    assert [(c.geonames_id, c.is_main) for c in gazetteer.candidates("Duguba")] == [(101, False)]
    assert gazetteer.candidates("Nulle Part") == ()


def test_archives_are_read_and_their_readme_is_not(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ML.zip", "w") as archive:
        archive.writestr("readme.txt", "Readme")
        archive.writestr("ML.txt", "\n".join(ROWS))
    assert import_geonames(tmp_path / "ML.zip", out=tmp_path / "g.sqlite").places == 5


def test_only_the_countries_asked_for(tmp_path: Path) -> None:
    assert import_geonames(dump(tmp_path), out=tmp_path / "g.sqlite", countries=["NE"]).places == 2


class Killed(BaseException):
    """A kill, as seen from inside."""


@pytest.mark.parametrize("lines", [0, 1, 4, 9, 12, 19])
def test_an_import_that_is_stopped_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(file, "CHUNK", 3)
    whole = dump(tmp_path, [row(100 + i, f"Place {i}", others=f"Other {i}", population=i) for i in range(20)])
    names = dump(tmp_path, [f"{i}\t{100 + i}\tfr\tLieu {i}" for i in range(20)], "alternateNamesV2.txt")
    import_geonames(whole, out=tmp_path / "unstopped.sqlite", alternates=names)

    read, left = geonames._is_name if lines % 2 else geonames._is_place, lines
    taken: list[int] = []

    def stop(fields: list[str]) -> bool:
        if len(taken) == left:
            raise Killed
        taken.append(1)
        return read(fields)

    with monkeypatch.context() as stopping:
        stopping.setattr(geonames, read.__name__, stop)
        with pytest.raises(Killed):
            import_geonames(whole, out=tmp_path / "g.sqlite", alternates=names)
    assert not (tmp_path / "g.sqlite").exists()

    again: list[int] = []
    with monkeypatch.context() as counting:
        counting.setattr(geonames, read.__name__, lambda fields: again.append(1) or read(fields))
        import_geonames(whole, out=tmp_path / "g.sqlite", alternates=names)
    assert len(again) == 20 - lines // 3 * 3  # what was committed is not read again
    for table in ("place", "name", "sound"):
        assert content(tmp_path / "g.sqlite", table) == content(tmp_path / "unstopped.sqlite", table)
    assert not list(tmp_path.glob("*.partial"))


def content(path: Path, table: str) -> list[tuple[object, ...]]:
    return sorted(sqlite3.connect(path).execute(f"SELECT * FROM {table}").fetchall())


def test_an_unfinished_import_of_something_else_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as stopping:
        stopping.setattr(file.GazetteerWriter, "finish", lambda self: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            import_geonames(dump(tmp_path), out=tmp_path / "g.sqlite")
    other = dump(tmp_path, [row(7, "Elsewhere")], "NE.txt")
    assert import_geonames(other, out=tmp_path / "g.sqlite").places == 2


def test_two_imports_at_once_do_not_mix(tmp_path: Path) -> None:
    with (
        file.GazetteerWriter(tmp_path / "g.sqlite", inputs="one"),
        pytest.raises(OperatorError, match="is another import at work"),
    ):
        import_geonames(dump(tmp_path), out=tmp_path / "g.sqlite")


def test_some_bad_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = [*ROWS, "x\ty", row(108, "Nowhere").replace("14.5", "north"), row(109, "Somewhere")]
    done = import_geonames(dump(tmp_path, lines), out=tmp_path / "g.sqlite")
    assert (done.places, done.bad_lines) == (6, 2)
    assert done.first_bad == ("allCountries.txt: line 7", "allCountries.txt: line 8")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["name,lat,lon"], "no GeoNames table of 19 columns, see line 1"),
        ([*ROWS, *["x"] * 11], "no GeoNames table of 19 columns, see line 17"),
        ([], "the file is empty"),
    ],
)
def test_a_file_that_is_no_dump_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        import_geonames(dump(tmp_path, lines), out=tmp_path / "g.sqlite")
    assert not (tmp_path / "g.sqlite").exists()


def test_archives_that_are_none_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "ML.zip"
    broken.write_bytes(b"PK no archive")
    with pytest.raises(ConfigurationError, match="damaged"):
        import_geonames(broken, out=tmp_path / "g.sqlite")
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(ConfigurationError, match="no GeoNames table in this archive"):
        import_geonames(broken, out=tmp_path / "g.sqlite")
    with pytest.raises(ConfigurationError, match="no such file"):
        import_geonames(tmp_path / "none.txt", out=tmp_path / "g.sqlite")


def test_a_file_that_is_no_gazetteer_is_refused(tmp_path: Path) -> None:
    path = dump(tmp_path, ["no database, but long enough to look like one" * 20])
    with pytest.raises(ConfigurationError, match="is no gazetteer"):
        Gazetteer(path)
    sqlite3.connect(tmp_path / "old.sqlite").execute("PRAGMA user_version = 3")
    (tmp_path / "old.sqlite").touch()
    with pytest.raises(ConfigurationError, match=r"format \d, this version reads format"):
        Gazetteer(tmp_path / "old.sqlite")


def test_of_a_common_name_those_in_the_country_are_found(tmp_path: Path) -> None:
    lines = [row(1000 + i, "San Pedro", iso2="MX", population=1000 + i) for i in range(200)]
    import_geonames(dump(tmp_path, [*lines, row(1, "San Pedro", iso2="BO", population=3)]), out=tmp_path / "g.sqlite")
    gazetteer = Gazetteer(tmp_path / "g.sqlite")
    assert 1 not in [c.geonames_id for c in gazetteer.candidates("San Pedro")]
    assert 1 in [c.geonames_id for c in gazetteer.candidates("San Pedro", "BO")]


def test_words_of_a_name_find_it(tmp_path: Path) -> None:
    import_geonames(dump(tmp_path), out=tmp_path / "g.sqlite")
    gazetteer = Gazetteer(tmp_path / "g.sqlite")
    assert [c.geonames_id for c in gazetteer.search("one vil")] == [102, 101]
    assert gazetteer.search(" ") == gazetteer.search('"*') == ()


OWN = "name,lat,lon,country,kind,names,population\nCamp Test,14.25,-3.75,ml,place,Kampo; Camp T,\nFront Line 7,15,-2,,,,\n"


def test_own_places_are_added_once(tmp_path: Path) -> None:
    table, base = tmp_path / "own.csv", tmp_path / "50% #1?.sqlite"
    table.write_text(OWN + OWN.splitlines()[-1] + "\n", encoding="utf-8")  # the last line twice
    import_geonames(dump(tmp_path), out=base)
    for _ in range(2):
        assert add_places(table, base=base, out=base) == 2
        gazetteer = Gazetteer(base)
        for name in ("camp test", "Kampo", "Camp T", "Kamp Test"):
            assert [(c.name, c.iso2, c.lat) for c in gazetteer.candidates(name)] == [("Camp Test", "ML", 14.25)]
        assert [c.name for c in gazetteer.search("front")] == ["Front Line 7"]
        assert gazetteer.country_at(14.3, -3.7) == "ML"


def test_own_places_come_with_an_import_too(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("name,lat,lon,geonames_id\nVillage Uno,1,2,101\n", encoding="utf-8")
    import_geonames(dump(tmp_path), out=tmp_path / "g.sqlite", local=table)
    assert Gazetteer(tmp_path / "g.sqlite").candidates("Village Uno")[0].geonames_id == 101


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,lat\nA,1\n", "the column lon is missing"),
        ("name,lat,lon,size\nA,1,2,3\n", "no column size is known"),
        ("name,lat,lon\nA,91,2\n", r":2: lat is a number from -90 to 90"),
        ("name,lat,lon\nA,1,x\n", r":2: lon is a number from -180 to 180"),
        ("name,lat,lon\n ,1,2\n", r":2: the name is missing"),
        ("name,lat,lon,country\nA,1,2,Mali\n", r":2: country is an ISO code"),
        ("name,lat,lon,kind\nA,1,2,camp\n", r":2: kind is place or district"),
        ("", "the column name is missing"),
    ],
)
def test_a_wrong_table_of_own_places_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    table = tmp_path / "own.csv"
    table.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        list(read_places(table))


@given(st.text("abdeiklmnorstu", min_size=7, max_size=12), st.data())
def test_one_slip_in_a_name_is_forgiven(name: str, data: st.DataObject) -> None:
    """Whatever letter is lost, added, changed or swapped after the first, as long as the sound is one slip away."""
    at = data.draw(st.integers(1, len(name) - 2))
    letter = data.draw(st.sampled_from("abdeiklmnorstu"))
    slip = data.draw(
        st.sampled_from(
            [name[:at] + name[at + 1 :], name[:at] + letter + name[at:], name[:at] + letter + name[at + 1 :],
             name[:at] + name[at + 1] + name[at] + name[at + 2 :]]
        )
    )  # fmt: skip
    sounds = sound_key(name), sound_key(slip)
    if OSA.distance(*sounds) != 1 or sounds[0][0] != sounds[1][0] or len(sounds[1]) < 5:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "g.sqlite"
        with file.GazetteerWriter(path, inputs="one place") as writer:
            writer.add([(file.Entry(1, name, "place", "", None, None, None, None, 0), 0)], step="places")
            writer.finish()
        assert [c.geonames_id for c in Gazetteer(path).candidates(slip)] == [1]


def test_the_commands_import_add_and_find(tmp_path: Path) -> None:
    runner, out = CliRunner(), str(tmp_path / "g.sqlite")
    (tmp_path / "own.csv").write_text(OWN, encoding="utf-8")
    done = runner.invoke(app, ["gazetteer", "import", str(dump(tmp_path)), "--out", out, "--json"])
    assert json.loads(done.stdout)["places"] == 5
    added = runner.invoke(app, ["gazetteer", "add", str(tmp_path / "own.csv"), "--base", out, "--out", out, "--json"])
    assert json.loads(added.stdout)["added"] == 2
    found = runner.invoke(app, ["gazetteer", "find", "Kampo", "--gazetteer", out, "--json"])
    assert [c["name"] for c in json.loads(found.stdout)] == ["Camp Test"]
    assert "Front Line 7" in runner.invoke(app, ["gazetteer", "find", "Line Fro", "--gazetteer", out]).stdout
