"""The second factor, on both databases: nothing opens without it, no code opens twice, guessing closes the account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select

from pipeline.errors import MonitorError, NotFound
from pipeline.store import Store, audit, factors, people, sessions
from pipeline.store.accounts import recovery_code, session

NOW = datetime(2025, 2, 14, 12, 0, 10, tzinfo=UTC)
PASSWORD = "four horses on a hill"


@pytest.fixture
def totp(any_store: Store) -> pyotp.TOTP:
    """Ada with a second factor; the code of the half minute before is used up."""
    with any_store.write() as connection:
        token = people.add(connection, "ada", name="Ada", role="reviewer", granted=[], by="test", now=NOW)
        people.accept(connection, token, PASSWORD, now=NOW)
        made = pyotp.TOTP(factors.begin(connection, "ada"))
        assert not factors.is_on(connection, "ada")
        assert factors.confirm(connection, "ada", made.at(NOW - timedelta(seconds=30)), now=NOW)
    return made


def first_step(store: Store, *, now: datetime = NOW) -> str:
    with store.write() as connection:
        made = people.sign_in(connection, "ada", PASSWORD, now=now)
    assert made is not None
    assert made.waits
    return made.token


def second_step(store: Store, token: str, code: str, *, now: datetime = NOW) -> str | None:
    with store.write() as connection:
        return people.second_step(connection, token, code, now=now)


def test_the_password_alone_opens_no_session(any_store: Store, totp: pyotp.TOTP) -> None:
    waiting = first_step(any_store)
    with any_store.read() as connection:
        assert sessions.find(connection, waiting, now=NOW) is None
    token = second_step(any_store, waiting, totp.at(NOW))
    assert token not in (None, waiting)
    with any_store.read() as connection:
        found = sessions.find(connection, token, now=NOW)
        assert found is not None
        assert found.login == "ada"
        assert len(connection.execute(select(session)).all()) == 1  # the waiting one is gone


@pytest.mark.parametrize("seconds", [-60, -30, 60, 90])
def test_a_code_of_another_time_is_refused(any_store: Store, totp: pyotp.TOTP, seconds: int) -> None:
    assert second_step(any_store, first_step(any_store), totp.at(NOW + timedelta(seconds=seconds))) is None


def test_a_code_is_taken_once_and_no_earlier_one_after_it(any_store: Store, totp: pyotp.TOTP) -> None:
    later = totp.at(NOW + timedelta(seconds=30))  # a telephone that is ahead
    assert second_step(any_store, first_step(any_store), later)
    for code in (later, totp.at(NOW)):
        assert second_step(any_store, first_step(any_store), code) is None


def test_a_code_sent_twice_at_once_is_taken_once(any_store: Store, totp: pyotp.TOTP) -> None:
    waiting = [first_step(any_store) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda token: second_step(any_store, token, totp.at(NOW)), waiting))
    assert sum(token is not None for token in opened) == 1


def test_five_wrong_codes_close_the_account_whatever_passwords_come_between(any_store: Store, totp: pyotp.TOTP) -> None:
    for _ in range(5):
        assert second_step(any_store, first_step(any_store), "not it") is None
    with any_store.write() as connection:
        assert people.sign_in(connection, "ada", PASSWORD, now=NOW) is None
        assert "account locked" in [event.action for event in audit.events(connection, subject="ada")]


def test_the_second_step_has_five_minutes(any_store: Store, totp: pyotp.TOTP) -> None:
    late = NOW + timedelta(minutes=6)
    assert second_step(any_store, first_step(any_store), totp.at(late), now=late) is None


def test_recovery_codes_are_kept_as_hashes_and_work_once(any_store: Store, totp: pyotp.TOTP) -> None:
    with any_store.write() as connection:
        factors.take_off(connection, "ada", by="operator", now=NOW)
        secret = pyotp.TOTP(factors.begin(connection, "ada"))
        codes = factors.confirm(connection, "ada", secret.at(NOW), now=NOW)
        assert codes is not None
        kept = set(connection.scalars(select(recovery_code.c.code_sha256)))
        assert len(kept) == factors.RECOVERY_CODES
        assert not any(code in kept or code.replace("-", "") in kept for code in codes)
        assert factors.take(connection, "ada", codes[3], now=NOW)
        assert not factors.take(connection, "ada", codes[3], now=NOW)
        assert not factors.take(connection, "bo", codes[4], now=NOW)


def test_a_factor_that_is_taken_off_is_asked_for_no_more(any_store: Store, totp: pyotp.TOTP) -> None:
    with any_store.write() as connection:
        with pytest.raises(MonitorError):
            factors.begin(connection, "ada")  # a session left open does not replace it
        factors.take_off(connection, "ada", by="operator", now=NOW)
        made = people.sign_in(connection, "ada", PASSWORD, now=NOW)
        assert made is not None
        assert not made.waits
        assert connection.execute(select(recovery_code)).all() == []
        with pytest.raises(NotFound):
            factors.take_off(connection, "ada", by="operator", now=NOW)
