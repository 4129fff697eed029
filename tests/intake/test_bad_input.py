"""Bad input, case by case: set aside with its reason, and its good neighbours accepted."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.intake import Limits, Row, encoding, read_inputs
from tests.intake.files import (
    ENTITIES,
    GOOD,
    HEADER_ROW,
    TEXT_CELL,
    encrypted,
    linked,
    lying,
    ods_row,
    overlong_directory,
    pdf,
    sheet,
    spreadsheet,
    workbook,
    zipped,
)  # fmt: skip

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
    "replacement characters only": (csv_row("\ufffd\ufffd\ufffd"), "undecodable"),
    "a word for nothing": (csv_row("N/A"), "empty_text"),
    "what pandas writes for nothing": (csv_row("nan"), "empty_text"),
    "a formula that failed": (csv_row("#REF!"), "formula"),
    "absolute reference": (csv_row("=$A$1&B2"), "formula"),
    "quoted sheet reference": (csv_row("='My sheet'!A1"), "formula"),
    "text formula": (csv_row('="They came"&A1'), "formula"),
    "array formula": (csv_row("={1,2,3}"), "formula"),
    "exchange formula": (csv_row("MSEXCEL|'\\..\\cmd.exe'!A1"), "formula"),
    "minus formula": (csv_row("-2+3+cmd|' /C calc'!A0"), "formula"),
    "delete characters": (csv_row("attack\x7f seen"), "control_characters"),
    "29 February of no leap year": (csv_row(GOOD, date="29/02/2025"), "bad_date"),
    "two dates": (csv_row(GOOD, date="2025-02-14 to 2025-02-16"), "bad_date"),
    "a month only": (csv_row(GOOD, date="February 2025"), "bad_date"),
    "an empty date of databases": (csv_row(GOOD, date="0000-00-00"), "bad_date"),
    "a word beside a date": (csv_row(GOOD, date="2025-02-14x"), "bad_date"),
    "two countries": (csv_row(GOOD, country="Mali/Niger"), "bad_country"),
    "two languages": (csv_row(GOOD, language="English and French"), "bad_language"),
    "a line without an end": (csv_row("x" * 9_000_000), "too_large"),
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
    "escaped null": ('{"text": "They \\u0000 came"}', "control_characters"),
    "a number without end": ('{"text": "x", "id": ' + "9" * 6000 + "}", "not_a_record"),
    "two objects on a line": ('{"text": "They came"} {"text": "They left"}', "not_a_record"),
    "text in an object": ('{"text": {"en": "They came"}}', "not_a_record"),
    "single quotes": ("{'text': 'They came'}", "not_a_record"),
    "line over the limit": ('{"text": "' + "x" * 9_000_000 + '"}', "too_large"),
    "half an emoji": ('{"text": "They came \\ud83d"}', "undecodable"),
}


@pytest.mark.parametrize("case", JSON_LINES, ids=str)
def test_a_bad_line_is_set_aside_and_the_rest_goes_on(case: str, read: Reader) -> None:
    line, reason = JSON_LINES[case]
    rows = read("batch.jsonl", json.dumps({"text": GOOD}) + "\n" + line + "\n" + json.dumps({"text": GOOD}) + "\n")
    assert [row.problem.reason for row in rows if row.problem] == [reason]
    assert len([row for row in rows if row.candidate]) == 2


FILES: dict[str, tuple[str, bytes, str]] = {
    "empty file": ("a.csv", b"", "empty_text"),
    "unknown columns": ("a.csv", b"narrative,when\nThey came,now\n", "unknown_columns"),
    "two columns of text": ("a.csv", b"id,text,date,Text\n1,They came,,They left\n", "unknown_columns"),
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
    "empty archive": ("a.zip", zipped({}), "empty_text"),
    "header without rows": ("a.csv", b"id,text\n", "empty_text"),
    "workbook without rows": ("a.xlsx", workbook(), "empty_text"),
    "JSON Lines of blank lines": ("a.jsonl", b"\n\n", "empty_text"),
    "picture that is called a table": ("a.csv", b"\x89PNG\r\n\x1a\n\0\0", "unknown_format"),
    "workbook that is called a table": ("a.csv", workbook(["text"], [GOOD]), "unknown_format"),
    "PDF that is called a text": ("a.txt", pdf(GOOD), "unknown_format"),
    "reports without a header": ("a.csv", f"{GOOD}\n".encode(), "unknown_columns"),
    "millions of columns": ("a.csv", b"," * 5_000_000 + b"text\n", "unknown_columns"),
    "one long line": ("a.csv", b"x" * 9_000_000, "too_large"),
    "array that ends early": ("a.json", b'[{"text": ', "corrupt"),
    "array without end": ("a.json", b"[" * 500_000, "corrupt"),
    "bare words": ("a.json", b"They came at dawn", "corrupt"),
    "object without text": ("a.json", b'{"a": 1}', "unknown_columns"),
    "workbook of the nineties": (
        "a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "corrupt"),
    "workbook with a failed formula": ("a.xlsx", sheet(HEADER_ROW + '<row><c t="e"><v>#REF!</v></c></row>'), "formula"),
    "workbook with a shared formula": (
        "a.xlsx", sheet(HEADER_ROW + '<row><c t="str"><f t="shared" si="0"/><v>x</v></c></row>'), "formula"),
    "workbook with entities": ("a.xlsx", zipped({"xl/workbook.xml": ENTITIES}), "corrupt"),
    "row number beyond any sheet": (
        "a.xlsx", sheet('<row r="99999999999">' + TEXT_CELL.format("text") + "</row>"), "corrupt"),
    "more cells than a row can hold": ("a.xlsx", sheet("<row>" + "<c/>" * 20_000 + "</row>"), "corrupt"),
    "workbook without its sheet": ("a.xlsx", zipped({"xl/workbook.xml": b"<workbook/>"}), "corrupt"),
    "spreadsheet with a password": (
        "a.ods", spreadsheet("", manifest="<manifest><encryption-data/></manifest>"), "encrypted"),
    "row repeated without end": (
        "a.ods", spreadsheet(ods_row("text") + ods_row("They came", repeated=10**9)), "zip_bomb"),
    "spreadsheet with entities": ("a.ods", zipped({"content.xml": ENTITIES}), "corrupt"),
    "spreadsheet without a text column": ("a.ods", spreadsheet(ods_row("narrative")), "unknown_columns"),
    "document with entities": ("a.docx", zipped({"word/document.xml": ENTITIES}), "corrupt"),
    "document without text": ("a.docx", zipped({"word/document.xml": b"<document><body/></document>"}), "empty_text"),
    "document over the limit": (
        "a.docx", zipped({"word/document.xml": b"<d><t>" + b"word " * 2000 + b"</t></d>"}), "too_long"),
    "PDF with a password": ("a.pdf", pdf(GOOD, encrypted=True), "encrypted"),
    "PDF of pictures": ("a.pdf", pdf(""), "no_text_layer"),
    "PDF over the limit": ("a.pdf", pdf("word " * 1500), "too_long"),
    "e-mail with no date": ("a.eml", b"Date: tomorrow at dawn\nSubject: x\n\nThey came.\n", "bad_date"),
    "e-mail with a date beyond all numbers": (
        "a.eml", b"Date: Fri, 14 Feb 99999999999999999999 10:00:00 +0000\nSubject: x\n\nThey came.\n", "bad_date"),
    "e-mail whose second part is no text": (
        "a.eml",
        b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nThey came.\n--x\n"
        b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n//4A2Ek=\n--x--\n",
        "undecodable"),
    "e-mail of pictures": ("a.eml", b"Content-Type: text/html\n\n<img src='a.png'><script>x = 1</script>", "empty_text"),
    "text over the limit": ("a.txt", b"word " * 2000, "too_long"),
    "text with null bytes": ("a.txt", b"They came\0 at dawn", "control_characters"),
    "entry with no name": ("a.zip", zipped({".": b"x"}), "corrupt"),
    "drive letter inside": ("a.zip", zipped({"C:\\temp\\a.txt": b"x"}), "path_escapes"),
    "escape with backslashes": ("a.zip", zipped({"..\\..\\a.txt": b"x"}), "path_escapes"),
    "packed so that it unpacks without bound": (
        "a.zip", zipped({"a.txt": GOOD.encode()}, compression=zipfile.ZIP_LZMA), "corrupt"),
    "entry that holds more than it declares": ("a.zip", lying("a.txt"), "corrupt"),
    "archive with an overlong directory": ("a.zip", overlong_directory(), "zip_bomb"),
    "damaged entry": ("a.zip", zipped({"a.txt": b"At dawn"}, compression=zipfile.ZIP_STORED).replace(b"At", b"It"), "corrupt"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES, ids=str)
def test_a_bad_file_is_one_row_with_its_reason(case: str, read: Reader) -> None:
    name, content, reason = FILES[case]
    rows = read(name, content)
    assert [row.problem.reason if row.problem else "accepted" for row in rows] == [reason]


def test_there_are_more_than_a_hundred_cases() -> None:
    assert len(ROWS) + len(JSON_LINES) + len(FILES) >= 100


def test_bad_files_do_not_stop_the_good_ones(tmp_path: Path) -> None:
    for number, (name, content, _) in enumerate(FILES.values()):
        (tmp_path / f"{number:02}-{name}").write_bytes(content)
    (tmp_path / "zz.txt").write_text(GOOD)
    rows = list(read_inputs([tmp_path], mapping={}, limits=Limits(text_characters=5000)))
    assert [row.candidate.text for row in rows if row.candidate] == [GOOD]
    assert sorted(row.problem.reason for row in rows if row.problem) == sorted(
        reason for _, _, reason in FILES.values()
    )


def test_bad_entries_do_not_stop_the_good_ones(read: Reader) -> None:
    entries = {f"{n}-{name}": content for n, (name, content, _) in enumerate(FILES.values()) if name != "a.zip"}
    rows = read("batch.zip", zipped({**entries, "zz.txt": GOOD.encode()}, compression=zipfile.ZIP_STORED))
    assert len(rows) == len(entries) + 1
    assert [row.candidate.text for row in rows if row.candidate] == [GOOD]


def test_what_was_received_is_what_was_accepted_and_set_aside(read: Reader) -> None:
    bad = [json.dumps(line) if not isinstance(line, str) else line for line, _ in JSON_LINES.values()]
    good = json.dumps({"text": GOOD})
    rows = read("batch.jsonl", "\n".join(line for pair in zip(bad, [good] * len(bad), strict=True) for line in pair))
    assert len(rows) == 2 * len(bad)
    assert all((row.candidate is None) != (row.problem is None) for row in rows)
    assert sum(row.candidate is not None for row in rows) == len(bad)
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))


def test_a_row_set_aside_can_be_mended_and_submitted_again(read: Reader) -> None:
    rows = read("a.csv", f"id,report_date,text,sector\nA1,2025-02-30,{GOOD},north\n")
    mended = {**rows[0].content, "report_date": "2025-02-28"}
    (row,) = read("b.jsonl", json.dumps(mended))
    assert row.candidate is not None
    assert (row.candidate.text, row.candidate.external_id, row.candidate.metadata) == (GOOD, "A1", {"sector": "north"})


def test_a_quote_that_is_never_closed_costs_one_line(read: Reader) -> None:
    lines = [f"{n},{GOOD}" for n in range(2000)]
    lines[700] = '700,"They came'
    rows = read("a.csv", "id,text\n" + "\n".join(lines))
    assert [row.line for row in rows if row.problem] == [702]
    assert len(rows) == 2000


def test_a_row_that_never_ends_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text\n{GOOD}\n" + '"\n",' * 20_000)
    rows = list(read_inputs([path], mapping={}, limits=Limits(line_bytes=10_000)))
    assert rows[0].candidate is not None
    assert all(row.problem for row in rows[1:])


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


LATE = {
    "a.csv": ("id,text\n", "{n},{text}\n"), "a.tsv": ("id\ttext\n", "{n}\t{text}\n"),
    "a.jsonl": ("", '{{"id": "{n}", "text": "{text}"}}\n'), "a.json": ("[", '{{"id": "{n}", "text": "{text}"}}'),
}  # fmt: skip


@pytest.mark.parametrize("name", LATE)
def test_bytes_that_do_not_decode_late_in_a_file_spoil_their_own_rows(
    name: str, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "SAMPLE", 1000)
    (head, line), good = LATE[name], "Ménaka: deux enlevés près du marché"
    texts = [good.encode()] * 400
    texts[300], texts[350], texts[399] = b"Attack \xff\xfe here", "Attaque à Gao".encode("cp1252"), b"cut off \xc3"
    rows = [line.format(n=n, text="@").encode().replace(b"@", text) for n, text in enumerate(texts)]
    content = head.encode() + (b",".join(rows) + b"]" if name == "a.json" else b"".join(rows))
    found = read(name, content)
    assert [row.problem.reason for row in found if row.problem] == ["undecodable"] * 3
    assert [row.external_id for row in found if row.problem] == ["300", "350", "399"]
    assert [row.candidate.text for row in found if row.candidate] == [good] * 397


@settings(max_examples=40)
@given(
    strange=st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=4),
    words=st.sampled_from(
        [("Атака у школы", "cp1251"), ("学校が攻撃された", "shift_jis"), ("学校遭到袭击", "gb18030"), ("é", "utf-8")]
    ),
)
def test_no_bytes_cost_more_than_their_own_row(
    tmp_path_factory: pytest.TempPathFactory, strange: list[bytes], words: tuple[str, str]
) -> None:
    own = b"".join(strange).translate(None, b'\0\r\n\v\f\x1c\x1d\x1e\x85\x1a",') + words[0].encode(words[1])
    path = tmp_path_factory.getbasetemp() / "strange.csv"
    path.write_bytes(b"id,text\n1," + GOOD.encode() + b"\n2," + own + b"\n3," + GOOD.encode() + b"\n")
    rows = list(read_inputs([path], mapping={}, limits=Limits()))
    assert [row.candidate.text for row in rows if row.candidate and row.line != 3] == [GOOD, GOOD]
    assert len(rows) == 3


def test_messages_never_quote_the_text(read: Reader) -> None:
    secret = "Aminata of the third house"
    for case, (content, _) in ROWS.items():
        rows = read("batch.csv", content.replace("attack", secret))
        assert all(secret not in row.problem.message for row in rows if row.problem), case


PREAMBLE = [["Field office: monthly log"], [], ["Prepared by", "the desk", "Period", "April"]]
TABLE = [["No", "Date of incident", "Description of incident"], ["1", "2025-04-03", GOOD]]


def as_csv(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_a_header_below_other_rows_is_found_by_the_column_that_is_mapped(name: str, read: Reader) -> None:
    rows = [*PREAMBLE, *TABLE]
    content = as_csv(rows) if name == "a.csv" else workbook(*rows)
    (refused,) = read(name, content)
    assert refused.problem is not None
    assert '--map text="Description of incident"' in refused.problem.message
    assert "Date of incident" not in refused.problem.message.partition("columns:")[0]
    (row,) = read(name, content, text="Description of incident")
    assert row.candidate is not None, row.problem
    assert (row.candidate.text, row.candidate.external_id) == (GOOD, "1")


def test_a_row_of_several_cells_above_a_header_is_never_passed_over_unasked(read: Reader) -> None:
    (row,) = read("a.csv", as_csv([*PREAMBLE, ["id", "text"], ["1", GOOD]]))
    assert row.problem is not None
    assert "--map text=text" in row.problem.message
    (row,) = read("a.csv", as_csv([*PREAMBLE, ["id", "text"], ["1", GOOD]]), text="text")
    assert row.candidate is not None


def test_a_report_in_the_place_of_a_header_is_not_quoted(read: Reader) -> None:
    (row,) = read("a.csv", f"1,{GOOD} The incident was seen by Aminata of the third house.\n")
    assert row.problem is not None
    assert "Aminata" not in row.problem.message


def test_kobos_own_columns_are_not_offered(read: Reader) -> None:
    (row,) = read("a.csv", f"_uuid,group/description,_notes\n1,{GOOD},\n")
    assert row.problem is not None
    assert "text=group/description;" in row.problem.message


def test_what_stands_within_an_object_is_mapped_by_its_path(read: Reader) -> None:
    record = json.dumps({"case": {"id": "N1", "opened": "x"}, "narrative": {"text": GOOD}})
    (row,) = read("a.jsonl", record, text="narrative.text", id="case/id")
    assert row.candidate is not None, row.problem
    assert (row.candidate.text, row.candidate.external_id) == (GOOD, "N1")
    assert row.candidate.metadata == {"case": {"opened": "x"}, "narrative": {}}
    (row,) = read("a.jsonl", record, text="narrative")
    assert row.problem is not None
    assert "--map text=narrative.FIELD" in row.problem.message


@pytest.mark.parametrize(
    ("name", "mend"),
    [("a.xls", "save it as .xlsx"), ("a.msg", ".eml"), ("a.rar", "unpack it"), ("a.jpg", "text recognition")],
)
def test_formats_that_people_send_are_refused_with_what_to_do(name: str, mend: str, read: Reader) -> None:
    (row,) = read(name, b"x")
    assert row.problem is not None
    assert mend in row.problem.message


def test_what_windows_leaves_in_folders_is_left_out(tmp_path: Path) -> None:
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a.txt").write_text(GOOD)
    (row,) = read_inputs([tmp_path], mapping={}, limits=Limits())
    assert row.candidate is not None


@pytest.mark.parametrize("column", ["_submission_time", "Timestamp", "SubmissionDate", "Horodateur", "today"])
def test_the_day_on_which_a_form_was_sent_is_the_report_date(column: str, read: Reader) -> None:
    (row,) = read("a.csv", f"text,{column}\n{GOOD},2025-04-13T08:23:01\n")
    assert row.candidate is not None
    assert str(row.candidate.report_date) == "2025-04-13"
