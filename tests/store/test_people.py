"""People who leave and come back: what was theirs opens nothing in between, nor after."""

from __future__ import annotations

import pytest

from pipeline.errors import MonitorError
from pipeline.store import Store, people, sessions, tokens
from tests.conftest import NOW

OLD, NEW = "four grey horses run", "nine green bottles stand"


def test_who_comes_back_chooses_a_new_password_and_nothing_older_opens(any_store: Store) -> None:
    with any_store.write() as connection:
        token = people.add(connection, "ada", name="Ada", role="reviewer", granted=[], by="op", now=NOW)
        people.accept(connection, token, OLD, now=NOW)
        session = people.sign_in(connection, "ada", OLD, now=NOW)
        bearer = tokens.issue(connection, "ada", name="t", scopes=["read"], days=9, by="op", now=NOW)
        unused = people.invite(connection, "ada", by="op", now=NOW)
        people.disable(connection, "ada", by="op", now=NOW)
        with pytest.raises(MonitorError, match="used up"):
            people.accept(connection, unused, NEW, now=NOW)
        again = people.invite(connection, "ada", by="op", now=NOW)
        assert session is not None
        assert sessions.find(connection, session.token, now=NOW) is None
        assert tokens.find(connection, bearer, now=NOW) is None
        assert people.sign_in(connection, "ada", OLD, now=NOW) is None
        people.accept(connection, again, NEW, now=NOW)
        assert people.sign_in(connection, "ada", OLD, now=NOW) is None
        assert people.sign_in(connection, "ada", NEW, now=NOW) is not None
