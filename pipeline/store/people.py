"""People who may sign in, and their invitations.

Five wrong passwords in a row close an account for a quarter of an hour. Whether an account exists is not told: a wrong
name takes as long as a wrong password. What fails is on record, so many times in a while; a name that nobody has is
not written down, since people type their password there by mistake.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Row, case, delete, insert, or_, select, update

from pipeline.access import ROLES, Role
from pipeline.errors import ConfigurationError, MonitorError, NotFound
from pipeline.store import audit, factors, passwords, sessions
from pipeline.store.accounts import api_token, identity, invitation, person

SECOND_STEP = timedelta(minutes=5)
INVITATION, LOCK = timedelta(days=3), timedelta(minutes=15)
MOST_FAILURES = 5
NOBODY = "nobody known"
"""Who did it, and whom it was about, where no account is concerned."""
HOUSE = frozenset(("clock", "deliver", "demo", "monitor", "nightly", "retention", "triage"))
"""What the house itself goes by in the chain and in batches: a person of that login would be taken for it."""
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


@dataclass(frozen=True)
class Person:
    login: str
    name: str
    role: Role
    granted: frozenset[str]


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
    if login in HOUSE:
        raise ConfigurationError(f"{login!r} is what Sitrep goes by itself: choose another login, such as a.okoye")
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
    """A fresh invitation, which takes the place of earlier ones: also for a forgotten password, or for who comes back.

    An account that was closed opens again, with the password that they choose now alone.
    """
    found = _find(connection, login)
    if found is None:
        raise NotFound(f"there is no person {login!r}")
    if found.disabled:
        connection.execute(update(person).where(person.c.login == login).values(disabled=False, password=None))
    token = secrets.token_urlsafe(32)
    connection.execute(delete(invitation).where(invitation.c.login == login))
    connection.execute(
        insert(invitation).values(token_sha256=sessions.hashed(token), login=login, expires_at=now + INVITATION)
    )
    body = {"opened again": True} if found.disabled else {}
    audit.append(connection, at=now, actor=by, action="person invited", subject=login, body=body)
    return token


def accept(connection: Connection, token: str, password: str, *, now: datetime) -> str:
    """Take up an invitation with a password of one's own; the login."""
    row = connection.execute(
        select(invitation).where(invitation.c.token_sha256 == sessions.hashed(token), invitation.c.expires_at > now)
    ).one_or_none()
    if row is None:
        raise MonitorError("this invitation is used up or too old: ask for another one")
    passwords.check(password, login=row.login)
    connection.execute(delete(invitation).where(invitation.c.login == row.login))
    sessions.end_all(connection, row.login)
    _set_password(connection, row.login, password, now=now)
    return str(row.login)


def change_password(
    connection: Connection, login: str, old: str, new: str, *, token: str, now: datetime
) -> bool:  # fmt: skip
    """Set a password of one's own, with the old one: every session but that of `token` ends. Whether the old was right.

    A wrong one counts as it does at signing in.
    """
    row = _tried(connection, login)
    if row is None or not row.password or _closed(row, now):
        return False
    if not passwords.matches(row.password, old):
        _count_failure(connection, row, now=now)
        return False
    passwords.check(new, login=login)
    sessions.end_all(connection, login, but=token)
    _set_password(connection, login, new, now=now)
    return True


def _set_password(connection: Connection, login: str, password: str, *, now: datetime) -> None:
    values = {"password": passwords.kept(password), "failures": 0, "locked_until": None}
    connection.execute(update(person).where(person.c.login == login).values(values))
    audit.append(connection, at=now, actor=login, action="password set", subject=login, body={})


def sign_in(
    connection: Connection, login: str, password: str, *, now: datetime, lasts: timedelta = sessions.LENGTH
) -> SignIn | None:
    """A new session; None where name or password is wrong, or the account is closed for now.

    Who has a second factor is not signed in before `second_step`.
    """
    row = _tried(connection, login)
    right = passwords.matches(row.password if row is not None else None, password)
    if row is None or not right or _closed(row, now):
        failed(connection, login if row is not None else NOBODY, step="password", now=now)
        if row is not None and not right and row.password and not _closed(row, now):
            _count_failure(connection, row, now=now)
        return None
    return begin(connection, login, now=now, lasts=lasts)


def sign_in_elsewhere(
    connection: Connection, login: str, *, role: Role | None, sid: str, now: datetime, lasts: timedelta
) -> SignIn | None:
    """A new session for somebody whom a provider signed in; None where the account is closed.

    A `role` that the provider's claims are mapped to is theirs from now on; `sid` names its own session, or is empty.
    """
    row = _find(connection, login)
    if row is None or _closed(row, now):
        return None
    if role is not None and role != row.role:
        connection.execute(update(person).where(person.c.login == login).values(role=role))
        body = {"from": row.role, "to": role, "by": "claim"}
        audit.append(connection, at=now, actor=login, action="role changed", subject=login, body=body)
    return begin(connection, login, now=now, lasts=lasts, provider_sid=sid)


