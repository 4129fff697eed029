"""Damaged files for every reader, led by coverage: what reaches lines that nothing reached before is kept and damaged further.

    pip install "sitrep[fuzz]"
    python -m tests.faults.guided --minutes 10

libFuzzer (through atheris) makes the files from good ones of each format; the first byte of an input chooses the format. As
in `fuzz`, each has to give rows or reasons: what a reader raises ends the run, and the file that made it do so is kept.
`fuzz` damages what is inside of archives and documents as well, which bytes changed at random hardly ever leave readable.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

try:
    import atheris
except ModuleNotFoundError:
    sys.exit('guided: atheris is not installed, nothing was tried: pip install "sitrep[fuzz]"')

with atheris.instrument_imports(include=["pipeline.intake", "pypdf", "defusedxml"]):
    from tests.faults.fuzz import GOOD_FILES, LONGEST_SECONDS, MEMORY_BYTES, UNFORESEEN
    from tests.intake.test_intake_laws import check, read

SUFFIXES = sorted({suffix for suffix, _ in GOOD_FILES})


def fuzz(folder: Path, figures: Path, options: argparse.Namespace) -> None:
    """Read files until the time is over; does not come back, since libFuzzer ends the process. What was read is noted on the way."""
    by_format, unforeseen, begun = Counter[str](), Counter[str](), time.monotonic()

    def one(data: bytes) -> None:
        if not data:
            return
        suffix = SUFFIXES[data[0] % len(SUFFIXES)]
        rows = read(f"a{suffix}", data[1:])
        check(rows)
        by_format[suffix] += 1
        unforeseen.update(
            f"{suffix} {found[1]}" for row in rows if row.problem and (found := UNFORESEEN.search(row.problem.message))
        )
        if by_format.total() % 100 == 0:
            seconds = round(time.monotonic() - begun, 1)
            said = {"inputs": by_format.total(), "by_format": by_format, "unforeseen": unforeseen, "seconds": seconds}
            figures.write_text(json.dumps(said) + "\n", encoding="utf-8")

    figures.write_text("")
    for number, (suffix, content) in enumerate(GOOD_FILES):
        (folder / str(number)).write_bytes(bytes([SUFFIXES.index(suffix)]) + content)
    limits = {
        "max_total_time": round(60 * options.minutes), "timeout": LONGEST_SECONDS, "seed": options.seed,
        "rss_limit_mb": MEMORY_BYTES >> 20, "max_len": 1 << 16, "artifact_prefix": f"{options.kept.absolute()}/",
        "verbosity": 0,
    }  # fmt: skip
    atheris.Setup(["guided", *(f"-{name}={value}" for name, value in limits.items()), str(folder)], one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.guided", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=Path(), help="where a file that a reader fails on is kept")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of the process that does the work
    options = parser.parse_args()
    if options.folder:
        fuzz(options.folder, options.folder.with_suffix(".json"), options)
    with tempfile.TemporaryDirectory(prefix="sitrep-") as outer:
        folder = Path(outer, "corpus")
        folder.mkdir()
        command = [sys.executable, "-m", "tests.faults.guided", *sys.argv[1:], "--folder", str(folder)]
        done = subprocess.run(command, check=False)
        print(folder.with_suffix(".json").read_text(encoding="utf-8"), end="")
    return int(done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
