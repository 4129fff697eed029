"""Bring a database to this version's schema, from nothing or from an earlier one."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from pipeline.store.engine import Store


def upgrade(store: Store, *, revision: str = "head") -> None:
    """Apply the migrations up to `revision` in one transaction; safe to repeat."""
    _run(store, lambda config: command.upgrade(config, revision))


def downgrade(store: Store, *, revision: str) -> None:
    """Take migrations back down to `revision` (`base` for none)."""
    _run(store, lambda config: command.downgrade(config, revision))


def _run(store: Store, action: Callable[[Config], None]) -> None:
    with as_file(files("pipeline.store").joinpath("migrations")) as folder, store.write() as connection:
        action(_config(folder, connection))


def _config(folder: Path, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