def begin(
    connection: Connection, login: str, *, now: datetime, lasts: timedelta, provider_sid: str | None = None
) -> SignIn:
    """A session for somebody whose first step was right; it waits where they have a second factor."""
    if factors.is_on(connection, login):  # wrong codes go on counting: only a whole sign-in forgives
        token = sessions.begin(connection, login, now=now, lasts=SECOND_STEP, waits=True, provider_sid=provider_sid)
        return SignIn(token, waits=True)
    return SignIn(_signed_in(connection, login, now=now, lasts=lasts, provider_sid=provider_sid), waits=False)


def second_step(
    connection: Connection, token: str, code: str, *, now: datetime, lasts: timedelta = sessions.LENGTH
) -> str | None:
    """The token of a session, for that of a waiting one and the code of the second factor; None where it is wrong."""
    first = sessions.waiting(connection, token, now=now)
    if first is None:
        return None
    if not check_code(connection, first.login, code, now=now):
        failed(connection, first.login, step="code", now=now)
        return None
    sessions.end(connection, token)
    return _signed_in(connection, first.login, now=now, lasts=lasts, provider_sid=first.provider_sid)


def check_code(connection: Connection, login: str, code: str, *, now: datetime) -> bool:
    """Whether a code of the second factor is right, and not used; a wrong one counts as a wrong password does."""
    row = _tried(connection, login)
    if row is None or _closed(row, now):
        return False
    right = factors.take(connection, login, code, now=now)
    if not right:
        _count_failure(connection, row, now=now)
    return right


def failed(connection: Connection, login: str, *, step: str, now: datetime) -> None:
    """Put on record that somebody could not sign in."""
    audit.append_some(
        connection, at=now, actor=NOBODY, action="sign-in failed", subject=login, body={"step": step}
    )  # fmt: skip


def _closed(row: Row[Any], now: datetime) -> bool:
    return row.disabled or (row.locked_until is not None and row.locked_until > now)


def _count_failure(connection: Connection, row: Row[Any], *, now: datetime) -> None:
    failures = row.failures + 1
    locked = now + LOCK if failures >= MOST_FAILURES else None
    connection.execute(
        update(person)
        .where(person.c.login == row.login)
        .values(failures=0 if locked else failures, locked_until=locked)
    )
    if locked:
        sessions.end_waiting(connection, row.login)
        audit.append(connection, at=now, actor=row.login, action="account locked", subject=row.login, body={})


def _signed_in(connection: Connection, login: str, *, now: datetime, lasts: timedelta, provider_sid: str | None) -> str:
    connection.execute(update(person).where(person.c.login == login).values(failures=0, locked_until=None))
    audit.append(connection, at=now, actor=login, action="signed in", subject=login, body={})
    return sessions.begin(connection, login, now=now, lasts=lasts, provider_sid=provider_sid)


def disable(connection: Connection, login: str, *, by: str, now: datetime) -> None:
    """Close an account and end its sessions, tokens and invitations; what the person did stays."""
    if not connection.execute(update(person).where(person.c.login == login).values(disabled=True)).rowcount:
        raise NotFound(f"there is no person {login!r}")
    sessions.end_all(connection, login)
    for table in (api_token, invitation):
        connection.execute(delete(table).where(table.c.login == login))
    audit.append(connection, at=now, actor=by, action="person disabled", subject=login, body={})


def everybody(connection: Connection) -> list[Row[Any]]:
    """All people by login, each with what they are: `active`, `invited` or `disabled`."""
    can = or_(person.c.password.is_not(None), identity.c.login.is_not(None))
    state = case((person.c.disabled, "disabled"), (can, "active"), else_="invited").label("state")
    query = select(person, state).outerjoin(identity, identity.c.login == person.c.login)
    return list(connection.execute(query.order_by(person.c.login)))


def find(connection: Connection, login: str) -> Person:
    """A person who may sign in; NotFound where there is none of that login, or the account is closed."""
    row = _find(connection, login)
    if row is None or row.disabled:
        raise NotFound(f"there is no person {login!r}")
    return as_person(row)


def has_password(connection: Connection, login: str) -> bool:
    """Whether somebody chose a password here."""
    row = _find(connection, login)
    return row is not None and bool(row.password)


def _find(connection: Connection, login: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(person).where(person.c.login == login)).one_or_none()


def _tried(connection: Connection, login: str) -> Row[tuple[object, ...]] | None:
    """Somebody whose password or code is tried: one try at a time, so that none is left out of the count."""
    return connection.execute(select(person).where(person.c.login == login).with_for_update()).one_or_none()


def as_person(row: Row[tuple[object, ...]]) -> Person:
    return Person(str(row.login), str(row.name), cast(Role, row.role), frozenset(row.granted))
