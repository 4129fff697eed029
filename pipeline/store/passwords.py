"""Passwords: what is taken as one, and how it is kept (argon2id, RFC 9106)."""

from __future__ import annotations

import secrets
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pipeline.errors import MonitorError

SHORTEST, LONGEST = 12, 1000


def check(password: str, *, login: str) -> None:
    """MonitorError where it is too short, known from leaks, or made of the login."""
    if len(password) < SHORTEST:
        raise MonitorError(f"a password has at least {SHORTEST} characters; a sentence is fine")
    folded = password[:LONGEST].casefold()
    if folded in _common() or len(set(folded)) < 4:
        raise MonitorError(
            "that password is among the first that anybody would try: choose another, such as a sentence"
        )
    if login in folded and len(folded) - len(login) < SHORTEST:
        raise MonitorError("a password is not made of the login: choose another, such as a sentence")


def kept(password: str) -> str:
    """What is stored of it."""
    return _hasher().hash(password[:LONGEST])


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password; where none is stored, no, in the time that it takes to look."""
    try:
        return _hasher().verify(stored or _decoy(), password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _common() -> frozenset[str]:
    lines = files("pipeline.store").joinpath("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _decoy() -> str:
    """What the password of nobody is checked against, so that it takes as long as anybody's."""
    return _hasher().hash(secrets.token_urlsafe(16))
