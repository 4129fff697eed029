"""Documents, one report each: plain text, Markdown, DOCX, PDF and e-mail."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path
from typing import Any

from pipeline.intake.archives import guard_zip
from pipeline.intake.encoding import decode_document
from pipeline.intake.fields import BadField, check_text
from pipeline.intake.rows import Candidate, Limits, Problem, Reason, Refused, Row


def read_text(path: Path, *, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    """Plain text and Markdown."""
    data = _bounded(path, limits)
    decoded = decode_document(data)
    yield _row(decoded.text, name, limits, Candidate("", source=source, raw=decoded.raw, flags=decoded.flags))


def read_docx(path: Path, *, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    """Paragraphs and tables of a Word document, in reading order."""
    _bounded(path, limits, read=False)
    guard_zip(path, limits)
    import docx

    try:
        document = docx.Document(str(path))
        parts = [
            block.text if hasattr(block, "text") else _table_text(block) for block in document.iter_inner_content()
        ]
    except Exception as error:  # python-docx and lxml raise many kinds on a damaged file
        raise Refused(Reason.CORRUPT, f"the document cannot be read ({type(error).__name__}): save it again") from None
    yield _row("\n".join(parts).strip(), name, limits, Candidate("", source=source))


def _table_text(table: Any) -> str:
    return "\n".join(" | ".join(cell.text for cell in row.cells) for row in table.rows)


def read_pdf(path: Path, *, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    """The text layer of a PDF; one without (a scan) is set aside with that reason."""
    _bounded(path, limits, read=False)
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused(Reason.ENCRYPTED, "the PDF is password-protected: remove the password")
        if len(reader.pages) > limits.pages:
            raise Refused(Reason.TOO_LARGE, f"more than {limits.pages:,} pages: split the document")
        text = "\n".join(page.extract_text() for page in reader.pages).strip()
    except Refused:
        raise
    except (PyPdfError, Exception) as error:
        raise Refused(Reason.CORRUPT, f"the PDF cannot be read ({type(error).__name__}): export it again") from None
    if not text:
        raise Refused(Reason.NO_TEXT_LAYER, "the PDF holds pictures only: run text recognition on it first")
    yield _row(text, name, limits, Candidate("", source=source))


def read_email(path: Path, *, name: str, limits: Limits, source: str | None) -> Iterator[Row]:
    """An e-mail's text; its date is the report's date. Attachments are named in the metadata, not read."""
    data = _bounded(path, limits)
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(preferencelist=("plain", "html"))
        text = str(body.get_content()) if body is not None else ""
        if body is not None and body.get_content_type() == "text/html":
            text = unescape(re.sub(r"<[^>]{0,2000}>", " ", re.sub(r"(?is)<(script|style).*?</\1>", " ", text)))
        attachments = [part.get_filename() or "unnamed" for part in message.iter_attachments()]
        sent = message["date"]
        day = parsedate_to_datetime(str(sent)).date() if sent else None
        subject = str(message["subject"] or "").strip()
    except Exception as error:  # the email package raises many kinds on a damaged message
        raise Refused(Reason.CORRUPT, f"the e-mail cannot be read ({type(error).__name__})") from None
    metadata: dict[str, Any] = {"attachments": attachments} if attachments else {}
    text = text.strip()
    if subject:
        text = f"{subject}\n\n{text}" if text else subject
    yield _row(text, name, limits, Candidate("", report_date=day, source=source, metadata=metadata))


def _bounded(path: Path, limits: Limits, *, read: bool = True) -> bytes:
    if path.stat().st_size > limits.document_bytes:
        raise Refused(Reason.TOO_LARGE, f"the document is larger than {limits.document_bytes // 2**20} MiB: split it")
    return path.read_bytes() if read else b""


def _row(text: str, name: str, limits: Limits, candidate: Candidate) -> Row:
    from dataclasses import replace

    metadata = {**candidate.metadata, "file": name}
    try:
        candidate = replace(candidate, text=check_text(text, limits), metadata=metadata)
        return Row(name, 1, {"file": name}, candidate=candidate)
    except BadField as error:
        content = text if len(text) <= limits.text_characters else {"file": name, "characters": len(text)}
        return Row(name, 1, content.encode("utf-8", "backslashreplace").decode() if isinstance(content, str) else content,
                   problem=Problem(error.problem.reason, error.problem.message))  # fmt: skip
