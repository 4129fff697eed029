"""The corpora at a glance: `python -m corpora` prints cards, splits and label counts.

python -m corpora [list]                      cards, splits and counts of labels
python -m corpora gold --split test           gold JSON Lines of a split
python -m corpora input --split test          the same reports without their labels
python -m corpora overlap                     training passages that share words with test ones
python -m corpora readme                      writes the table in corpora/README.md
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from corpora.gold import gold_row, input_row, write
from corpora.loaders import load
from corpora.overlap import WORDS, shared
from corpora.splits import split
from corpora.tables import label_table, readme, split_table
from pipeline.errors import SitrepError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m corpora", description="The corpora at a glance.")
    parser.add_argument("what", nargs="?", choices=("list", "gold", "input", "overlap", "readme"), default="list")
    parser.add_argument("--corpora", type=Path, default=os.environ.get("SITREP_CORPORA"), metavar="DIR",
                        help="folder of the outside corpora; also SITREP_CORPORA")  # fmt: skip
    parser.add_argument("--corpus", default="authored", help="for gold and input: authored, annotated or incidents")
    parser.add_argument("--split", default="test", choices=("train", "validation", "calibration", "test"))
    options = parser.parse_args(arguments)
    root = Path(options.corpora) if options.corpora else None
    try:
        return _run(options, root)
    except SitrepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, root: Path | None) -> int:
    if options.what in ("gold", "input"):
        found = [e for e in load(options.corpus, root=root) if split(e) == options.split]
        write(map(gold_row if options.what == "gold" else input_row, found), sys.stdout)
        return 0
    if options.what == "overlap":
        labelled = load("annotated", root=root) + load("incidents", root=root)
        training = {e.id: e.text for e in labelled if split(e) == "train"}
        leak = shared(training, (e.text for e in labelled if split(e) == "test"))
        print(*sorted(leak), f"{len(leak)} of {len(training)} training passages share {WORDS} words in a row", sep="\n")
        return 1 if leak else 0
    if options.what == "readme":
        path = Path(__file__).with_name("README.md")
        path.write_text(readme(path.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    print(split_table(root), label_table(root), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
