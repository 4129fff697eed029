"""Labelled reports for training and evaluating: our own corpus, and labels of outside ones.

>>> [example.id for example in load("authored")][:2]
['asia-001', 'asia-002']
>>> load("annotated", root=Path("/data/corpora"))                                   # doctest: +SKIP

The text of outside corpora never enters the project: labels are keyed by the SHA-256 of the text and
joined to the user's own copy of the corpus, found under `root`.
"""

from corpora.loaders import load, names
from corpora.schema import Example, Span, to_dataset
from corpora.splits import split

__all__ = ["Example", "Span", "load", "names", "split", "to_dataset"]
