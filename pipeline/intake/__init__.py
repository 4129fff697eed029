"""Intake: from files of many formats to rows, each accepted as a candidate or set aside with a reason.

>>> [row.problem or row.candidate.text for row in read_inputs([path], mapping={}, limits=Limits())]  # doctest: +SKIP

Also what every later room needs of a text: normalising with an offset map, language, fingerprints.
"""

from pipeline.intake.duplicates import Fingerprint, fingerprint, fingerprints, similarity, tells_nothing_new
from pipeline.intake.inputs import read_inputs, spool, walk
from pipeline.intake.language import identify, identify_all, in_latin_letters
from pipeline.intake.normalise import Normalised, normalise
from pipeline.intake.rows import Candidate, Limits, Problem, Reason, Row

__all__ = [
    "Candidate",
    "Fingerprint",
    "Limits",
    "Normalised",
    "Problem",
    "Reason",
    "Row",
    "fingerprint",
    "fingerprints",
    "identify",
    "identify_all",
    "in_latin_letters",
    "normalise",
    "read_inputs",
    "similarity",
    "spool",
    "tells_nothing_new",
    "walk",
]
