"""The encryption of a workspace's store: how it stands, and bringing it under a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.workspace import Workspace, utc_now
from pipeline.custody import resealing
from pipeline.custody.keyring import Key, Keyring, add_key
from pipeline.errors import ConfigurationError
from pipeline.store.sealed import keys_of
from pipeline.store.sealing import in_force


@dataclass(frozen=True)
class Status:
    """How the store stands: keys by their ids, and how many rows are not under the one in force."""

    key: str | None
    earlier: tuple[str | None, ...]
    newest: str | None
    left: int


def status(opened: Workspace) -> Status:
    keys = keys_of(opened.store.engine.dialect)
    with opened.store.read() as connection:
        now = in_force(connection)
        left = resealing.what_is_left(connection).count if now.is_on else 0
    return Status(
        now.key.ident if now.key else None, tuple(key.ident if key else None for key in now.earlier),
        keys.newest.ident if keys else None, left,
    )  # fmt: skip


def switch_on(opened: Workspace, *, actor: str, progress: Callable[[int], None]) -> int:
    """Encrypt what is not encrypted yet, under the newest key; how many rows there were."""
    now = status(opened)
    key = None if now.key else _keys(opened)[1].newest
    return _bring_under(opened, key, actor=actor, progress=progress)


def rotate(opened: Workspace, *, actor: str, progress: Callable[[int], None]) -> int:
    """Encrypt everything under a new key; one that was begun with is finished first, and no other made."""
    now = status(opened)
    if now.key is None:
        raise ConfigurationError("the store is not encrypted: `sitrep encryption on` does so")
    path, keys = _keys(opened)
    if now.earlier:
        key = None
    else:
        key = keys.newest if keys.newest.ident != now.key else add_key(path, today=utc_now().date())
    return _bring_under(opened, key, actor=actor, progress=progress)


def switch_off(opened: Workspace, *, actor: str, progress: Callable[[int], None]) -> int:
    """Write everything as it is again."""
    resealing.begin(opened.store, None, now=utc_now(), actor=actor)
    return _finish(opened, actor=actor, progress=progress)


def _bring_under(opened: Workspace, key: Key | None, *, actor: str, progress: Callable[[int], None]) -> int:
    """Put a key in force, where there is one to be, and bring all rows under what is in force."""
    if key is not None:
        resealing.begin(opened.store, key, now=utc_now(), actor=actor)
    return _finish(opened, actor=actor, progress=progress)


def _finish(opened: Workspace, *, actor: str, progress: Callable[[int], None]) -> int:
    rows = resealing.finish(opened.store, now=utc_now, actor=actor, progress=progress)
    if rows or opened.store.owes_compaction:
        opened.store.compact()  # no page keeps what was written over
    return rows


def _keys(opened: Workspace) -> tuple[Path, Keyring]:
    path, keys = opened.settings.encryption.key_file, keys_of(opened.store.engine.dialect)
    if path is None or keys is None:
        raise ConfigurationError(
            "no file of keys is named: run `sitrep encryption key FILE` and put what it prints into sitrep.toml"
        )
    return opened.settings.path(path), keys
