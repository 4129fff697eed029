"""Signed heads: whoever rewrites the store is found out, the end of the chain included."""

from __future__ import annotations

import base64
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select, text, update

from flows.custody import check_chain, sign_head
from flows.workspace import Workspace, init_workspace
from pipeline.custody.check import Head, Refused, leaf_hash, read_head, read_verifier, root_from_path
from pipeline.custody.heads import keep, load_key, make_key, read_heads, sign, trusted, verifier_of
from pipeline.errors import ConfigurationError, StoreError
from pipeline.settings import load_settings
from pipeline.store import Store, audit, merkle
from pipeline.store.schema import audit_event, audit_head
from tests.conftest import NOW

DESK = "desk.example.org"
EVENTS = 40
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = trusted([verifier_of(KEY, name=DESK)])


def write_events(store: Store, count: int = EVENTS) -> None:
    with store.write() as connection:
        for number in range(count):
            audit.append(connection, at=NOW, actor="test", action="note", subject=f"s{number}", body={"n": number})


def signed(store: Store) -> Head:
    with store.read() as connection:
        return read_head(sign(connection, KEY, name=DESK, now=NOW), TRUSTED)


@dataclass
class Intruder:
    """Somebody with the right to write anything into the database, who covers every trace that it holds."""

    connection: Connection
    rng: random.Random

    def edit(self) -> None:
        column = self.rng.choice(["actor", "action", "subject"])
        self.change(self.somewhere(), **{column: f"x{self.rng.random()}"})

    def edit_body(self) -> None:
        self.change(self.somewhere(), body={"n": self.rng.random()})

    def edit_time(self) -> None:
        self.change(self.somewhere(), at=NOW + timedelta(seconds=self.rng.randint(1, 10**6)))

    def delete(self) -> None:
        gone = self.somewhere()
        self.connection.execute(delete(audit_event).where(audit_event.c.seq == gone))
        for seq in range(gone + 1, EVENTS + 1):
            self.change(seq, seq=seq - 1)

    def insert(self) -> None:
        at = self.somewhere()
        for seq in range(EVENTS, at - 1, -1):
            self.change(seq, seq=seq + 1)
        row = self.connection.execute(select(audit_event).where(audit_event.c.seq == at + 1)).one()
        values = {**row._mapping, "seq": at, "subject": f"new {self.rng.random()}", "hash": f"{self.rng.random()}"}
        self.connection.execute(audit_event.insert().values(values))

    def swap(self) -> None:
        one, other = self.rng.sample(range(1, EVENTS + 1), 2)
        self.change(one, seq=-1)
        self.change(other, seq=one)
        self.change(-1, seq=other)

    def truncate(self) -> None:
        self.connection.execute(delete(audit_event).where(audit_event.c.seq >= self.somewhere()))

    def somewhere(self) -> int:
        return self.rng.randint(1, EVENTS)

    def change(self, seq_: int, /, **values: object) -> None:
        self.connection.execute(update(audit_event).where(audit_event.c.seq == seq_).values(**values))

    def cover(self) -> None:
        """Write every link and the head anew, so that the chain holds together."""
        previous, seq = audit.GENESIS, 0
        for row in self.connection.execute(select(audit_event).order_by(audit_event.c.seq)).all():
            digest = audit.event_hash(
                seq=row.seq, at=row.at, actor=row.actor, action=row.action, subject=row.subject, body=row.body,
                previous=previous,
            )  # fmt: skip
            if (row.previous, row.hash) != (previous, digest):
                self.change(row.seq, previous=previous, hash=digest)
            previous, seq = digest, row.seq
        self.connection.execute(update(audit_head).values(seq=seq, hash=previous))


KINDS = ("edit", "edit_body", "edit_time", "delete", "insert", "swap", "truncate")


@pytest.mark.parametrize("covered", [False, True], ids=["as it is", "chain written anew"])
def test_each_of_a_thousand_tamperings_is_found(store: Store, covered: bool) -> None:
    write_events(store)
    head = signed(store)
    rng, found = random.Random(7), dict.fromkeys(KINDS, 0)
    with store.engine.connect() as connection:
        outer = connection.begin()
        for verb in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_event_no_{verb}"))
        for number in range(1000):
            kind = KINDS[number % len(KINDS)]
            inner = connection.begin_nested()
            intruder = Intruder(connection, rng)
            getattr(intruder, kind)()
            if covered:
                intruder.cover()
                assert audit.verify(connection).broken_at is None, "the intruder's chain holds together by itself"
            assert audit.verify(connection, heads=[head]).broken_at is not None, f"{kind}, round {number}"
            found[kind] += 1
            inner.rollback()
        assert audit.verify(connection, heads=[head]).broken_at is None
        outer.rollback()
    assert sum(found.values()) == 1000


