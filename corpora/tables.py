"""Tables of the corpora in Markdown: cards, examples by split, reports of each violation by split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from corpora.loaders import load, names
from corpora.registry import cards
from corpora.schema import Example, Split
from corpora.splits import split
from pipeline.taxonomy import load_taxonomy

SPLITS: tuple[Split, ...] = ("train", "validation", "calibration", "test")
LABELLED = ("authored", "annotated", "incidents")
BEGIN, END = "<!-- table: python -m corpora readme -->", "<!-- end of table -->"


def readme(text: str) -> str:
    """`text` with the table of cards between its two marks."""
    head, _, rest = text.partition(BEGIN)
    rows = [[f"`{c.name}`", c.title, c.licence, c.tier, c.use] for c in cards().values()]
    table = markdown(("corpus", "what it is", "licence", "tier", "use"), rows)
    return f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


def split_table(root: Path | None) -> str:
    """Examples of every corpus that can be loaded, by split."""
    rows = []
    for name in names():
        if root is None and name != "authored":
            rows.append([name, *["-"] * len(SPLITS)])
            continue
        counts = Counter(split(e) for e in load(name, root=root))
        rows.append([name, *(str(counts[s]) for s in SPLITS)])
    return markdown(("corpus", *SPLITS), rows)


def label_table(root: Path | None) -> str:
    """Reports of each violation, and of each urgency, by split: of our own reports and of real passages."""
    found = [e for name in LABELLED if root is not None or name == "authored" for e in load(name, root=root)]
    taxonomy = load_taxonomy()
    kinds = [("synthetic", [e for e in found if e.synthetic]), ("real", [e for e in found if not e.synthetic])]
    counts = {kind: {s: _counts([e for e in of if split(e) == s]) for s in SPLITS} for kind, of in kinds if of}
    header = ("label", *(f"{kind} {s}" for kind in counts for s in SPLITS))
    labels = (*taxonomy.violation_ids, "none", *taxonomy.urgency_ids)
    rows = [[label, *(str(counts[kind][s][label]) for kind in counts for s in SPLITS)] for label in labels]
    return markdown(header, rows)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _counts(found: Sequence[Example]) -> Counter[str]:
    counts = Counter(v for e in found for v in e.positive)
    counts.update(e.urgency for e in found if e.urgency)
    counts["none"] = sum(not e.positive for e in found)
    return counts
