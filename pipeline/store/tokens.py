"""Tokens with which programs use the API as a person: scoped, ending, kept as SHA-256; and answers kept for repeats."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.access import Role
from pipeline.errors import ConfigurationError, MonitorError, NotFound
from pipeline.store import audit
from pipeline.store.accounts import api_answer, api_token, person
from pipeline.store.people import Person

ANSWERS_KEPT = timedelta(days=30)
"""How long an answer is kept for a repeat of its request."""

Scope = Literal["read", "review", "submit", "metrics"]
SCOPES: tuple[Scope, ...] = ("read", "review", "submit", "metrics")


@dataclass(frozen=True)
class Bearer:
    """Who a token speaks for, and what it may be used for."""

    person: Person
    scopes: frozenset[str]


def issue(
    connection: Connection, login: str, *, name: str, scopes: Sequence[str], days: int, by: str, now: datetime
) -> str:
    """A new token, told once. It can never do more than the person may."""
    if connection.execute(select(person.c.login).where(person.c.login == login)).one_or_none() is None:
        raise NotFound(f"there is no person {login!r}")
    if not scopes or set(scopes) - set(SCOPES):
        raise ConfigurationError(f"a token has one scope or more of: {', '.join(SCOPES)}")
    token = "sitrep_" + secrets.token_urlsafe(32)
    connection.execute(delete(api_token).where(api_token.c.expires_at <= now))
    connection.execute(
        insert(api_token).values(
            token_sha256=_hash(token), login=login, name=name, scopes=sorted(set(scopes)), created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )  # fmt: skip
    audit.append(
        connection, at=now, actor=by, action="token issued", subject=login, body={"scopes": sorted(set(scopes))}
    )
    return token


def revoke(connection: Connection, login: str, *, by: str, now: datetime) -> int:
    """End all tokens of a person; how many."""
    ended = connection.execute(delete(api_token).where(api_token.c.login == login)).rowcount
    if ended:
        audit.append(connection, at=now, actor=by, action="tokens revoked", subject=login, body={"tokens": ended})
    return ended


def find(connection: Connection, token: str, *, now: datetime) -> Bearer | None:
    """Who a token speaks for, while it lasts and the person is not disabled."""
    row = connection.execute(
        select(api_token.c.scopes, person)
        .join(person, person.c.login == api_token.c.login)
        .where(api_token.c.token_sha256 == _hash(token), api_token.c.expires_at > now, person.c.disabled.is_(False))
    ).one_or_none()
    if row is None:
        return None
    return Bearer(Person(row.login, row.name, cast(Role, row.role), frozenset(row.granted)), frozenset(row.scopes))


def answered(connection: Connection, login: str, key: str, request: str) -> dict[str, Any] | None:
    """What was answered to this request under this key; MonitorError where the key was used for another request."""
    row = connection.execute(
        select(api_answer).where(api_answer.c.login == login, api_answer.c.key_sha256 == _hash(key))
    ).one_or_none()
    if row is None:
        return None
    if row.request_sha256 != _hash(request):
        raise MonitorError("this Idempotency-Key was used for another request: choose a new one")
    return dict(row.answer)


def first_to_ask(connection: Connection, login: str, key: str, request: str, *, now: datetime) -> bool:
    """Whether nobody asked under this key before; who asks at the same time waits until this transaction ends."""
    asked = {"login": login, "key_sha256": _hash(key), "request_sha256": _hash(request), "answer": {}, "at": now}
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    made = dialect.insert(api_answer).values(asked).on_conflict_do_nothing().returning(api_answer.c.login)
    return connection.execute(made).first() is not None


def keep_answer(connection: Connection, login: str, key: str, answer: dict[str, Any]) -> None:
    """Keep what the first to ask is answered."""
    mine = update(api_answer).where(api_answer.c.login == login, api_answer.c.key_sha256 == _hash(key))
    connection.execute(mine.values(answer=answer))


def forget_answers(connection: Connection, *, now: datetime) -> int:
    """Forget the answers that were kept long enough, and with them their keys; how many."""
    return connection.execute(delete(api_answer).where(api_answer.c.at <= now - ANSWERS_KEPT)).rowcount


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
