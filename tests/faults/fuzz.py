"""Damaged files for every reader, as many as asked for: each has to give rows or reasons, and to raise nothing.

    python -m tests.faults.fuzz --inputs 20000 [--reader pdf]

Good files of each format are cut, overwritten, repeated and mixed at random, archives inside as well as outside. A reader
that is at a loss is caught by the reader of files, which sets the file aside and names the kind of error: these are
counted as unforeseen, since nobody wrote a reason for them. What a reader raises, one that is too slow or too large and
one that ends its process end the run, and the file is kept. A file is made from the seed, its reader and its number
alone: `--first` goes on where an earlier run ended.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import resource
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

import docx

from pipeline.intake import Limits, read_inputs
from pipeline.intake.inputs import FORMATS
from tests.intake.test_formats import FRENCH, GOOD, TABLES
from tests.intake.test_intake_laws import SEEDS, check

LONGEST_SECONDS = 30
MEMORY_BYTES = 4 * 2**30
LARGEST = 1 << 20
READERS = {
    "delimited": (".csv", ".tsv", ".tab"), "json": (".json",), "json-lines": (".jsonl", ".ndjson"),
    "workbook": (".xlsx", ".xlsm"), "ods": (".ods",), "parquet": (".parquet",), "text": (".txt", ".md"),
    "docx": (".docx",), "pdf": (".pdf",), "mail": (".eml",), "zip": (".zip",),
}  # fmt: skip
assert {suffix for suffixes in READERS.values() for suffix in suffixes} == set(FORMATS)
TOKENS = [
    b'"', b"\n", b"\r", b"\0", b"[", b"{", b"<", b"&", b"=1+1", b"\xff\xfe", b"\xef\xbb\xbf", b"9" * 400, b"-1", b"\xed\xa0\x80",
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", b"&b;", b"endstream endobj", b"/Length 99999999", b"--x--",
    b"Content-Transfer-Encoding: base64\n", b"\\u0000", b"PK\x05\x06", b"PAR1", b",,,,,,,,", b"NaN", b"1e999",
    b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"/Filter/FlateDecode", b"/Kids[2 0 R]", b"=?utf-8?b?", b"Content-Type: message/rfc822\n\n",
    b"<![CDATA[", b"</w:t>", b' t:number-columns-repeated="99999999"', b' r="XFD1048576"', b"\\ud800", b"[" * 2000,
]  # fmt: skip
UNFORESEEN = re.compile(r"cannot be read \((\w+)\)")
fork = get_context("fork")


class TooSlow(BaseException):
    """A reader took too long. No `Exception`: those the reader of files catches."""


@dataclass
class Figures:
    """What a reader's inputs came to; `unforeseen` by kind of error, `a_second` of processor time, damaging included."""

    reader: str
    inputs: int = 0
    rows: int = 0
    refused: int = 0
    unforeseen: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    peak_mib: int = 0
    a_second: int = 0


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pdf(words: str) -> bytes:
    """A page with words, and the table of where each object lies."""
    stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    content, places = "%PDF-1.4\n", []
    for number, written in enumerate(objects, start=1):
        places.append(f"{len(content):010} 00000 n \n")
        content += f"{number} 0 obj{written}endobj\n"
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{''.join(places)}"
    trailer = f"trailer<</Root 1 0 R/Size {len(objects) + 1}>>\nstartxref\n{len(content)}\n%%EOF\n"
    return (content + table + trailer).encode()


def good_files() -> list[tuple[str, bytes]]:
    """A good file of every format, by suffix."""
    document = docx.Document()
    document.add_paragraph(GOOD)
    document.add_table(1, 2).cell(0, 0).text = FRENCH
    document.save(word := io.BytesIO())
    needed = {
        name: part for name, part in unzipped(word.getvalue()).items() if not name.startswith(("docProps", "custom"))
    }
    sheet = (
        '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><table:table table:name="S"><table:table-row>'
        "<table:table-cell><text:p>text</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell>"
        f"<text:p>{FRENCH}</text:p></table:table-cell></table:table-row></table:table></office:document-content>"
    )
    mail = (
        "Date: Fri, 14 Feb 2025 23:30:00 +0000\nSubject: =?utf-8?q?M=C3=A9naka?=\nMIME-Version: 1.0\n"
        f"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain; charset=utf-8\n\n{FRENCH}\n"
        "--x\nContent-Type: text/html\n\n<p>They came &amp; left</p>\n--x--\n"
    )
    found = [("." + name.rpartition(".")[2], content) for name, content in TABLES.values()]
    found += [(suffix, content) for suffix, content in SEEDS.items() if suffix in (".jsonl", ".json", ".txt", ".eml")]
    found += [
        (".tab", f"id\ttext\n1\t{GOOD}\n".encode()),
        (".ndjson", SEEDS[".jsonl"]),
        (".md", f"# A\n\n{GOOD}".encode()),
    ]
    found += [
        (".docx", zipped(needed)),
        (".pdf", pdf(GOOD)),
        (".ods", zipped({"content.xml": sheet.encode()})),
        (".eml", mail.encode()),
    ]
    found.append((".xlsm", dict(found)[".xlsx"]))
    numbered = {f"{n}{suffix}": content for n, (suffix, content) in enumerate(found)}
    names = sorted(numbered)
    found += [(".zip", zipped({name: numbered[name] for name in names[first::7]})) for first in range(7)]
    found.append((".zip", zipped({"a.zip": found[-1][1], "b/../c.csv": SEEDS[".csv"], "d.txt": b"They came"})))
    assert {suffix for suffix, _ in found} == set(FORMATS)
    return found


