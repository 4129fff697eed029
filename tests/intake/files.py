"""Files that nobody would send on purpose, made byte by byte: archives that lie, workbooks, documents of one line."""

from __future__ import annotations

import io
import struct
import zipfile

import openpyxl
import pypdf

GOOD = "Armed men took two teachers from the school."


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


def overlong_directory() -> bytes:
    """An archive that claims a directory of 900 MB, which would fill the memory while it is read."""
    data = zipped({"a.txt": b"x"}) + b"\0" * 30_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 900_000_000, 0, 0)
    return data + end


def lying(name: str) -> bytes:
    """An archive whose entry holds more than it declares."""
    data = bytearray(zipped({name: b"They came. " * 1000}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<L", 20)
    return bytes(data)


def sheet(rows: str) -> bytes:
    """A workbook with the given rows of SpreadsheetML."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return zipped({
        "_rels/.rels": f'<Relationships><Relationship Id="r" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>".encode(),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>".encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Type="{office}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'.encode(),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'.encode(),
    })  # fmt: skip


def spreadsheet(rows: str, *, manifest: str = "<manifest/>") -> bytes:
    """An OpenDocument spreadsheet with the given rows."""
    content = (
        f'<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><table:table>{rows}</table:table>'
    )
    return zipped(
        {"content.xml": f"{content}</office:document-content>".encode(), "META-INF/manifest.xml": manifest.encode()}
    )


def ods_row(text: str, *, repeated: int = 1) -> str:
    return (
        f'<table:table-row table:number-rows-repeated="{repeated}"><table:table-cell>'
        f"<text:p>{text}</text:p></table:table-cell></table:table-row>"
    )


ENTITIES = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><x>&c;</x>'
)
TEXT_CELL = '<c t="inlineStr"><is><t>{}</t></is></c>'
HEADER_ROW = "<row>" + TEXT_CELL.format("text") + "</row>"


def pdf(text: str, *, encrypted: bool = False) -> bytes:
    """A PDF of one page that shows `text`."""
    stream = f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode() if text else b""
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(parts, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"xref\n0 6\n0000000000 65535 f \n%strailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(data),
    )
    if not encrypted:
        return data
    writer = pypdf.PdfWriter(io.BytesIO(data))
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
