"""A second factor for signing in: codes by the clock (TOTP, RFC 6238), and recovery codes for a lost telephone.

A code is good for its half minute and the ones beside it, and only once: the step of the last code taken is kept, and
an earlier or equal one is refused (RFC 6238, section 5.2). Recovery codes are kept as SHA-256; they are drawn with 80
bits, so that nothing slower is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

import pyotp
from sqlalchemy import Connection, delete, insert, select, update

from pipeline.errors import MonitorError, NotFound
from pipeline.store import audit
from pipeline.store.accounts import recovery_code, second_factor

STEP = 30
"""Seconds that a code is shown for."""
RECOVERY_CODES = 10
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def is_on(connection: Connection, login: str) -> bool:
    """Whether a person has a second factor that they confirmed."""
    query = select(second_factor.c.login).where(
        second_factor.c.login == login, second_factor.c.confirmed_at.is_not(None)
    )
    return connection.execute(query).one_or_none() is not None


def begin(connection: Connection, login: str) -> str:
    """A fresh secret, in Base32; it counts for nothing until a code of it is confirmed."""
    if is_on(connection, login):
        raise MonitorError("there is a second factor already: take it off first")
    secret = pyotp.random_base32()
    connection.execute(delete(second_factor).where(second_factor.c.login == login))
    connection.execute(insert(second_factor).values(login=login, secret=secret, last_step=0))
    return secret


def unconfirmed(connection: Connection, login: str) -> str:
    """The secret that waits for its first code; NotFound where none does."""
    query = select(second_factor.c.secret).where(second_factor.c.login == login, second_factor.c.confirmed_at.is_(None))
    if (secret := connection.execute(query).scalar_one_or_none()) is None:
        raise NotFound("no second factor is being set up")
    return str(secret)


def address(login: str, secret: str) -> str:
    """What a QR code for an authenticator holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="Sitrep")


def confirm(connection: Connection, login: str, code: str, *, now: datetime) -> list[str] | None:
    """Turn the second factor on with its first code; recovery codes, told this once. None where the code is wrong."""
    if is_on(connection, login) or not _take_code(connection, login, code, now=now):
        return None
    connection.execute(update(second_factor).where(second_factor.c.login == login).values(confirmed_at=now))
    connection.execute(delete(recovery_code).where(recovery_code.c.login == login))
    codes = ["-".join(_drawn(8) for _ in range(2)) for _ in range(RECOVERY_CODES)]
    connection.execute(insert(recovery_code), [{"login": login, "code_sha256": _hash(code)} for code in codes])
    audit.append(connection, at=now, actor=login, action="second factor set", subject=login, body={})
    return codes


def take(connection: Connection, login: str, code: str, *, now: datetime) -> bool:
    """Whether a code, by the clock or for recovery, is right and was not used; it is used up."""
    if _take_code(connection, login, code, now=now):
        return True
    spent = delete(recovery_code).where(recovery_code.c.login == login, recovery_code.c.code_sha256 == _hash(code))
    if not connection.execute(spent).rowcount:
        return False
    audit.append(connection, at=now, actor=login, action="recovery code used", subject=login, body={})
    return True


def take_off(connection: Connection, login: str, *, by: str, now: datetime) -> None:
    """Take the second factor and its recovery codes away; NotFound where there is none."""
    connection.execute(delete(recovery_code).where(recovery_code.c.login == login))
    if not connection.execute(delete(second_factor).where(second_factor.c.login == login)).rowcount:
        raise NotFound(f"{login} has no second factor")
    audit.append(connection, at=now, actor=by, action="second factor taken off", subject=login, body={})


def _take_code(connection: Connection, login: str, code: str, *, now: datetime) -> bool:
    row = connection.execute(select(second_factor).where(second_factor.c.login == login)).one_or_none()
    if row is None:
        return False
    given = "".join(code.split())
    this = int(now.timestamp()) // STEP
    right = _step_of(given, pyotp.TOTP(row.secret), [this - 1, this, this + 1])
    if right is None:
        return False
    # Two requests with one code may come at once: the row takes the step of one of them only.
    used = update(second_factor).where(second_factor.c.login == login, second_factor.c.last_step < right)
    return connection.execute(used.values(last_step=right)).rowcount == 1


def _step_of(code: str, totp: pyotp.TOTP, steps: Sequence[int]) -> int | None:
    """The step whose code it is; each is compared in constant time."""
    found = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())]
    return found[-1] if found else None


def _drawn(letters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(letters))


def _hash(code: str) -> str:
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()
