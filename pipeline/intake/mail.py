"""E-mail: the text that a person wrote, its subject and its date."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass, field
from datetime import date
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

from pipeline.intake.encoding import decode_document
from pipeline.intake.rows import Problem, Reason, Refused

_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "table", "blockquote", "/p", "/div", "/tr"})
_UNSEEN = frozenset({"script", "style", "title"})
_TAG = re.compile(r"(/?[A-Za-z][A-Za-z0-9]*)")


@dataclass(frozen=True)
class Mail:
    """`text` is the subject and the body; `problem` says what is wrong with the date."""

    text: str
    day: date | None
    raw: bytes | None
    metadata: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None


def read_mail(data: bytes) -> Mail:
    """The mail in `data`; Refused where it is none. Attachments are named in the metadata, not read.

    Who sent it to whom is not kept: addresses are personal data that triage does not need.
    """
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(preferencelist=("plain", "html"))
        attachments = [part.get_filename() or "unnamed" for part in message.iter_attachments()]
        subject = " ".join(str(message["subject"] or "").split())
        sent = str(message["date"] or "").strip()
    except Exception as error:  # the email package raises many kinds on a damaged message
        raise Refused(Reason.CORRUPT, f"the e-mail cannot be read ({type(error).__name__}): export it again") from None
    text, raw = _body_text(body) if body is not None else ("", None)
    if body is not None and body.get_content_type() == "text/html":
        text = text_of_html(text)
    text = text.strip()
    metadata: dict[str, Any] = {"subject": subject} if subject else {}
    if attachments:
        metadata["attachments"] = attachments
    day, problem = None, None
    if sent:
        try:
            day = parsedate_to_datetime(sent).date()
        except (ValueError, TypeError, IndexError, OverflowError):
            problem = Problem(Reason.BAD_DATE, "the e-mail's date is no date: mend its Date line")
    return Mail("\n\n".join(filter(None, (subject, text))), day, raw, metadata, problem)


def _body_text(body: Message) -> tuple[str, bytes | None]:
    """The body's characters: as it declares them where that works, else as they most likely are."""
    payload = body.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return "", None
    charset = str(body.get_content_charset() or "utf-8")
    try:
        text = payload.decode(charset)
    except (LookupError, ValueError):
        decoded = decode_document(payload)
        return decoded.text.replace("\r\n", "\n"), decoded.raw
    return text.replace("\r\n", "\n"), None if charset in ("utf-8", "us-ascii") else payload


def text_of_html(html: str) -> str:
    """What a reader of a page sees. Linear in the page's length, whatever it holds."""
    parts: list[str] = []
    unseen = ""
    for number, piece in enumerate(html.split("<")):
        inside, closed, after = piece.partition(">") if number else ("", ">", piece)
        match = _TAG.match(inside)
        if number and match is None and not inside.startswith(("!", "?")):
            closed, after = ">", "<" + piece  # a "less than" of the text
        tag = match[1].casefold() if match else ""
        if unseen:
            if tag == "/" + unseen:
                unseen = ""
                parts.append(after)
            continue
        if tag in _UNSEEN:
            unseen = tag
            continue
        parts.append(("\n" if tag in _BREAKS else "") + (after if closed else ""))
    lines = (" ".join(line.split()) for line in unescape("".join(parts)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
