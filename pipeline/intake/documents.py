"""Documents, one report each: plain text, Markdown, DOCX, PDF and e-mail."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.intake import chat
from pipeline.intake.archives import guard_zip
from pipeline.intake.encoding import decode_document
from pipeline.intake.fields import BadField, check_text
from pipeline.intake.mapping import jsonable
from pipeline.intake.rows import Candidate, Limits, Problem, Reason, Refused, Row

if TYPE_CHECKING:
    from pipeline.intake.mail import Mail


def read_text(path: Path, *, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    """Plain text and Markdown: one report, or of a chat that WhatsApp exported one for what a person wrote at a time."""
    decoded = decode_document(_bounded(path, limits))
    text = decoded.text.removeprefix("\ufeff")
    if decoded.raw is None and chat.is_chat(text):
        yield from _chat_rows(text, name, limits, source)
        return
    yield _row(text, name, limits, Candidate("", source=source, raw=decoded.raw, flags=decoded.flags))


def _chat_rows(text: str, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    for message in chat.messages(text):
        where = f"{name}:{message.line}"
        if not message.text:
            said = Problem(
                Reason.EMPTY_TEXT, "a picture, a recording or what was deleted: the chat holds no words of it"
            )
            yield Row(where, message.line, {"file": name, "text": jsonable(message.whole)}, problem=said)
            continue
        flags = () if message.sure else ("ambiguous_date",)
        row = _row(
            message.text, name, limits, Candidate("", report_date=message.day.date(), source=source, flags=flags)
        )
        yield replace(row, locator=where, line=message.line)


def read_docx(path: Path, *, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    """Paragraphs and tables of a Word document, in reading order."""
    _refuse_large(path, limits)
    guard_zip(path, limits)
    from pipeline.intake.word import document_text

    yield _row(document_text(path, limits), name, limits, Candidate("", source=source))


def read_pdf(path: Path, *, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    """The text layer of a PDF; one without (a scan) is set aside with that reason."""
    _refuse_large(path, limits)
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

    # The library's warnings quote the file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pieces: list[str] = []
    size = 0
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise WrongPasswordError
        if len(reader.pages) > limits.pages:
            raise Refused(Reason.TOO_LARGE, f"more than {limits.pages:,} pages: split the document")
        for page in reader.pages:
            pieces.append(page.extract_text())
            size += len(pieces[-1])
            if size > limits.text_characters:
                raise Refused(
                    Reason.TOO_LONG,
                    f"the text is longer than {limits.text_characters:,} characters: split the document",
                )
    except Refused:
        raise
    except (DependencyError, FileNotDecryptedError, WrongPasswordError):
        raise Refused(Reason.ENCRYPTED, "the PDF is password-protected: remove the password") from None
    except Exception as error:  # the library raises many kinds on a damaged file
        raise Refused(Reason.CORRUPT, f"the PDF cannot be read ({type(error).__name__}): export it again") from None
    text = "\n".join(pieces).strip()
    if not text:
        raise Refused(Reason.NO_TEXT_LAYER, "the PDF holds pictures only: run text recognition on it first")
    yield _row(text, name, limits, Candidate("", source=source, metadata={"pages": len(pieces)}))


def read_email(path: Path, limits: Limits) -> Mail:
    """An e-mail with what was attached to it."""
    from pipeline.intake.mail import read_mail

    return read_mail(_bounded(path, limits))


def email_row(mail: Mail, *, name: str, limits: Limits, source: str | None) -> Row:
    """An e-mail's text; its date is the report's date."""
    row = _row(
        mail.text,
        name,
        limits,
        Candidate("", report_date=mail.day, source=source, metadata=mail.metadata, raw=mail.raw),
    )
    if mail.problem and row.candidate:
        row = replace(row, content=jsonable(mail.text), candidate=None, problem=mail.problem)
    return row


def dated(row: Row, day: date | None) -> Row:
    """A document's row with the day of the mail that it came with, and a flag that says so."""
    if day is None or row.candidate is None or row.candidate.report_date is not None:
        return row
    flags = (*row.candidate.flags, "date_of_mail")
    return replace(row, candidate=replace(row.candidate, report_date=day, flags=flags))


def _refuse_large(path: Path, limits: Limits) -> None:
    if path.stat().st_size > limits.document_bytes:
        raise Refused(Reason.TOO_LARGE, f"the document is larger than {limits.document_bytes // 2**20} MiB: split it")


def _bounded(path: Path, limits: Limits) -> bytes:
    _refuse_large(path, limits)
    return path.read_bytes()


def _row(text: str, name: str, limits: Limits, candidate: Candidate) -> Row:
    """The document as a row; the content of a bad one is its text, or its size where that is too long."""
    try:
        checked = check_text(text, limits)
    except BadField as error:
        content = jsonable(text) if text and len(text) <= limits.text_characters else _measured(text, name)
        return Row(name, 1, content, problem=Problem(error.problem.reason, error.problem.message))
    metadata = jsonable({**candidate.metadata, "file": name})
    return Row(name, 1, {"file": name}, candidate=replace(candidate, text=checked, metadata=metadata))


def _measured(text: str, name: str) -> dict[str, str | int]:
    return {"file": name, "characters": len(text)}