def test_what_came_after_the_head_is_no_tampering(any_store: Store) -> None:
    write_events(any_store, 3)
    heads = [signed(any_store)]
    write_events(any_store, 3)
    heads.append(signed(any_store))
    write_events(any_store, 1)
    with any_store.read() as connection:
        assert audit.verify(connection, heads=heads).broken_at is None


def test_a_cut_off_end_is_named_with_the_day_of_the_head(store: Store) -> None:
    write_events(store)
    head = signed(store)
    with store.write() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_delete"))
        connection.execute(delete(audit_event).where(audit_event.c.seq > 30))
        Intruder(connection, random.Random(0)).cover()
        found = audit.verify(connection, heads=[head])
    assert found.broken_at == 31
    assert "40 events were signed at 2025-02-14T12:00:00Z" in str(found.problem)


@given(st.integers(1, 70), st.data())
def test_a_path_leads_from_every_leaf_to_the_root_and_from_no_other(size: int, data: st.DataObject) -> None:
    leaves = [bytes([number]) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = merkle.path(index, size, lambda start, end: merkle.root(leaves[start:end]))
    root = merkle.root(leaves)
    assert root_from_path(leaf_hash(leaves[index]), index=index, size=size, path=path) == root
    for wrong in {*range(size)} - {index}:
        try:
            assert root_from_path(leaf_hash(leaves[index]), index=wrong, size=size, path=path) != root
        except Refused:
            continue


def test_a_note_is_that_of_the_standard() -> None:
    # The example of Go's golang.org/x/mod/sumdb/note, which verifies our heads as well.
    verifier = read_verifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    words = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    encoded = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    signature = base64.b64decode(encoded)
    assert signature[:4] == verifier.key_id
    verifier.key.verify(signature[4:], words.encode())


@pytest.mark.parametrize("part", range(4))
def test_a_head_that_was_altered_is_refused(store: Store, part: int) -> None:
    write_events(store, 3)
    with store.read() as connection:
        note = sign(connection, KEY, name=DESK, now=NOW)
    lines = note.split("\n")
    changed = [DESK + "x", "4", base64.b64encode(bytes(32)).decode(), "2025-02-15T12:00:00Z"]
    lines[part] = changed[part]
    with pytest.raises(Refused, match="altered"):
        read_head("\n".join(lines), TRUSTED)


def test_a_head_of_another_key_is_refused(store: Store) -> None:
    write_events(store, 1)
    with store.read() as connection:
        note = sign(connection, Ed25519PrivateKey.generate(), name=DESK, now=NOW)
    with pytest.raises(Refused, match="no key that is trusted"):
        read_head(note, TRUSTED)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit.pem"
    words = make_key(path, name=DESK)
    assert path.stat().st_mode & 0o777 == 0o600
    assert verifier_of(load_key(path), name=DESK) == words
    with pytest.raises(ConfigurationError, match="already"):
        make_key(path, name=DESK)
    with pytest.raises(ConfigurationError, match="letters"):
        make_key(tmp_path / "other", name="two words")


def test_a_forged_file_among_the_heads_is_named(store: Store, tmp_path: Path, now: Callable[[], object]) -> None:
    write_events(store, 2)
    with store.read() as connection:
        note = sign(connection, KEY, name=DESK, now=NOW)
    path = keep(note, tmp_path, head=read_head(note, TRUSTED))
    assert [head.size for _, head in read_heads(tmp_path, TRUSTED)] == [2]
    path.write_text(note.replace("\n2\n", "\n1\n"))
    with pytest.raises(StoreError, match=path.name):
        read_heads(tmp_path, TRUSTED)


def test_an_old_database_put_back_with_its_own_heads_is_told_by_heads_kept_elsewhere(tmp_path: Path) -> None:
    init_workspace(desk := tmp_path / "desk")
    words = make_key(tmp_path / "audit.pem", name=DESK)
    with (desk / "sitrep.toml").open("a") as stream:
        stream.write(f'\n[audit]\nname = "{DESK}"\nkey_file = "../audit.pem"\nverifiers = ["{words}"]\n')

    def opened() -> Workspace:
        return Workspace(load_settings(desk))

    write_events(opened().store, 3)
    sign_head(opened())
    shutil.copytree(desk, old := tmp_path / "old")
    write_events(opened().store, 3)
    kept, _ = sign_head(opened())
    (witness := tmp_path / "witness").mkdir()
    shutil.copy(kept, witness)

    shutil.copy(old / "sitrep.db", desk / "sitrep.db")  # the heads stay
    found, _ = check_chain(opened())
    assert "the end was cut off" in str(found.problem)
    newer = kept.read_bytes()
    kept.unlink()  # the heads as well
    assert check_chain(opened())[0].broken_at is None
    assert "the end was cut off" in str(check_chain(opened(), elsewhere=witness)[0].problem)
    next(desk.rglob("*.head")).write_bytes(newer)  # one head under the name of another
    assert "the end was cut off" in str(check_chain(opened())[0].problem)
