"""Shared parts of the tests: real ones throughout, made in temporary folders, the network closed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from hypothesis import settings
from sqlalchemy.engine import make_url

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import models
from pipeline.classify import ReportModel
from pipeline.extract import Extractor
from pipeline.intake import Limits, Row, read_inputs
from pipeline.route import load_policy
from pipeline.store import Store, engine, open_store, passwords
from pipeline.store.migrate import upgrade
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import Rooms
from tests.postgres import binaries, database, server

# Timings belong to the benchmarks; a busy machine must not fail a law. In CI the examples are fixed.
settings.register_profile("sitrep", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("sitrep")

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)
SHIPPED: dict[str, Any] = {"policy": load_policy(), "taxonomy": load_taxonomy()}


@pytest.fixture
def now() -> Callable[[], datetime]:
    return lambda: NOW


@pytest.fixture(scope="session", autouse=True)
def no_cost_that_only_production_needs() -> Iterator[None]:
    """Passwords are hashed at the least cost, and SQLite does not wait for the disk; tests of both use the real ones."""
    cheapest, prepare = PasswordHasher.from_parameters(CHEAPEST), engine._prepare_sqlite

    def prepare_without_waiting(connection: Any, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous = OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: cheapest)
        patch.setattr(engine, "_prepare_sqlite", prepare_without_waiting)
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with this version's tables, empty: stores are copies of it."""
    folder = tmp_path_factory.mktemp("migrated")
    opened = open_store("sqlite:///made.db", base=folder)
    upgrade(opened)
    opened.dispose()
    return folder / "made.db"


@pytest.fixture(scope="session")
def migrated_database(postgres: str) -> Iterator[str]:
    """The name of a PostgreSQL database with this version's tables, empty: stores are copies of it."""
    with database(postgres) as url:
        opened = open_store(url)
        upgrade(opened)
        opened.dispose()
        yield str(make_url(url).database)


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(migrated, tmp_path / "test.db")
    opened = open_store("sqlite:///test.db", base=tmp_path)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The socket of a running PostgreSQL; skipped where none is installed."""
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    # Not among pytest's folders: those are for the one user that runs the tests, and are tidied up by other runs.
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder, server(Path(folder)) as socket:
        yield socket


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store on each database that Sitrep runs on."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    socket, template = request.getfixturevalue("postgres"), request.getfixturevalue("migrated_database")
    with database(socket, template=template) as url:
        opened = open_store(url)
        yield opened
        opened.dispose()


@pytest.fixture(scope="session")
def model() -> ReportModel:
    """The shipped model on the CPU runtime, in fp32 so that laws can be held to three digits."""
    return models.load(device="cpu", precision="fp32")


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    return Extractor()


@pytest.fixture(scope="session")
def rooms(model: ReportModel, extractor: Extractor) -> Rooms:
    return Rooms(model=model, extractor=extractor, policy=load_policy(), taxonomy=load_taxonomy())


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Row]]:
    """Read files given as name and content."""

    def reading(name: str, content: bytes | str, **mapping: str) -> list[Row]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_inputs([path], mapping=mapping, limits=Limits(text_characters=5000)))

    return reading
