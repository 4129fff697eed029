"""People who may sign in, their invitations and sessions.

Passwords are kept as argon2id (RFC 9106), tokens as SHA-256. Five wrong passwords in a row close an account for a
quarter of an hour. Whether an account exists is not told: a wrong name takes as long as a wrong password.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, insert, select, update

from pipeline.access import ROLES, Role
from pipeline.errors import ConfigurationError, MonitorError, NotFound
from pipeline.store import audit, factors
from pipeline.store.schema import invitation, person, session

SECOND_STEP = timedelta(minutes=5)
SESSION, INVITATION, LOCK = timedelta(hours=10), timedelta(days=3), timedelta(minutes=15)
MOST_FAILURES, SHORTEST_PASSWORD = 5, 12
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


@dataclass(frozen=True)
class Person:
    login: str
    name: str
    role: Role
    granted: frozenset[str]


@dataclass(frozen=True)
class Session:
    """A signed-in person; `csrf` has to come back with every form."""

    person: Person
    csrf: str


@dataclass(frozen=True)
class SignIn:
    """The token of a session; one that `waits` is good for nothing but the second step, within five minutes."""

    token: str
    waits: bool


def add(
    connection: Connection, login: str, *, name: str, role: str, granted: Collection[str], by: str, now: datetime
) -> str:
    """A new person; the token of an invitation with which they choose a password, once, within three days."""
    if not _LOGIN.fullmatch(login):
        raise ConfigurationError(f"{login!r} is no login: small letters, digits, dots and hyphens, such as a.okoye")
    if role not in ROLES:
        raise ConfigurationError(f"{role!r} is no role; roles: {', '.join(ROLES)}")
    if _find(connection, login) is not None:
        raise ConfigurationError(f"there is a person {login!r} already: invite them again instead")
    connection.execute(
        insert(person).values(login=login, name=name, role=role, granted=sorted(granted), created_at=now)
    )
    audit.append(
        connection,
        at=now,
        actor=by,
        action="person added",
        subject=login,
        body={"role": role, "granted": sorted(granted)},
    )
    return invite(connection, login, by=by, now=now)


def invite(connection: Connection, login: str, *, by: str, now: datetime) -> str:
    """A fresh invitation, which takes the place of earlier ones: also for a forgotten password."""
    if _find(connection, login) is None:
        raise NotFound(f"there is no person {login!r}")
    token = secrets.token_urlsafe(32)
    connection.execute(delete(invitation).where(invitation.c.login == login))
    connection.execute(insert(invitation).values(token_sha256=_hash(token), login=login, expires_at=now + INVITATION))
    audit.append(connection, at=now, actor=by, action="person invited", subject=login, body={})
    return token


def accept(connection: Connection, token: str, password: str, *, now: datetime) -> str:
    """Take up an invitation with a password of one's own; the login."""
    row = connection.execute(
        select(invitation).where(invitation.c.token_sha256 == _hash(token), invitation.c.expires_at > now)
    ).one_or_none()
    if row is None:
        raise MonitorError("this invitation is used up or too old: ask for another one")
    if len(password) < SHORTEST_PASSWORD:
        raise MonitorError(f"a password has at least {SHORTEST_PASSWORD} characters; a sentence is fine")
    connection.execute(delete(invitation).where(invitation.c.login == row.login))
    connection.execute(delete(session).where(session.c.login == row.login))
    connection.execute(
        update(person)
        .where(person.c.login == row.login)
        .values(password=_hasher().hash(password), failures=0, locked_until=None)
    )
    audit.append(connection, at=now, actor=row.login, action="password set", subject=row.login, body={})
    return str(row.login)


def sign_in(connection: Connection, login: str, password: str, *, now: datetime) -> SignIn | None:
    """A new session; None where name or password is wrong, or the account is closed for now.

    Who has a second factor is not signed in before `second_step`.
    """
    row = _find(connection, login)
    stored = row.password if row is not None and row.password else _decoy()
    right = _matches(stored, password)
    if row is None or not row.password or row.disabled or (row.locked_until is not None and row.locked_until > now):
        return None
    if not right:
        _count_failure(connection, row, now=now)
        return None
    if factors.is_on(connection, login):  # wrong codes go on counting: only a whole sign-in forgives
        return SignIn(_open(connection, login, expires_at=now + SECOND_STEP, waits=True, now=now), waits=True)
    return SignIn(_signed_in(connection, login, now=now), waits=False)


