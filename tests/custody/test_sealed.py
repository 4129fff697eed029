"""What is encrypted comes back as it was, from its own row, past its own guard, under a key that its owner alone may read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError

from pipeline.custody.keyring import Keyring, add_key, key_of, make_keyring
from pipeline.errors import ConfigurationError
from pipeline.store import Store, open_store
from pipeline.store.guards import lifted_for
from pipeline.store.schema import report
from pipeline.store.sealed import EMPTY, MARK, Sealed, use_keys
from tests.custody.test_encryption import TODAY, key_file, keyed, now
from tests.custody.test_erasure import STORY, Clock, hand_in

__all__ = ["key_file", "keyed", "now"]


@pytest.mark.parametrize(
    "change", ["received_at = '2001-01-01'", "line = 9", "text = 'x', line = 9", "raw = NULL, batch = 'b'"]
)
def test_the_guard_is_lifted_for_what_is_encrypted_alone(keyed: Store, tmp_path: Path, now: Clock, change: str) -> None:
    hand_in(keyed, tmp_path, "r.jsonl", [{"text": STORY}], now)

    def update_report(words: str) -> None:
        with keyed.write() as connection, lifted_for(connection, report, ["text", "raw", "sealed_by"]):
            connection.execute(text(f"UPDATE report SET {words}"))

    update_report("sealed_by = NULL")
    with pytest.raises(DBAPIError, match="append-only"):
        update_report(change)
    with pytest.raises(DBAPIError, match="append-only"), keyed.write() as connection:
        connection.execute(text("UPDATE report SET sealed_by = NULL"))  # not lifted any more


WORDS = st.text() | st.text().map(MARK.__add__) | st.just(f"{MARK}clear:YQ==") | st.just("{}")
CODE = Sealed("t.json", row=("id",), kind="json")
EACH = {"text": Sealed("t.text", row=("id",)), "json": CODE, "bytes": Sealed("t.bytes", row=("id",), kind="bytes")}


@settings(max_examples=60)
@given(
    words=WORDS.filter(lambda w: "\0" not in w and w.isprintable()),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | WORDS, lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    ),
    data=st.binary() | st.binary().map(MARK.encode().__add__),
    encrypted=st.booleans(),
)
def test_what_is_sealed_comes_back_as_it_was(words: str, value: Any, data: bytes, encrypted: bool) -> None:
    store, secret = open_store("sqlite://"), b"k" * 32
    key = key_of(secret) if encrypted else None
    if key:
        keys = Keyring.__new__(Keyring)
        keys._keys = {key.ident: key}
        use_keys(store.engine.dialect, keys)
    columns = [
        Column("id", Integer, primary_key=True),
        Column("sealed_by", String),
        *(Column(n, t) for n, t in EACH.items()),
    ]
    table = Table("t", MetaData(), *columns)
    given_ = {"text": words, "json": value, "bytes": data}
    with store.write() as connection:
        table.create(connection)
        row = {name: type_.sealed(given_[name], "1", key) for name, type_ in EACH.items()}
        ident = key.ident if key else None
        connection.execute(insert(table), {"id": 1, "sealed_by": ident, **row})
        assert connection.execute(select(table)).one()._asdict() == {"id": 1, "sealed_by": ident, **given_}
        if key and words not in EMPTY:
            raw = connection.execute(text("SELECT text FROM t")).scalar_one()
            assert raw.startswith(f"{MARK}{key.ident}:")
    store.dispose()


def test_a_row_that_was_not_made_ready_is_not_written(keyed: Store) -> None:
    with pytest.raises(StatementError, match=r"report\.text is written by way of"), keyed.write() as connection:
        connection.execute(update(report).values(text="words"))


def test_a_file_of_keys_is_for_its_owner_alone_and_whole(key_file: Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600
    first = Keyring(key_file)
    second = add_key(key_file, today=TODAY)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key_file.parent.iterdir()] == ["store.keys"]
    assert first.get(second.ident) == Keyring(key_file).newest  # the file is read again
    with pytest.raises(ConfigurationError, match="already"):
        make_keyring(key_file, today=TODAY)
    line = key_file.read_text().splitlines()[0]
    for damage in (line[:-5], line.replace(line[:8], "00000000"), "", "\n", line + " more"):
        key_file.write_text(damage)
        with pytest.raises(ConfigurationError, match="bring the file back"):
            Keyring(key_file)
    key_file.write_text(line)
    key_file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Keyring(key_file)
    with pytest.raises(ConfigurationError, match="no keys of the store can be read"):
        Keyring(key_file.parent / "none")
