"""Accounts elsewhere with which people sign in: an administrator says whose is whose, and nobody else.

A person is known by issuer and subject (OpenID Connect Core 1.0, 5.7). Where an administrator named an e-mail address,
the subject that first comes with it, verified, is the person's from then on: an address may be given to somebody else.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from pipeline.errors import ConfigurationError, NotFound
from pipeline.store import audit, sessions
from pipeline.store.accounts import identity, oidc_attempt, person

ATTEMPT = timedelta(minutes=10)


def link(
    connection: Connection, login: str, *, issuer: str, subject: str | None, email: str | None, by: str, now: datetime
) -> None:
    """Let somebody sign in with an account of this issuer; where they had another, it opens nothing and their sessions end."""
    if connection.execute(select(person.c.login).where(person.c.login == login)).one_or_none() is None:
        raise NotFound(f"there is no person {login!r}")
    if (subject is None) == (email is None):
        raise ConfigurationError("name the account by its subject, or by its e-mail address")
    folded = email.lower() if email else None
    taken = select(identity.c.login).where(
        identity.c.issuer == issuer, identity.c.login != login,
        identity.c.subject == subject if subject else identity.c.email == folded,
    )  # fmt: skip
    if other := connection.execute(taken).scalar_one_or_none():
        raise ConfigurationError(f"that account is {other}'s: take it from them first (--unlink)")
    if connection.execute(delete(identity).where(identity.c.login == login)).rowcount:
        sessions.end_all(connection, login)
    connection.execute(insert(identity).values(login=login, issuer=issuer, subject=subject, email=folded))
    audit.append(connection, at=now, actor=by, action="account linked", subject=login, body={"issuer": issuer})


def unlink(connection: Connection, login: str, *, by: str, now: datetime) -> None:
    """Let somebody sign in here alone; their sessions end. NotFound where no account is linked."""
    if not connection.execute(delete(identity).where(identity.c.login == login)).rowcount:
        raise NotFound(f"{login} has no linked account")
    sessions.end_all(connection, login)
    audit.append(connection, at=now, actor=by, action="account unlinked", subject=login, body={})


def owner(connection: Connection, *, issuer: str, subject: str, email: str | None) -> str | None:
    """The login of the person whose account it is; a verified `email` counts where no subject is known yet."""
    of_issuer = select(identity.c.login).where(identity.c.issuer == issuer)
    login = connection.execute(of_issuer.where(identity.c.subject == subject)).scalar_one_or_none()
    if login is None and email:
        unbound = of_issuer.where(identity.c.subject.is_(None), identity.c.email == email.lower())
        login = connection.execute(unbound).scalar_one_or_none()
        if login is not None:
            bound = update(identity).where(identity.c.login == login, identity.c.subject.is_(None))
            if connection.execute(bound.values(subject=subject)).rowcount != 1:  # another came with it at the same time
                return None
    return None if login is None else str(login)


def sign_out(
    connection: Connection, *, issuer: str, subject: str | None, sid: str | None, until: datetime, now: datetime
) -> None:
    """End the sessions of which the provider says that they are over, by its subject, its session, or both."""
    login = owner(connection, issuer=issuer, subject=subject, email=None) if subject else None
    if login is None and (subject or not sid):
        return
    for whose, ended in Counter(sessions.end_of_provider(connection, login=login, sid=sid, until=until)).items():
        body = {"by": "provider", "sessions": ended}
        audit.append(connection, at=now, actor=whose, action="signed out", subject=whose, body=body)


def attempt(connection: Connection, state: str, *, nonce: str, verifier: str, now: datetime) -> None:
    """Keep what a provider's answer will be held to, for ten minutes."""
    connection.execute(delete(oidc_attempt).where(oidc_attempt.c.expires_at <= now))
    values = {"state_sha256": sessions.hashed(state), "nonce": nonce, "verifier": verifier, "expires_at": now + ATTEMPT}
    connection.execute(insert(oidc_attempt).values(values))


def answered(connection: Connection, state: str, *, now: datetime) -> tuple[str, str] | None:
    """*(nonce, verifier)* of an attempt, once; None where there is none of that state, or it is too old."""
    mine = oidc_attempt.c.state_sha256 == sessions.hashed(state)
    row = connection.execute(select(oidc_attempt).where(mine, oidc_attempt.c.expires_at > now)).one_or_none()
    if row is None or not connection.execute(delete(oidc_attempt).where(mine)).rowcount:
        return None
    return row.nonce, row.verifier