def second_step(connection: Connection, token: str, code: str, *, now: datetime) -> str | None:
    """The token of a session, for that of a waiting one and the code of the second factor; None where it is wrong."""
    waiting = select(session.c.login).where(
        session.c.token_sha256 == _hash(token), session.c.waits.is_(True), session.c.expires_at > now
    )
    login = connection.execute(waiting).scalar_one_or_none()
    if login is None or not check_code(connection, login, code, now=now):
        return None
    sign_out(connection, token)
    return _signed_in(connection, login, now=now)


def check_code(connection: Connection, login: str, code: str, *, now: datetime) -> bool:
    """Whether a code of the second factor is right, and not used; a wrong one counts as a wrong password does."""
    row = _find(connection, login)
    if row is None or row.disabled or (row.locked_until is not None and row.locked_until > now):
        return False
    right = factors.take(connection, login, code, now=now)
    if not right:
        _count_failure(connection, row, now=now)
    return right


def _count_failure(connection: Connection, row: Row[Any], *, now: datetime) -> None:
    failures = row.failures + 1
    locked = now + LOCK if failures >= MOST_FAILURES else None
    connection.execute(
        update(person)
        .where(person.c.login == row.login)
        .values(failures=0 if locked else failures, locked_until=locked)
    )
    if locked:
        connection.execute(delete(session).where(session.c.login == row.login, session.c.waits.is_(True)))
        audit.append(connection, at=now, actor=row.login, action="account locked", subject=row.login, body={})


def _signed_in(connection: Connection, login: str, *, now: datetime) -> str:
    connection.execute(update(person).where(person.c.login == login).values(failures=0, locked_until=None))
    token = _open(connection, login, expires_at=now + SESSION, waits=False, now=now)
    audit.append(connection, at=now, actor=login, action="signed in", subject=login, body={})
    return token


def _open(connection: Connection, login: str, *, expires_at: datetime, waits: bool, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    connection.execute(delete(session).where(session.c.expires_at <= now))
    connection.execute(
        insert(session).values(
            token_sha256=_hash(token), login=login, csrf=secrets.token_urlsafe(24), expires_at=expires_at, waits=waits
        )
    )
    return token


def find_session(connection: Connection, token: str | None, *, now: datetime) -> Session | None:
    """The session of a token, while it lasts and its person is not disabled."""
    if not token:
        return None
    row = connection.execute(
        select(session.c.csrf, person)
        .join(person, person.c.login == session.c.login)
        .where(
            session.c.token_sha256 == _hash(token),
            session.c.expires_at > now,
            session.c.waits.is_(False),
            person.c.disabled.is_(False),
        )
    ).one_or_none()
    return None if row is None else Session(as_person(row), row.csrf)


def sign_out(connection: Connection, token: str) -> None:
    connection.execute(delete(session).where(session.c.token_sha256 == _hash(token)))


def disable(connection: Connection, login: str, *, by: str, now: datetime) -> None:
    """Close an account and end its sessions; what the person did stays."""
    if not connection.execute(update(person).where(person.c.login == login).values(disabled=True)).rowcount:
        raise NotFound(f"there is no person {login!r}")
    connection.execute(delete(session).where(session.c.login == login))
    audit.append(connection, at=now, actor=by, action="person disabled", subject=login, body={})


def everybody(connection: Connection) -> list[Row[tuple[object, ...]]]:
    return list(connection.execute(select(person).order_by(person.c.login)))


def find(connection: Connection, login: str) -> Person:
    """A person who may sign in; NotFound where there is none of that login, or the account is closed."""
    row = _find(connection, login)
    if row is None or row.disabled:
        raise NotFound(f"there is no person {login!r}")
    return as_person(row)


def _find(connection: Connection, login: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(person).where(person.c.login == login)).one_or_none()


def as_person(row: Row[tuple[object, ...]]) -> Person:
    return Person(str(row.login), str(row.name), cast(Role, row.role), frozenset(row.granted))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _decoy() -> str:
    """What the password of nobody is checked against, so that it takes as long as anybody's."""
    return _hasher().hash(secrets.token_urlsafe(16))


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