GOOD_FILES = good_files()
ALL = [content for _, content in GOOD_FILES]
BY_READER = {
    reader: [(content, unzipped(content) if content.startswith(b"PK\x03\x04") and len(content) > 4 else {})
             for suffix, content in GOOD_FILES if suffix in suffixes]
    for reader, suffixes in READERS.items()
}  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content with one to four wounds."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(content))
        span = rng.choice((0, 0, 1, 1, 2, 4, 8, 64 if rng.randrange(4) else len(content)))
        match rng.randrange(8):
            case 0:
                put = rng.randbytes(rng.randint(0, 8))
            case 1 | 2:
                put = rng.choice(TOKENS)
            case 3:
                put = bytes(byte ^ 1 << rng.randrange(8) for byte in content[at : at + min(span, 64)])
            case 4:
                put = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80", b"0", b" ")) * min(span, 64)
            case 5:
                put, span = content[at : at + span] * rng.randint(0, 3), span * rng.randint(0, 1)
            case 6:  # a piece of another file
                other = rng.choice(ALL)
                begin = rng.randint(0, len(other))
                put = other[begin : begin + rng.choice((4, 16, 256))]
            case _:  # a piece of this one, from elsewhere
                begin = rng.randint(0, len(content))
                put = content[begin : begin + span]
        content = content[:at] + put + content[at + span :]
    if not rng.randrange(200):
        content *= rng.randint(2, 100)
    return content[:LARGEST]


def damaged_file(reader: str, rng: random.Random) -> tuple[str, bytes]:
    """A suffix of the reader, and the content of a damaged file, mostly of a format of its own."""
    suffix = rng.choice(READERS[reader])
    content, members = rng.choice(BY_READER[reader])
    if not rng.randrange(20):
        content, members = rng.choice(ALL), {}
    if members and rng.random() < 0.7:
        members = dict(members)
        for _ in range(rng.choice((1, 1, 1, 2))):
            name = rng.choice(sorted(members))
            members[name] = damaged(members[name], rng)
        content = zipped(members, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        if rng.randrange(8):
            return suffix, content
    return suffix, damaged(content, rng)


def read_all(
    figures: Figures, folder: Path, *, inputs: int, minutes: float, seed: int, first: int, say: Callable[[Figures], None]
) -> None:  # fmt: skip
    """Read so many damaged files, in so many minutes at most; the file that is read lies in the folder."""
    limits, begun, used = Limits(text_characters=1000), time.monotonic(), time.process_time()
    for number in range(first, first + inputs):
        suffix, content = damaged_file(figures.reader, random.Random(f"{seed} {figures.reader} {number}"))
        path = folder / f"{number}{suffix}"
        path.write_bytes(content)
        started = time.monotonic()
        signal.alarm(LONGEST_SECONDS)
        rows = list(read_inputs([path], mapping={}, limits=limits))
        signal.alarm(0)
        seconds = time.monotonic() - started
        if seconds > LONGEST_SECONDS:  # the alarm is not heard inside of a library's own code
            raise TooSlow(f"it took {seconds:.0f} seconds")
        check(rows)
        figures.inputs += 1
        figures.slowest_seconds = round(max(figures.slowest_seconds, seconds), 3)
        for row in rows:
            figures.rows += row.problem is None
            figures.refused += row.problem is not None
            if row.problem and (found := UNFORESEEN.search(row.problem.message)):
                if found[1] == "MemoryError":
                    raise TooSlow(f"it took more than {MEMORY_BYTES >> 30} GiB")
                figures.unforeseen[found[1]] += 1
        path.unlink()
        if not figures.inputs % 1000 or number == first + inputs - 1:
            figures.a_second = round(figures.inputs / (time.process_time() - used))
            figures.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            say(figures)
            if time.monotonic() - begun > 60 * minutes:
                return


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000, help="files for each reader")
    parser.add_argument("--minutes", type=float, default=600, help="stop a reader after so many, with fewer inputs")
    parser.add_argument("--reader", choices=READERS, action="append", help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first file")
    parser.add_argument("--kept", type=Path, default=Path(), help="where a file that a reader fails on is kept")
    chosen = parser.parse_args()
    options = {"inputs": chosen.inputs, "minutes": chosen.minutes, "seed": chosen.seed, "first": chosen.first}
    failed = False
    for reader in chosen.reader or READERS:
        with tempfile.TemporaryDirectory(prefix="sitrep-") as outer:
            (folder := Path(outer, "read")).mkdir()
            noted = Path(outer, "figures")

            def say(figures: Figures, noted: Path = noted) -> None:
                noted.write_text(json.dumps(vars(figures)), encoding="utf-8")

            def work(reader: str = reader, folder: Path = folder, say: Callable[[Figures], None] = say) -> None:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
                signal.signal(signal.SIGALRM, too_slow)
                read_all(Figures(reader), folder, **options, say=say)

            process = fork.Process(target=work)  # of its own: its memory is the reader's, and its end not ours
            process.start()
            process.join()
            if noted.exists():
                print(noted.read_text(encoding="utf-8"), flush=True)
            if process.exitcode:
                failed = True
                for path in folder.iterdir():
                    kept = path.replace(chosen.kept / f"{reader}-{chosen.seed}-{path.name}")
                    print(f"{reader}: ended with {process.exitcode} at {kept}", file=sys.stderr)
    return int(failed)


def too_slow(*_: object) -> NoReturn:
    raise TooSlow(f"it took more than {LONGEST_SECONDS} seconds")


if __name__ == "__main__":
    sys.exit(main())
