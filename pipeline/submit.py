"""Intake of a batch: rows in, a receipt out; every row ends as accepted, duplicate or quarantined.

Rows are recorded in order, a few hundred to a transaction. A submit that is killed is gone on with by
submitting the same files again: rows that are recorded are skipped.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection

from pipeline.errors import MonitorError
from pipeline.intake import (
    Candidate,
    Fingerprint,
    Limits,
    Row,
    fingerprints,
    identify_all,
    in_latin_letters,
    read_inputs,
    similarity,
    spool,
    tells_nothing_new,
    walk,
)
from pipeline.store import Store, audit, batches, reports, sealing

ROWS_PER_TRANSACTION = 500
# Below this many words a near-duplicate is chance: short messages share most of their words.
NEAR_DUPLICATE_WORDS = 12
LANGUAGE_CONFIDENCE = 0.6
"""Of English cut at 50 characters 0.5% is taken for something else at this confidence, and goes to a person unread."""
LANGUAGE_CHARACTERS = 40


@dataclass(frozen=True)
class Match:
    """What a candidate repeats. `kind` is exact, normalised, near, update or corroboration."""

    report: int
    kind: str
    similarity: float
    erased: bool = False

    @property
    def is_duplicate(self) -> bool:
        return self.kind in ("exact", "normalised", "near")


def submit(
    store: Store,
    paths: Sequence[Path],
    *,
    now: Callable[[], datetime],
    limits: Limits,
    mapping: Mapping[str, str] | None = None,
    source: str | None = None,
    stdin: BinaryIO | None = None,
    threshold: float = 0.85,
    actor: str = "monitor",
    progress: Callable[[int], None] = lambda rows: None,
) -> batches.Receipt:
    """Take in the files as one batch. `progress` is told how many rows were recorded."""
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        paths = [_existing(path, stdin, Path(folder)) for path in paths]
        rows = read_inputs(paths, mapping=dict(mapping or {}), limits=limits, source=source)
        return take_in(
            store,
            rows,
            name=content_hash(paths, mapping=mapping, source=source),
            now=now,
            source=source,
            threshold=threshold,
            actor=actor,
            progress=progress,
        )


def take_in(
    store: Store,
    rows: Iterable[Row],
    *,
    name: str,
    now: Callable[[], datetime],
    source: str | None = None,
    threshold: float = 0.85,
    actor: str = "monitor",
    progress: Callable[[int], None] = lambda rows: None,
) -> batches.Receipt:
    """Record the rows of the batch called `name`, from the first that is not recorded yet."""
    with store.write() as connection:
        audit.lock(connection)
        batch, recorded = batches.begin(connection, fingerprint=name, source=source, now=now(), by=actor)
    numbered = ((line, row) for line, row in enumerate(rows, start=1) if line > recorded)
    while chunk := list(islice(numbered, ROWS_PER_TRANSACTION)):
        # Everything that needs no database happens before the write lock is taken.
        candidates = {line: row.candidate for line, row in chunk if row.candidate}
        prints = dict(zip(candidates, fingerprints(c.text for c in candidates.values()), strict=True))
        languages = _languages(candidates)
        with store.write() as connection:
            audit.lock(connection)
            # Somebody else may be taking in the same files: what they recorded meanwhile is not recorded again.
            recorded = batches.last_line(connection, batch)
            fresh = [(line, row) for line, row in chunk if line > recorded]
            intake = _decide(
                connection, fresh, prints, languages, batch=batch, source=source, now=now(), threshold=threshold
            )
            reports.add(connection, intake)
        progress(len(chunk))
    with store.write() as connection:
        completed = batches.complete(connection, batch, now=now())
        receipt = batches.receipt(connection, batch)
        if completed:
            audit.append(
                connection,
                at=now(),
                actor=actor,
                action="submit",
                subject=batch,
                body={
                    "input": name,
                    "reports": audit.merkle_root(reports.received_lines(connection, batch)),
                    "accepted": receipt.accepted,
                    "duplicates": receipt.duplicates,
                    "quarantined": receipt.quarantined,
                },
            )
    return receipt


def _decide(
    connection: Connection,
    chunk: Sequence[tuple[int, Row]],
    prints: Mapping[int, Fingerprint],
    languages: Mapping[int, str | None],
    *,
    batch: str,
    source: str | None,
    now: datetime,
    threshold: float,
) -> reports.Intake:
    """What becomes of each row, against the store and the rows before it."""
    intake = reports.Intake()
    seq, sealed = reports.next_seq(connection), sealing.in_force(connection)
    index = _Index(connection, prints.values(), threshold=threshold)
    for line, row in chunk:
        if row.candidate is None:
            intake.quarantined.append({"batch": batch, "line": line, **_set_aside(row)})
            continue
        candidate, print_ = row.candidate, prints[line]
        candidate_source = candidate.source or source
        sha256 = hashlib.sha256(candidate.text.encode("utf-8", "surrogatepass")).hexdigest()
        known = reports.Known(
            seq, candidate_source, candidate.report_date, sha256, print_.normalised_sha256, print_.signature
        )
        bands = print_.bands if _is_long_enough(candidate.text) else ()
        match = index.find(known, candidate.text, bands=bands)
        if match and match.is_duplicate:
            intake.duplicates.append({"batch": batch, "line": line, **_repeat(candidate, row.content, match)})
            continue
        flags = list(candidate.flags)
        if match:
            flags.append("corroborates" if match.kind == "corroboration" else "update_of_earlier")
            intake.corroborations.append({"report": seq, "other": match.report, "similarity": match.similarity})
        intake.reports.append(
            {
                "seq": seq,
                "id": reports.report_id(batch, line, sealed.keyed("id", sha256)),
                "batch": batch,
                "line": line,
                "external_id": candidate.external_id,
                "sha256": sha256,
                "text": candidate.text,
                "report_date": candidate.report_date,
                "source": candidate_source,
                "country": candidate.country,
                "language": languages[line],
                "metadata": candidate.metadata,
                "flags": flags,
                "raw": candidate.raw,
                "received_at": now,
                "normalised_sha256": print_.normalised_sha256,
                "signature": print_.signature,
            }
        )
        intake.bands += [(band, seq) for band in set(bands)]
        index.add(known, candidate.text, bands=bands)
        seq += 1
    return intake


def _set_aside(row: Row) -> dict[str, Any]:
    assert row.problem is not None
    return {
        "locator": row.locator,
        "external_id": row.external_id,
        "reason": str(row.problem.reason),
        "message": row.problem.message,
        "content": row.content,
    }


def _repeat(candidate: Candidate, content: object, match: Match) -> dict[str, Any]:
    """A duplicate. Words that were erased do not come back by being sent again."""
    return {
        "external_id": None if match.erased else candidate.external_id,
        "report": match.report,
        "kind": match.kind,
        "similarity": match.similarity,
        "content": {} if match.erased else content,
    }


class _Index:
    """Stored reports and the rows of this transaction, looked up by text and by near-duplicate band."""

    def __init__(self, connection: Connection, prints: Collection[Fingerprint], *, threshold: float) -> None:
        self.connection = connection
        self.threshold = threshold
        self.by_text: dict[str, list[reports.Known]] = {}
        for known in reports.known_by_text(connection, (p.normalised_sha256 for p in prints)):
            self.by_text.setdefault(known.normalised_sha256, []).append(known)
        bands = Counter(band for p in prints for band in p.bands)
        # By the bands that two share, a stored report and a row or two rows: most are of one row alone.
        self.by_band: dict[int, set[int]] = {band: set() for band, rows in bands.items() if rows > 1}
        for band, seq in reports.band_matches(connection, bands):
            self.by_band.setdefault(band, set()).add(seq)
        self.known = reports.known_by_seq(connection, {seq for seqs in self.by_band.values() for seq in seqs})
        self.texts: dict[int, str] = {}

    def find(self, new: reports.Known, text: str, *, bands: Sequence[int]) -> Match | None:
        same_words = self.by_text.get(new.normalised_sha256, ())
        for old in same_words:
            if _dates_agree(old, new):
                return Match(old.seq, "exact" if old.sha256 == new.sha256 else "normalised", 1.0, old.erased)
        if same_words:
            # The same words on another day are another report: "nothing to report", a daily shelling.
            return Match(same_words[0].seq, "update", 1.0)
        candidates = sorted({seq for band in self._shared(bands) for seq in self.by_band[band]})
        scored = [
            (similarity(self.known[seq].signature or b"", new.signature or b""), -seq)
            for seq in candidates
            if self.known[seq].signature
        ]
        best, seq = max(scored, default=(0.0, 0))
        if best < self.threshold:
            return None
        old = self.known[-seq]
        if old.source != new.source:
            return Match(old.seq, "corroboration", best)
        # Nearly the same words with other figures, names or outcomes ("seven" for "nine killed") are news, no repetition.
        same = _dates_agree(old, new) and tells_nothing_new(text, self._text_of(old.seq))
        return Match(old.seq, "near" if same else "update", best)

    def _shared(self, bands: Sequence[int]) -> AbstractSet[int]:
        return self.by_band.keys() & bands if self.by_band else frozenset()

    def _text_of(self, seq: int) -> str:
        return self.texts.get(seq) or reports.load(self.connection, [seq])[seq].text

    def add(self, known: reports.Known, text: str, *, bands: Sequence[int]) -> None:
        self.by_text.setdefault(known.normalised_sha256, []).append(known)
        if shared := self._shared(bands):
            self.known[known.seq] = known
            self.texts[known.seq] = text
            for band in shared:
                self.by_band[band].add(known.seq)


def _dates_agree(old: reports.Known, new: reports.Known) -> bool:
    return old.report_date is None or new.report_date is None or old.report_date == new.report_date


def _is_long_enough(text: str) -> bool:
    return len(text.split(maxsplit=NEAR_DUPLICATE_WORDS)) >= NEAR_DUPLICATE_WORDS


def _languages(candidates: Mapping[int, Candidate]) -> dict[int, str | None]:
    """By line the language that the submitter named, or the one identified with confidence; None where unsure.

    `und` where there are hardly any letters to be read.
    """
    asked = {line: candidate.text for line, candidate in candidates.items() if not candidate.language}
    found: dict[int, str | None] = {line: candidate.language for line, candidate in candidates.items()}
    for (line, text), (language, confidence) in zip(asked.items(), identify_all(list(asked.values())), strict=True):
        sure = len(text) >= LANGUAGE_CHARACTERS and confidence >= LANGUAGE_CONFIDENCE
        found[line] = language if language == "und" or not in_latin_letters(text) or sure else None
    return found


def content_hash(paths: Sequence[Path], *, mapping: Mapping[str, str] | None, source: str | None) -> str:
    """SHA-256 of what is submitted and how it is read: the identity of a batch."""
    digest = hashlib.sha256(repr((sorted((mapping or {}).items()), source)).encode())
    for path in _files(paths):
        digest.update(os.fsencode(path.name) + b"\0")
        with suppress(OSError), path.open("rb") as stream:  # the reader says what is wrong with one that cannot be read
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from (p for p, problem in walk(path) if not problem and p.is_file() and not p.is_symlink())
        elif path.is_file():
            yield path


def _existing(path: Path, stdin: BinaryIO | None, folder: Path) -> Path:
    """The path itself; for `-` standard input as a file, since a batch is named by its content before it is read."""
    if str(path) == "-":
        if stdin is None:
            raise MonitorError("standard input is not available here: name a file instead of `-`")
        return spool(stdin, folder)
    if not path.exists() and not path.is_symlink():  # a link is refused as one, wherever it leads
        raise MonitorError(f"{path}: there is no such file or folder")
    return path
