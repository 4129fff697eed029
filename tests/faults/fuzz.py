"""Damaged files for every reader, as many as asked for: each has to give rows or reasons, and to raise nothing.

    python -m tests.faults.fuzz --inputs 20000

Good files of each format are cut, overwritten, repeated and mixed by hypothesis, archives inside as well as outside. A
reader that is at a loss is caught by the reader of files, which sets the file aside and names the kind of error: these
are counted as unforeseen, since nobody wrote a reason for them. A reader that is too slow or too large ends the run all
the same, whatever the reader of files would have made of it.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import resource
import signal
import sys
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

import docx
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pipeline.intake.inputs import FORMATS
from tests.intake.test_formats import FRENCH, GOOD, TABLES
from tests.intake.test_intake_laws import SEEDS, check, read

LONGEST_SECONDS = 30
MEMORY_BYTES = 4 * 2**30
INPUTS_AT_A_TIME = 250
TOKENS = [
    b'"', b"\n", b"\r", b"\0", b"[", b"{", b"<", b"&", b"=1+1", b"\xff\xfe", b"\xef\xbb\xbf", b"9" * 400, b"-1", b"\xed\xa0\x80",
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", b"&b;", b"endstream endobj", b"/Length 99999999", b"--x--",
    b"Content-Transfer-Encoding: base64\n", b"\\u0000", b"PK\x05\x06", b"PAR1", b",,,,,,,,", b"NaN", b"1e999",
]  # fmt: skip
UNFORESEEN = re.compile(r"cannot be read \((\w+)\)")


class TooSlow(BaseException):
    """A reader took too long. No `Exception`: those the reader of files catches."""


@dataclass
class Figures:
    """What the inputs came to; `unforeseen` by kind of error."""

    inputs: int = 0
    by_format: Counter[str] = field(default_factory=Counter)
    unforeseen: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    peak_mib: int = 0
    seconds: float = 0.0


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def good_files() -> list[tuple[str, bytes]]:
    """A good file of every format, by suffix."""
    document = docx.Document()
    document.add_paragraph(GOOD)
    document.add_table(1, 2).cell(0, 0).text = FRENCH
    document.save(word := io.BytesIO())
    stream = f"BT /F1 12 Tf 72 720 Td ({GOOD}) Tj ET".encode()
    pdf = (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
        b"4 0 obj<</Length %d>>stream\n%s\nendstream endobj\ntrailer<</Root 1 0 R/Size 5>>\n%%%%EOF\n"
    ) % (len(stream), stream)
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
        (".docx", word.getvalue()),
        (".pdf", pdf),
        (".ods", zipped({"content.xml": sheet.encode()})),
        (".eml", mail.encode()),
    ]
    found += [
        (".xlsm", dict(found)[".xlsx"]),
        (".zip", zipped({f"{n}{suffix}": content for n, (suffix, content) in enumerate(found)})),
    ]
    assert {suffix for suffix, _ in found} == set(FORMATS)
    return found


GOOD_FILES = good_files()


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    """One to four wounds."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        span = draw(st.sampled_from([0, 1, 2, 8, 64, len(content)]))
        put = draw(
            st.binary(max_size=8) | st.sampled_from(TOKENS) | st.just(content[at : at + span] * draw(st.integers(1, 3)))
        )
        content = content[:at] + put + content[at + span :]
    return content


@st.composite
def damaged_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A suffix, mostly the right one, and the content of a damaged file."""
    suffix, content = draw(st.sampled_from(GOOD_FILES))
    if content.startswith(b"PK") and draw(st.booleans()):
        members = unzipped(content)
        name = draw(st.sampled_from(sorted(members)))
        content = zipped({**members, name: draw(damage(members[name]))})
    else:
        content = draw(damage(content))
    return draw(st.sampled_from([suffix] * 9 + [".csv"])), content


def run(*, inputs: int, minutes: float, first_seed: int) -> Figures:
    """Read so many damaged files, in so many minutes at most. What a reader raises ends the run, shrunk and shown."""
    figures, begun = Figures(), time.monotonic()

    def one(file: tuple[str, bytes]) -> None:
        suffix, content = file
        started = time.monotonic()
        signal.alarm(LONGEST_SECONDS)
        try:
            rows = read(f"a{suffix}", content)
        finally:
            signal.alarm(0)
        check(rows)
        seconds = time.monotonic() - started
        if seconds > LONGEST_SECONDS:  # the alarm is not heard inside of a library's own code
            raise TooSlow(f"a reader of {suffix} took {seconds:.0f} seconds")
        figures.inputs += 1
        figures.by_format[suffix] += 1
        figures.slowest_seconds = round(max(figures.slowest_seconds, seconds), 3)
        for row in rows:
            if row.problem and (found := UNFORESEEN.search(row.problem.message)):
                if found.group(1) == "MemoryError":
                    raise SystemExit(f"a reader of {suffix} took more than {MEMORY_BYTES >> 30} GiB")
                figures.unforeseen[f"{suffix} {found.group(1)}"] += 1

    for number in count(first_seed):
        if figures.inputs >= inputs or time.monotonic() - begun > 60 * minutes:
            break
        batch = settings(
            max_examples=INPUTS_AT_A_TIME, database=None, deadline=None, derandomize=False,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
        )  # fmt: skip
        seed(number)(batch(given(damaged_files())(one)))()
        print(figures, file=sys.stderr)
    figures.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures.seconds = round(time.monotonic() - begun, 1)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=600, help="stop after so many, with fewer inputs")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    def hanging(*_: object) -> None:
        raise TooSlow(f"a reader took more than {LONGEST_SECONDS} seconds")

    signal.signal(signal.SIGALRM, hanging)
    print(json.dumps(vars(run(inputs=chosen.inputs, minutes=chosen.minutes, first_seed=chosen.seed))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
