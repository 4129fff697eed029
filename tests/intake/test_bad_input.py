"""Bad input, case by case: set aside with its reason, and its good neighbours accepted."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from pipeline.intake import Limits, Row, read_inputs

GOOD = "Armed men took two teachers from the school."
Reader = Callable[..., list[Row]]


def csv_row(cell: str, *, date: str = "2025-02-14", country: str = "ML", language: str = "en") -> str:
    quoted = '"' + cell.replace('"', '""') + '"'
    return (
        f"id,report_date,country,language,text\nok,2025-02-14,ML,en,{GOOD}\nbad,{date},{country},{language},{quoted}\n"
    )


ROWS: dict[str, tuple[str, str]] = {
    "empty text": (csv_row(""), "empty_text"),
    "white space only": (csv_row("   \t "), "empty_text"),
    "punctuation only": (csv_row("... - !!"), "empty_text"),
    "zero-width only": (csv_row("\u200b\u200b"), "empty_text"),
    "a dash for nothing": (csv_row("—"), "empty_text"),
    "text over the limit": (csv_row("word " * 1200), "too_long"),
    "day that does not exist": (csv_row(GOOD, date="2025-02-30"), "bad_date"),
    "month that does not exist": (csv_row(GOOD, date="2025-13-01"), "bad_date"),
    "date in words that is none": (csv_row(GOOD, date="last week"), "bad_date"),
    "date far in the future": (csv_row(GOOD, date="3025-02-14"), "bad_date"),
    "date before memory": (csv_row(GOOD, date="1025-02-14"), "bad_date"),
    "both numbers above twelve": (csv_row(GOOD, date="31/31/2025"), "bad_date"),
    "a number for a date": (csv_row(GOOD, date="123456789"), "bad_date"),
    "unknown country": (csv_row(GOOD, country="Atlantis"), "bad_country"),
    "unknown country code": (csv_row(GOOD, country="XX"), "bad_country"),
    "unknown language": (csv_row(GOOD, language="qqq1"), "bad_language"),
    "hyperlink formula": (csv_row('=HYPERLINK("http://example.org","x")'), "formula"),
    "sum formula": (csv_row("=1+1"), "formula"),
    "command formula": (csv_row("=cmd|' /C calc'!A0"), "formula"),
    "at-sign formula": (csv_row("@SUM(1+1)*cmd|' /C calc'!A0"), "formula"),
    "plus formula": (csv_row("+cmd|' /C calc'!A0"), "formula"),
    "formula behind a space": (csv_row(" =SUM(A1:A9)"), "formula"),
    "reference formula": (csv_row("=Sheet2!A1"), "formula"),
    "escape characters": (csv_row("attack \x1b[2J seen"), "control_characters"),
    "null characters": (csv_row("attack\x00 seen here"), "control_characters"),
    "bell characters": (csv_row("attack\x07 seen here"), "control_characters"),
    "too many cells": (f"id,text\nok,{GOOD}\nbad,They came, they took, they left\n", "ragged_row"),
    "open quote": (f'id,text\nbad,"They came and left\nok,{GOOD}\n', "corrupt"),
    "text after a quote": (f'id,text\nbad,"They came" and left\nok,{GOOD}\n', "corrupt"),
    "replacement characters": (csv_row("\ufffd\ufffd\ufffd attack"), "undecodable"),
}


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_a_bad_row_is_set_aside_and_the_rest_goes_on(case: str, read: Reader) -> None:
    content, reason = ROWS[case]
    rows = read("batch.csv", content)
    assert [row.problem.reason for row in rows if row.problem] == [reason]
    assert [row.candidate.text for row in rows if row.candidate] == [GOOD]
    assert all(row.content for row in rows if row.problem)


JSON_LINES: dict[str, tuple[str, str]] = {
    "broken JSON": ('{"text": "x"', "not_a_record"),
    "a list": ("[1, 2]", "not_a_record"),
    "a number": ("17", "not_a_record"),
    "a string": ('"They came"', "not_a_record"),
    "null": ("null", "not_a_record"),
    "no text key": ('{"id": 1, "narrative": "They came"}', "unknown_columns"),
    "text is a number": ('{"text": 17}', "not_a_record"),
    "text is a list": ('{"text": ["They came"]}', "not_a_record"),
    "text is null": ('{"text": null}', "empty_text"),
    "deep nesting": ("[" * 100_000, "not_a_record"),
    "lone surrogate": ('{"text": "They \\ud800 came"}', "undecodable"),
    "bad date": ('{"text": "They came", "report_date": "tomorrow"}', "bad_date"),
}


@pytest.mark.parametrize("case", JSON_LINES, ids=str)
def test_a_bad_line_is_set_aside_and_the_rest_goes_on(case: str, read: Reader) -> None:
    line, reason = JSON_LINES[case]
    rows = read("batch.jsonl", json.dumps({"text": GOOD}) + "\n" + line + "\n" + json.dumps({"text": GOOD}) + "\n")
    assert [row.problem.reason for row in rows if row.problem] == [reason]
    assert len([row for row in rows if row.candidate]) == 2


def zipped(entries: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def linked() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def encrypted() -> bytes:
    data = bytearray(zipped({"a.txt": GOOD.encode()}))
    for signature, flag_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + flag_at
        data[at] |= 1
    return bytes(data)


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


FILES: dict[str, tuple[str, bytes, str]] = {
    "empty file": ("a.csv", b"", "empty_text"),
    "unknown columns": ("a.csv", b"narrative,when\nThey came,now\n", "unknown_columns"),
    "no header at all": ("a.csv", b"1,2,3\n4,5,6\n", "unknown_columns"),
    "unknown format": ("a.exe", b"MZ\x00", "unknown_format"),
    "a picture": ("a.png", b"\x89PNG\r\n", "unknown_format"),
    "broken JSON": ("a.json", b'[{"text": "x"', "corrupt"),
    "JSON of nothing": ("a.json", b"[]", "not_a_record"),
    "JSON number": ("a.json", b"17", "not_a_record"),
    "Parquet that is none": ("a.parquet", b"PAR1 not really", "corrupt"),
    "workbook that is none": ("a.xlsx", b"this is no workbook", "corrupt"),
    "workbook cut off": ("a.xlsx", workbook(["text"], [GOOD])[:900], "corrupt"),
    "workbook with a password": ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "encrypted"),
    "workbook with a formula": ("a.xlsx", workbook(["text"], ["=1+1"]), "formula"),
    "workbook bomb": ("a.xlsx", zipped({"xl/worksheets/sheet1.xml": b"0" * 60_000_000}), "zip_bomb"),
    "spreadsheet that is none": ("a.ods", zipped({"content.xml": b"<broken"}), "corrupt"),
    "spreadsheet with an entity": (
        "a.ods", zipped({"content.xml": b'<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'}), "corrupt"),
    "document that is none": ("a.docx", b"this is no document", "corrupt"),
    "document without parts": ("a.docx", zipped({"hello.txt": b"x"}), "corrupt"),
    "document bomb": ("a.docx", zipped({"word/document.xml": b"0" * 60_000_000}), "zip_bomb"),
    "PDF that is none": ("a.pdf", b"this is no PDF", "corrupt"),
    "PDF cut off": ("a.pdf", b"%PDF-1.7\n1 0 obj\n<<", "corrupt"),
    "text in no encoding": ("a.txt", b"\xff\xfe\x00", "undecodable"),
    "empty text file": ("a.txt", b"  \n", "empty_text"),
    "empty e-mail": ("a.eml", b"From: a@example.org\n\n\n", "empty_text"),
    "archive that is none": ("a.zip", b"PK not really", "corrupt"),
    "archive with a password": ("a.zip", encrypted(), "encrypted"),
    "archive bomb": ("a.zip", zipped({"a.txt": b"0" * 60_000_000}), "zip_bomb"),
    "path that escapes": ("a.zip", zipped({"../../a.txt": b"x"}), "path_escapes"),
    "absolute path": ("a.zip", zipped({"/etc/a.txt": b"x"}), "path_escapes"),
    "symbolic link inside": ("a.zip", linked(), "symbolic_link"),
    "archive in an archive": ("a.zip", zipped({"b.zip": zipped({"c.txt": b"x"})}), "nested_archive"),
    "unknown format inside": ("a.zip", zipped({"b.exe": b"MZ"}), "unknown_format"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES, ids=str)
def test_a_bad_file_is_one_row_with_its_reason(case: str, read: Reader) -> None:
    name, content, reason = FILES[case]
    rows = read(name, content)
    assert [row.problem.reason if row.problem else "accepted" for row in rows] == [reason]


def test_there_are_sixty_cases() -> None:
    assert len(ROWS) + len(JSON_LINES) + len(FILES) >= 60


def test_bad_files_do_not_stop_the_good_ones(tmp_path: Path) -> None:
    for number, (name, content, _) in enumerate(FILES.values()):
        (tmp_path / f"{number:02}-{name}").write_bytes(content)
    (tmp_path / "zz.txt").write_text(GOOD)
    rows = list(read_inputs([tmp_path], mapping={}, limits=Limits()))
    assert [row.candidate.text for row in rows if row.candidate] == [GOOD]
    assert len(rows) == len(FILES) + 1


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text(GOOD)
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    rows = list(read_inputs([tmp_path], mapping={}, limits=Limits()))
    assert sorted(row.problem.reason if row.problem else "accepted" for row in rows) == ["accepted", "symbolic_link"]


def test_the_message_offers_the_obvious_column(read: Reader) -> None:
    (row,) = read("a.csv", "Narrative,When\nThey came,now\n")
    assert row.problem is not None
    assert "--map text=Narrative" in row.problem.message


def test_a_mapped_column_is_taken(read: Reader) -> None:
    (row,) = read("a.csv", f"Narrative,When\n{GOOD},now\n", text="Narrative")
    assert row.candidate is not None
    assert row.candidate.metadata == {"When": "now"}


def test_old_encodings_are_read(read: Reader) -> None:
    (row,) = read("a.csv", "text\nAttaque à Ménaka: deux enlevés près du marché\n".encode("cp1252"))
    assert row.candidate is not None
    assert "Ménaka" in row.candidate.text


def test_utf_16_is_read(read: Reader) -> None:
    (row,) = read("a.csv", f"text\n{GOOD}\n".encode("utf-16"))
    assert row.candidate is not None
    assert row.candidate.text == GOOD


def test_undecodable_bytes_spoil_their_own_row_only(read: Reader) -> None:
    rows = read("a.csv", "text\nMénaka é à ü\n".encode() + b"Attack \xff\xfe here\n" + "Ménaka à ü é\n".encode())
    assert [row.problem.reason if row.problem else "accepted" for row in rows] == [
        "accepted",
        "undecodable",
        "accepted",
    ]


def test_messages_never_quote_the_text(read: Reader) -> None:
    secret = "Aminata of the third house"
    for case, (content, _) in ROWS.items():
        rows = read("batch.csv", content.replace("attack", secret))
        assert all(secret not in row.problem.message for row in rows if row.problem), case
