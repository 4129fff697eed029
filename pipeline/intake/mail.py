"""E-mail: the text that a person wrote, its subject and its date, and what was attached."""

from __future__ import annotations

import email
import email.policy
import mimetypes
import re
from collections.abc import Iterable, Iterator
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
# Pictures, recordings, calendars, cards and signatures: of them a mail's metadata keeps the names alone.
_NO_TEXT = re.compile(
    r"(?:image|audio|video|font)/|text/(?:x-)?v?(?:card|calendar)|application/.*(?:signature|pgp-keys)"
)
_TAG = re.compile(r"(/?[A-Za-z][A-Za-z0-9]*)")


@dataclass(frozen=True)
class Attachment:
    """A file in a mail. `name` is as the sender wrote it: fit for a message, not for a path."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """`text` is the subject and the body; `problem` says what is wrong with the date.

    `written`: there is a body. `files`: what was attached and may hold reports.
    """

    text: str
    day: date | None
    raw: bytes | None
    metadata: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    written: bool = True
    files: tuple[Attachment, ...] = ()


def read_mail(data: bytes) -> Mail:
    """The mail in `data`; Refused where it is none. All attachments are named in the metadata.

    Who sent it to whom is not kept: addresses are personal data that triage does not need.
    """
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(preferencelist=("plain", "html"))
        parts = list(message.iter_attachments())
        more = [_part_text(part)[0] for part in parts if _goes_on(part)]
        attached = [part.get_filename() or "unnamed" for part in parts if not _goes_on(part)]
        alone = not message.is_multipart() and message.get_content_maintype() != "text"  # a scanner's mail
        files = tuple(_attachments([message] if alone else parts))
        subject = " ".join(str(message["subject"] or "").split())
        # As it was written: the package's own reading of a date can fail, which must not cost the mail.
        sent = next((" ".join(str(value).split()) for name, value in message.raw_items() if name.lower() == "date"), "")
    except Refused:
        raise
    except Exception as error:  # the email package raises many kinds on a damaged message
        raise Refused(Reason.CORRUPT, f"the e-mail cannot be read ({type(error).__name__}): export it again") from None
    text, raw = _part_text(body) if body is not None else ("", None)
    text = "\n\n".join(filter(None, (piece.strip() for piece in (text, *more))))
    metadata: dict[str, Any] = {"subject": subject} if subject else {}
    if attached:
        metadata["attachments"] = attached
    day, problem = None, None
    if sent:
        try:
            day = parsedate_to_datetime(sent).date()
        except (ValueError, TypeError, IndexError, OverflowError):
            problem = Problem(Reason.BAD_DATE, "the e-mail's date is no date: mend its Date line")
    return Mail("\n\n".join(filter(None, (subject, text))), day, raw, metadata, problem, bool(text), files)


def _attachments(parts: Iterable[Message]) -> Iterator[Attachment]:
    """The files that may hold reports; a mail that was forwarded whole is one called `forwarded.eml`."""
    for part in parts:
        name, kind = part.get_filename() or "", part.get_content_type()
        if kind == "message/rfc822" and part.is_multipart():
            yield Attachment("forwarded.eml", part.get_payload(0).as_bytes())  # type: ignore[union-attr]
            continue
        content = part.get_payload(decode=True)
        unread = _goes_on(part) or _NO_TEXT.match(mimetypes.guess_type(name)[0] or kind)
        if isinstance(content, bytes) and not unread:
            yield Attachment(name or f"unnamed{mimetypes.guess_extension(kind) or ''}", content)


def _goes_on(part: Message) -> bool:
    """Whether the part is more of what was written: some programs break the text where a file was dropped into it."""
    return part.get_content_type() in ("text/plain", "text/html") and not (
        part.get_filename() or part.get_content_disposition() == "attachment"
    )


def _part_text(part: Message) -> tuple[str, bytes | None]:
    """What is written in the part, as a reader sees it, and its bytes where they are not UTF-8."""
    text, raw = _body_text(part)
    return (text_of_html(text) if part.get_content_type() == "text/html" else text), raw


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
