"""Good input in every format, with what makes it awkward."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.intake import Candidate, Limits, Row, read_inputs, spool
from pipeline.submit import content_hash
from tests.intake.files import GOOD, workbook

FRENCH = "Attaque à Ménaka : deux enlevés près du marché, trois blessés à l’hôpital."
Reader = Callable[..., list[Row]]


def only(rows: list[Row]) -> Candidate:
    (row,) = rows
    assert row.candidate is not None, row.problem
    return row.candidate


def parquet(**columns: list[object]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


HEADER = ["id", "report_date", "country", "text", "sector"]
TABLES: dict[str, tuple[str, bytes]] = {
    "CSV": ("a.csv", f"{','.join(HEADER)}\nA1,2025-02-14,ML,{GOOD},north\n".encode()),
    "semicolons": ("a.csv", f"{';'.join(HEADER)}\nA1;14/02/2025;Mali;{GOOD};north\n".encode()),
    "Excel's own hint": ("a.csv", f"sep=|\r\n{'|'.join(HEADER)}\r\nA1|14.02.2025|MLI|{GOOD}|north\r\n".encode()),
    "TSV": ("a.tsv", f"{chr(9).join(HEADER)}\nA1\t2025-02-14\tML\t{GOOD}\tnorth\n".encode()),
    "old line ends": ("a.csv", f"{','.join(HEADER)}\rA1,2025-02-14,ML,{GOOD},north\r".encode()),
    "a mark of UTF-8": ("a.csv", f"\ufeff{','.join(HEADER)}\nA1,2025-02-14,ML,{GOOD},north\n".encode()),
    "UTF-16": ("a.csv", f"{','.join(HEADER)}\nA1,2025-02-14,ML,{GOOD},north\n".encode("utf-16")),
    "UTF-16 without a mark": ("a.csv", f"{','.join(HEADER)}\nA1,2025-02-14,ML,{GOOD},north\n".encode("utf-16-be")),
    "a title above": ("a.csv", f"Weekly incidents\n\n{','.join(HEADER)}\nA1,2025-02-14,ML,{GOOD},north\n".encode()),
    "JSON Lines": (
        "a.jsonl",
        f'{{"id": "A1", "report_date": "2025-02-14", "country": "ML", "text": "{GOOD}", "sector": "north"}}'.encode(),
    ),
    "JSON": (
        "a.json",
        f'[{{"id": "A1", "report_date": "2025-02-14", "country": "ML", "text": "{GOOD}", "sector": "north"}}]'.encode(),
    ),
    "JSON in an object": (
        "a.json",
        f'{{"n": 1, "reports": [{{"id": "A1", "report_date": "2025-02-14", "country": "ML", "text": "{GOOD}", '
        '"sector": "north"}]}'.encode(),
    ),
    "XLSX": ("a.xlsx", workbook(HEADER, ["A1", date(2025, 2, 14), "ML", GOOD, "north"])),
    "XLSX with times": ("a.xlsx", workbook(HEADER, ["A1", datetime(2025, 2, 14, 13, 30), "ML", GOOD, "north"])),
    "XLSX with day numbers": ("a.xlsx", workbook(HEADER, ["A1", 45702, "ML", GOOD, "north"])),
    "XLSX with a title": ("a.xlsx", workbook(["Incidents"], [], HEADER, ["A1", "14 Feb 2025", "ML", GOOD, "north"])),
    "Parquet": (
        "a.parquet",
        parquet(id=["A1"], report_date=[date(2025, 2, 14)], country=["ML"], text=[GOOD], sector=["north"]),
    ),
}


@pytest.mark.parametrize("case", TABLES, ids=str)
def test_a_table_gives_its_fields(case: str, read: Reader) -> None:
    name, content = TABLES[case]
    candidate = only(read(name, content))
    assert candidate.text == GOOD
    assert (candidate.external_id, candidate.report_date, candidate.country) == ("A1", date(2025, 2, 14), "ML")
    assert candidate.metadata == {"sector": "north"}


def test_a_computed_date_is_taken_and_a_computed_text_is_not(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["report_date", "text"])
    book.active.append(["=DATE(2025,2,14)", GOOD])
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for name in old.namelist():
            computed = (
                old.read(name).replace(b"</f><v></v>", b"</f><v>45702</v>").replace(b"</f><v/>", b"</f><v>45702</v>")
            )
            new.writestr(name, computed)
    candidate = only(list(read_inputs([tmp_path / "b.xlsx"], mapping={}, limits=Limits())))
    assert candidate.report_date == date(2025, 2, 14)


def test_every_sheet_is_read(tmp_path: Path, read: Reader) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.active.append([GOOD])
    second = book.create_sheet("South")
    second.append(["text"])
    second.append([FRENCH])
    book.create_sheet("Empty")
    buffer = io.BytesIO()
    book.save(buffer)
    rows = read("a.xlsx", buffer.getvalue())
    assert [row.candidate.text for row in rows if row.candidate] == [GOOD, FRENCH]
    assert [row.locator for row in rows] == ["a.xlsx!Sheet:2", "a.xlsx!South:2"]


def test_a_spreadsheet_of_the_open_format(read: Reader) -> None:
    content = (
        '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><table:table table:name="S">'
        "<table:table-row><table:table-cell><text:p>report_date</text:p></table:table-cell>"
        "<table:table-cell><text:p>text</text:p></table:table-cell></table:table-row>"
        '<table:table-row table:number-rows-repeated="2"/><table:table-row>'
        '<table:table-cell office:value-type="date" office:date-value="2025-02-14"><text:p>14.02.</text:p></table:table-cell>'
        "<table:table-cell><office:annotation><text:p>a comment</text:p></office:annotation>"
        '<text:p>They<text:s text:c="2"/>came.</text:p><text:p>They <text:span>left</text:span>.</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="1020"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048000"/></table:table></office:document-content>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("content.xml", content)
    (row,) = read("a.ods", buffer.getvalue())
    assert row.candidate is not None
    assert (row.candidate.text, row.candidate.report_date) == ("They  came.\nThey left.", date(2025, 2, 14))
    assert row.locator == "a.ods!S:4"


def test_a_word_document_gives_paragraphs_and_tables(read: Reader) -> None:
    document = docx.Document()
    document.add_paragraph("They came at dawn.")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Killed", "seven"
    document.add_paragraph("They left.")
    buffer = io.BytesIO()
    document.save(buffer)
    assert only(read("a.docx", buffer.getvalue())).text == "They came at dawn.\nKilled | seven\nThey left."


@pytest.mark.parametrize(
    "header", ["Réf;Date du rapport;Texte", "Re\u0301f;date_du_rapport;TEXTE", "Ref No.;Reporting date;Text"]
)
def test_a_column_is_known_by_its_french_or_longer_name(read: Reader, header: str) -> None:
    candidate = only(read("a.csv", f"{header}\nK-1;14/02/2025;Nine houses were burnt.\n"))
    assert (candidate.external_id, candidate.report_date) == ("K-1", date(2025, 2, 14))


def test_deleted_text_of_a_word_document_is_left_out(read: Reader) -> None:
    body = (
        "<d><p><r><t>Seven </t></r><del><r><delText>nine </delText></r></del><moveFrom><r><t>gone </t></r></moveFrom>"
        "<r><t>killed</t></r></p></d>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", body)
    assert only(read("a.docx", buffer.getvalue())).text == "Seven killed"


def test_a_mail_gives_subject_body_and_day(read: Reader) -> None:
    mail = (
        "From: monitor@example.org\nTo: desk@example.org\nDate: Fri, 14 Feb 2025 23:30:00 +0000\n"
        "Subject: =?utf-8?q?M=C3=A9naka?=\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nDeux enlevés.\n"
        "--x\nContent-Type: image/png\nContent-Disposition: attachment; filename=map.png\n\nx\n--x--\n"
    )
    candidate = only(read("a.eml", mail))
    assert candidate.text == "Ménaka\n\nDeux enlevés."
    assert candidate.report_date == date(2025, 2, 14)
    assert candidate.metadata == {"subject": "Ménaka", "attachments": ["map.png"], "file": "a.eml"}
    assert "example.org" not in repr(candidate)


def letter(body: str = "", subject: str = "") -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = subject
    if body:
        made.set_content(body)
    return made


def attach(mail: EmailMessage, name: str, content: bytes = b"x") -> EmailMessage:
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail


def test_what_is_attached_to_a_mail_is_read_beside_its_text(read: Reader) -> None:
    mail = attach(
        letter("Six were killed near Bule.", "Bunia"), "list.csv", b"id,text\nA1,Two girls were raped.\nA2,\n"
    )
    mail = attach(attach(attach(mail, "map.png"), "sign.p7s"), "old.doc")
    rows = read("a.eml", bytes(mail))
    assert [row.locator for row in rows] == ["a.eml", "a.eml!list.csv:2", "a.eml!list.csv:3", "a.eml!old.doc"]
    assert [row.candidate.text for row in rows if row.candidate] == [
        "Bunia\n\nSix were killed near Bule.",
        "Two girls were raped.",
    ]
    assert [row.problem.reason for row in rows if row.problem] == ["empty_text", "unknown_format"]


def test_a_mail_that_only_carries_a_file_is_no_report(read: Reader) -> None:
    (row,) = read("a.eml", bytes(attach(letter(subject="Week 7"), "a.txt", b"Nine houses were burnt.")))
    assert row.candidate
    assert row.candidate.text == "Nine houses were burnt."


def test_documents_of_a_mail_are_of_its_day_and_rows_of_their_own(read: Reader) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("b.txt", "Three fled.")
    inner = attach(letter("Four were held."), "c.txt", b"Five were shot.")
    mail = attach(attach(letter("Six died."), "a.txt", b"Nine died."), "b.zip", packed.getvalue())
    mail = attach(mail, "list.csv", b"text,date\nTwo fled.,2025-02-01\nOne fled.,\n")
    mail["Date"], inner["Date"] = "Fri, 14 Feb 2025 09:00:00 +0000", "Mon, 10 Feb 2025 09:00:00 +0000"
    mail.add_attachment(inner)
    found = {row.candidate.text: row.candidate for row in read("a.eml", bytes(mail)) if row.candidate}
    assert {text: candidate.report_date and candidate.report_date.day for text, candidate in found.items()} == {
        "Six died.": 14, "Nine died.": 14, "Three fled.": 14, "Two fled.": 1, "One fled.": None, "Four were held.": 10,
        "Five were shot.": 10,
    }  # fmt: skip
    marked = {text for text, candidate in found.items() if "date_of_mail" in candidate.flags}
    assert marked == {"Nine died.", "Three fled.", "Five were shot."}


def test_documents_of_a_mail_without_a_date_have_none(read: Reader) -> None:
    (row,) = read("a.eml", bytes(attach(letter(), "a.txt", b"Nine died.")))
    assert row.candidate
    assert (row.candidate.report_date, row.candidate.flags) == (None, ())


def test_a_mail_is_read_through_those_that_forward_it(read: Reader) -> None:
    mail = letter("They were held for 12 days.", "Mahagi")
    for _ in range(4):
        outer = letter("See below.")
        outer.add_attachment(mail)
        mail = outer
    rows = read("a.eml", bytes(mail))
    assert [row.candidate.text if row.candidate else row.problem and row.problem.reason for row in rows] == [
        "See below.",
        "See below.",
        "See below.",
        "nested_archive",
    ]
    inner = next(mail.iter_attachments()).get_payload(0)
    inner = next(inner.iter_attachments()).get_payload(0)
    rows = read("b.eml", bytes(inner))
    assert [row.candidate.text for row in rows if row.candidate] == [
        "See below.",
        "See below.",
        "Mahagi\n\nThey were held for 12 days.",
    ]


def test_what_is_written_after_an_attachment_belongs_to_the_text(read: Reader) -> None:
    mail = attach(letter("Before."), "map.png")
    after = EmailMessage()
    after.set_content("Seven were killed.")
    mail.attach(after)
    assert only(read("a.eml", bytes(mail))).text == "Before.\n\nSeven were killed."


def test_an_archive_in_a_mail_is_opened_and_none_within_another(read: Reader) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "Nine houses were burnt.")
        archive.writestr("b.eml", bytes(attach(letter("Three fled."), "c.zip", b"PK")))
    rows = read("a.eml", bytes(attach(letter(), "all.zip", packed.getvalue())))
    assert [row.candidate.text if row.candidate else row.problem and row.problem.reason for row in rows] == [
        "Nine houses were burnt.",
        "Three fled.",
        "nested_archive",
    ]


def test_names_from_outside_lead_nowhere(read: Reader, tmp_path: Path) -> None:
    mail = letter()
    for name in ("../../etc/pass wd.txt", "..txt", "a\u202eb.txt", "a\0.t/x"):
        attach(mail, name, b"Nine houses were burnt.")
    rows = read("a.eml", bytes(mail))
    assert [bool(row.candidate) for row in rows] == [True, True, True, False]
    assert not list(tmp_path.rglob("*wd.txt"))


def test_a_mail_of_markup_gives_what_a_reader_sees(read: Reader) -> None:
    mail = (
        "Content-Type: text/html; charset=utf-8\n\n<html><head><style>p { color: red }</style></head>"
        "<p>They came &amp; left.</p><script>alert(1)</script><div>3 < 5 <b>dead</b></div>"
    )
    assert only(read("a.eml", mail)).text == "They came & left.\n\n3 < 5 dead"


def test_markup_without_end_costs_no_time(read: Reader) -> None:
    (row,) = read("a.eml", b"Content-Type: text/html\n\n" + b"<script" * 200_000)
    assert row.problem is not None


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_encodings_are_told(encoding: str, name: str, read: Reader) -> None:
    content = FRENCH if name == "a.txt" else f'text\n"{FRENCH}"\n'
    candidate = only(read(name, content.encode(encoding)))
    assert candidate.text == FRENCH
    assert ("encoding_detected" in candidate.flags) == (encoding == "cp1252")
    if encoding == "cp1252":
        assert candidate.raw is not None
        assert FRENCH.encode(encoding) in candidate.raw


def test_russian_of_old_windows_is_told(read: Reader) -> None:
    text = "Вооружённые люди напали на село и увезли двух учителей, сообщили жители соседнего посёлка."
    assert only(read("a.txt", text.encode("cp1251"))).text == text


def test_an_old_encoding_that_shows_late_is_told(read: Reader) -> None:
    rows = read("a.csv", ("text\n" + f"{GOOD}\n" * 30_000).encode() + f'"{FRENCH}"\n'.encode("cp1252") * 3)
    assert rows[-1].candidate is not None
    assert rows[-1].candidate.text == FRENCH


def test_columns_of_one_name_are_kept_apart(read: Reader) -> None:
    candidate = only(read("a.csv", f"text,note,note,\n{GOOD},one,two,three\n"))
    assert candidate.metadata == {"note": "one", "note (3)": "two", "column 4": "three"}


def test_cells_for_nothing_are_nothing(read: Reader) -> None:
    candidate = only(read("a.csv", f"id,report_date,country,language,text\n-,n/a,NULL,und,{GOOD}\n"))
    assert (candidate.external_id, candidate.report_date, candidate.country, candidate.language) == (None,) * 4


def test_whole_numbers_that_came_as_decimals_stay_whole(read: Reader) -> None:
    assert only(read("a.parquet", parquet(id=[17.0], text=[GOOD]))).external_id == "17"


def test_numbers_with_a_dash_are_no_formulas(read: Reader) -> None:
    texts = ["- three killed", "+ two hurt", "=== Report ===", "@OCHA said so", "=> they left", "-5 houses burnt"]
    rows = read("a.jsonl", "\n".join(f'{{"text": "{text}"}}' for text in texts))
    assert [row.candidate.text if row.candidate else None for row in rows] == texts


def test_standard_input_is_known_by_its_content(tmp_path: Path) -> None:
    for content in (f"id,text\n1,{GOOD}\n".encode(), f'{{"text": "{GOOD}"}}\n'.encode(), workbook(["text"], [GOOD])):
        rows = list(read_inputs([spool(io.BytesIO(content), tmp_path)], mapping={}, limits=Limits()))
        assert only(rows).text == GOOD


def test_a_folder_is_read_in_order_and_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a/1.txt", ".git/x.txt", "b/.hidden.txt", "~$lock.docx", "c.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD)
    rows = list(read_inputs([tmp_path], mapping={}, limits=Limits()))
    assert [row.locator for row in rows] == ["a/1.txt", "b/2.txt", "c.txt"]
    assert rows == list(read_inputs([tmp_path], mapping={}, limits=Limits()))
    name = content_hash([tmp_path], mapping=None, source=None)
    (tmp_path / ".git" / "y.txt").write_text(GOOD)
    assert content_hash([tmp_path], mapping=None, source=None) == name  # what is not read does not make another batch
    (tmp_path / "d.txt").write_text(GOOD)
    assert content_hash([tmp_path], mapping=None, source=None) != name


def test_a_file_name_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    path = Path(str(tmp_path), b"a\xff\x1b.txt".decode("utf-8", "surrogateescape"))
    path.write_text(GOOD)
    (row,) = list(read_inputs([tmp_path], mapping={}, limits=Limits()))
    assert row.locator.isascii()
    assert row.locator.isprintable()


def test_a_long_table_is_read_in_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "".join(f"{n},{GOOD * 5}\n" for n in range(20_000)))
    rows = read_inputs([path], mapping={}, limits=Limits())
    next(rows)
    tracemalloc.start()
    count = 1 + sum(1 for _ in rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < path.stat().st_size / 2


ANDROID = """12/04/2025, 08:14 - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.
12/04/2025, 08:15 - Ada: Good morning
12/04/2025, 08:21 - Ada: Armed men burned 6 houses: all of them in Tessit
and took 30 cows.
12/04/2025, 08:22 - +223 70 00 00 00: <Media omitted>
12/04/2025, 09:40 - Bala: Confirmed by the chief. 2 killed 4 wounded 🙏🏾
13/04/2025, 10:02 - Ada: This message was deleted
13/04/2025, 11:02 - Bala left
"""
IPHONE = """[4/12/25, 8:21:11 AM] Ada: ‎Messages and calls are end-to-end encrypted.
[4/12/25, 8:21:11 PM] Ada: Three civilians beaten by police at Gao market.
‎[4/13/25, 8:25:00 PM] ~ Bala: ‎image omitted
"""


def test_a_chat_is_a_report_for_what_a_person_wrote_at_a_time(read: Reader) -> None:
    rows = read("WhatsApp Chat.txt", ANDROID)
    assert [row.candidate.text for row in rows if row.candidate] == [
        "Good morning\nArmed men burned 6 houses: all of them in Tessit\nand took 30 cows.",
        "Confirmed by the chief. 2 killed 4 wounded 🙏🏾",
    ]
    assert [str(row.candidate.report_date) for row in rows if row.candidate] == ["2025-04-12"] * 2
    assert [row.problem.reason for row in rows if row.problem] == ["empty_text"] * 2
    assert [row.content["text"] for row in rows if row.problem] == ["<Media omitted>", "This message was deleted"]
    assert [row.locator for row in rows] == [f"WhatsApp Chat.txt:{line}" for line in (2, 5, 6, 7)]
    assert not any("Ada" in repr(row) or "+223" in repr(row) for row in rows)


def test_the_order_of_a_chats_dates_is_told_by_all_of_them(read: Reader) -> None:
    (row,) = [row for row in read("_chat.txt", IPHONE) if row.candidate]
    assert row.candidate is not None
    assert (str(row.candidate.report_date), row.candidate.flags) == ("2025-04-12", ())
    early = ANDROID.replace("12/04", "11/04").replace("13/04", "12/04")
    flags = {row.candidate.flags for row in read("chat.txt", early) if row.candidate}
    assert flags == {("ambiguous_date",)}


def test_a_report_that_quotes_a_message_is_no_chat(read: Reader) -> None:
    text = f"He wrote to us:\n{ANDROID}"
    assert only(read("a.txt", text)).text == text
    assert only(read("a.txt", "12/04/2025, 08:14 - Gao: two men were beaten.\nThey are in hospital.")).text.endswith(
        "hospital."
    )
