"""Rows: what a reader gives for everything that it was handed, good or bad."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why something was set aside; stable codes."""

    EMPTY_TEXT = "empty_text"
    UNDECODABLE = "undecodable"
    BAD_DATE = "bad_date"
    BAD_COUNTRY = "bad_country"
    BAD_LANGUAGE = "bad_language"
    TOO_LONG = "too_long"
    UNKNOWN_COLUMNS = "unknown_columns"
    FORMULA = "formula"
    NOT_A_RECORD = "not_a_record"
    RAGGED_ROW = "ragged_row"
    CONTROL_CHARACTERS = "control_characters"
    CORRUPT = "corrupt"
    ENCRYPTED = "encrypted"
    NO_TEXT_LAYER = "no_text_layer"
    ZIP_BOMB = "zip_bomb"
    PATH_ESCAPES = "path_escapes"
    SYMBOLIC_LINK = "symbolic_link"
    NESTED_ARCHIVE = "nested_archive"
    TOO_LARGE = "too_large"
    UNKNOWN_FORMAT = "unknown_format"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Limits:
    """Bounds on what is read; whatever is larger is set aside, never cut."""

    text_characters: int = 200_000
    file_bytes: int = 2 * 2**30
    document_bytes: int = 64 * 2**20
    unpacked_bytes: int = 512 * 2**20
    unpacked_ratio: int = 200
    archive_entries: int = 20_000
    line_bytes: int = 8 * 2**20
    pages: int = 2_000


@dataclass(frozen=True)
class Problem:
    """Why a row was set aside; `message` says what to do and never quotes the text."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Candidate:
    """A row that can be a report. `raw` holds the original bytes where they are not UTF-8 of `text`."""

    text: str
    external_id: str | None = None
    report_date: date | None = None
    source: str | None = None
    country: str | None = None
    language: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row received: exactly one of `candidate` and `problem` is there.

    `locator` says where it stood (`reports.csv:17`), `content` is what stood there, fit for JSON.
    """

    locator: str
    line: int
    content: Any
    candidate: Candidate | None = None
    problem: Problem | None = None
    external_id: str | None = None


class Refused(Exception):
    """Raised by a reader when a whole file cannot be read; becomes one row with the problem."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(reason, message)
