"""A workspace opened: its settings, its store and, once a process, the rooms that need a model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigurationError, StoreError

# Settings and store take longer to load than most commands need: they are where they are used.
if TYPE_CHECKING:
    from pipeline.intake import Limits
    from pipeline.route import Policy
    from pipeline.route.destinations import Destination
    from pipeline.settings import Settings
    from pipeline.store.engine import Store
    from pipeline.triage import Rooms

MODELS = Path("models")
"""Where a workspace keeps its own versions of the model."""

_SETTINGS = """\
# Settings of this workspace. `sitrep doctor` checks them; SITREP_* environment variables override them.

# A SQLAlchemy URL: SQLite for one machine, PostgreSQL for a team
# (postgresql://sitrep@db.example.org/sitrep).
database = "sqlite:///sitrep.db"

# Which reports go to which queues.
policy = "policy.toml"

# Where the default destination writes what the queues receive.
outbox = "outbox"

# The nightly run: files left in `drop` are taken in, the digest goes to `digests`.
drop = "drop"
digests = "digests"
# backups = "/backups/sitrep"    # a checked copy of the store each night
# retention_days = 365             # the night erases the words of what came in longer ago; holds keep them
nightly = "0 2 * * *"
time_zone = "UTC"

# auto, cpu or cuda; auto, fp32 or bf16.
device = "auto"
precision = "auto"

# Triage by several processes (`pip install "sitrep[dask]"`): so many on this machine, or a Dask scheduler's.
# dask = 2
# dask = "tls://10.0.0.5:8786"

# [review]                         # who signs in to the review page, and how: docs/pages.md
# second_factor = ["supervisor", "administrator"]
# idle_minutes = 60

# Further tables: [webhooks.NAME] (docs/delivery.md), [imap] and [drift] (docs/operations.md), [audit] and [encryption]
# (docs/custody.md).
"""


def utc_now() -> datetime:
    return datetime.now(UTC)


def operator() -> str:
    """Who runs this process, as it goes on record: the user of this machine, or their number where it has no name."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user that is in no list of users
        return f"uid-{os.getuid()}"


@dataclass(frozen=True)
class Workspace:
    """A folder with settings, a policy and a store."""

    settings: Settings

    @cached_property
    def store(self) -> Store:
        """The store, at this version's schema; StoreError where `sitrep init` or `sitrep upgrade` was not run."""
        from pipeline.store.engine import check_store, migrations
        from pipeline.store.sealing import in_force

        store = store_of(self.settings)
        found, known = check_store(store), migrations()
        if found not in known:
            raise StoreError(f"the store has the tables of a newer version ({found}): install that version of Sitrep")
        if found != known[-1]:
            raise StoreError(
                f"the store has the tables of an older version ({found}): run `sitrep backup`, `sitrep upgrade`"
            )
        with store.read() as connection:
            in_force(connection)  # the keys of an encrypted store are at hand
        return store

    @cached_property
    def policy(self) -> Policy:
        from pipeline.route import load_policy

        return load_policy(self.settings.path(self.settings.policy))

    @cached_property
    def limits(self) -> Limits:
        from pipeline.intake import Limits

        return Limits(
            text_characters=self.settings.max_text_characters,
            file_bytes=self.settings.max_file_megabytes * 2**20,
        )

    @property
    def model_folder(self) -> Path:
        """The version in use: the one that the settings name, else the one promoted last, else the shipped one."""
        from models.promotion import champion_folder
        from models.registry import find

        named = self.settings.model
        return find(named) if named else champion_folder(self.settings.path(MODELS))

    @cached_property
    def rooms(self) -> Rooms:
        """Model, extractor, policy and taxonomy: a second or two to load, kept for the process."""
        import models
        from pipeline.extract import Extractor
        from pipeline.taxonomy import load_taxonomy
        from pipeline.triage import Rooms

        gazetteer = self.settings.path(self.settings.gazetteer) if self.settings.gazetteer else None
        return Rooms(
            model=models.load(
                self.model_folder,
                device=self.settings.device,
                precision=self.settings.precision,
                threads=self.settings.threads,
            ),
            extractor=Extractor(gazetteer=gazetteer),
            policy=self.policy,
            taxonomy=load_taxonomy(),
        )

    @cached_property
    def destinations(self) -> dict[str, Destination]:
        from flows.destinations import open_destinations

        return open_destinations(self.settings, self.policy)


def store_of(settings: Settings) -> Store:
    """The store that the settings name, of whatever version, with the keys that they name."""
    from pipeline.custody.keyring import Keyring
    from pipeline.store.engine import open_store

    path = settings.encryption.key_file
    keys = Keyring(settings.path(path)) if path else None
    return open_store(settings.database.get_secret_value(), base=settings.workspace, keys=keys)


@lru_cache(maxsize=8)
def open_workspace(folder: Path) -> Workspace:
    """The workspace in `folder`, opened once per process."""
    from pipeline.settings import load_settings

    return Workspace(load_settings(folder))


def init_workspace(folder: Path) -> list[Path]:
    """Make settings, policy and store; the files made. Refuses to overwrite."""
    from importlib.resources import files

    from pipeline.settings import SETTINGS_FILE, load_settings
    from pipeline.store.engine import open_store
    from pipeline.store.migrate import upgrade

    settings, policy = folder / SETTINGS_FILE, folder / "policy.toml"
    for path in (settings, policy):
        if path.exists():
            raise ConfigurationError(
                f"{path} is there already: nothing was changed; where its store has no tables, `sitrep upgrade` makes them"
            )
    folder.mkdir(parents=True, exist_ok=True)
    policy.write_text(files("pipeline.route").joinpath("policy.toml").read_text(encoding="utf-8"), encoding="utf-8")
    settings.write_text(_SETTINGS, encoding="utf-8")
    loaded = load_settings(folder)
    store = open_store(loaded.database.get_secret_value(), base=folder)
    upgrade(store)
    database = store.engine.url.database
    store.dispose()
    return [settings, policy, Path(database)] if store.is_sqlite and database else [settings, policy]
