"""Sessions of people who signed in: each with an end, each ending earlier when it is not used.

A token is known by its SHA-256 alone: who reads the store cannot sign in with it. The moment of the last use is noted
once a minute at most, so that looking at pages rarely writes.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from pipeline.store.accounts import person, session

LENGTH, IDLE = timedelta(hours=10), timedelta(hours=1)
NOTED = timedelta(minutes=1)
HANDLE = 16
"""Letters of a token's hash by which its owner tells their sessions apart."""


@dataclass(frozen=True)
class Open:
    """One of a person's sessions, as they are shown it."""

    handle: str
    begun_at: datetime
    seen_at: datetime
    this: bool


def begin(
    connection: Connection, login: str, *, now: datetime, lasts: timedelta = LENGTH, waits: bool = False,
    provider_sid: str | None = None,
) -> str:  # fmt: skip
    """The token of a new session; one that `waits` is good for the second step of signing in alone.

    `provider_sid` is the provider's own session, where one signed the person in.
    """
    connection.execute(delete(session).where(session.c.expires_at <= now))
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(session).values(
            token_sha256=hashed(token), login=login, csrf=secrets.token_urlsafe(32), expires_at=now + lasts,
            waits=waits, begun_at=now, seen_at=now, provider_sid=provider_sid,
        )
    )  # fmt: skip
    return token


def find(connection: Connection, token: str | None, *, now: datetime, idle: timedelta = IDLE) -> Row[Any] | None:
    """A session with its person, while it lasts and is used and the person is not disabled."""
    if not token:
        return None
    return connection.execute(
        select(session.c.csrf, session.c.seen_at, session.c.expires_at, person)
        .join(person, person.c.login == session.c.login)
        .where(
            session.c.token_sha256 == hashed(token),
            session.c.expires_at > now,
            session.c.seen_at > now - idle,
            session.c.waits.is_(False),
            person.c.disabled.is_(False),
        )
    ).one_or_none()


def waiting(connection: Connection, token: str, *, now: datetime) -> Row[Any] | None:
    """A session that waits for its second step: its `login` and `provider_sid`."""
    query = select(session.c.login, session.c.provider_sid).where(
        session.c.token_sha256 == hashed(token), session.c.waits.is_(True), session.c.expires_at > now
    )
    return connection.execute(query).one_or_none()


def used(connection: Connection, token: str, *, now: datetime) -> None:
    """Note that a session was used."""
    connection.execute(update(session).where(session.c.token_sha256 == hashed(token)).values(seen_at=now))


def of_person(connection: Connection, login: str, token: str, *, now: datetime, idle: timedelta = IDLE) -> list[Open]:
    """A person's sessions, newest first; `token` is that of the one they look from."""
    rows = connection.execute(
        select(session)
        .where(
            session.c.login == login, session.c.waits.is_(False), session.c.expires_at > now, session.c.seen_at > now - idle
        )
        .order_by(session.c.begun_at.desc(), session.c.token_sha256)
    )  # fmt: skip
    this = hashed(token)
    return [Open(r.token_sha256[:HANDLE], r.begun_at, r.seen_at, r.token_sha256 == this) for r in rows]


def end(connection: Connection, token: str) -> bool:
    """End a session; whether a provider began it."""
    mine = session.c.token_sha256 == hashed(token)
    begun_there = connection.execute(select(session.c.provider_sid).where(mine)).scalar_one_or_none() is not None
    connection.execute(delete(session).where(mine))
    return begun_there


def end_of_provider(connection: Connection, *, login: str | None, sid: str | None, until: datetime) -> list[str]:
    """End the sessions that a provider began until then, of this person, or with this session of its own, or both.

    Returns whose they were, a login a session. A later session is not ended: an old word of the provider counts once.
    """
    ended = [session.c.provider_sid == sid if sid else session.c.provider_sid.is_not(None), session.c.begun_at <= until]
    if login is not None:
        ended.append(session.c.login == login)
    whose = list(connection.scalars(select(session.c.login).where(*ended).order_by(session.c.login)))
    connection.execute(delete(session).where(*ended))
    return whose


def end_one(connection: Connection, login: str, handle: str) -> None:
    """End that of a person's sessions which they named."""
    named = session.c.token_sha256.startswith(handle[:HANDLE], autoescape=True)
    if len(handle) == HANDLE:
        connection.execute(delete(session).where(session.c.login == login, named))


def end_all(connection: Connection, login: str, *, but: str | None = None) -> None:
    """End a person's sessions, `but` that of this token."""
    connection.execute(delete(session).where(session.c.login == login, session.c.token_sha256 != hashed(but or "")))


def end_waiting(connection: Connection, login: str) -> None:
    connection.execute(delete(session).where(session.c.login == login, session.c.waits.is_(True)))


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
