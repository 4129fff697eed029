"""Shared parts of the tests: real ones throughout, made in temporary folders, the network closed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import models
from pipeline.classify import ReportModel
from pipeline.extract import Extractor
from pipeline.intake import Limits, Row, read_inputs
from pipeline.route import load_policy
from pipeline.store import Store, open_store
from pipeline.store.migrate import upgrade
from pipeline.taxonomy import load_taxonomy
from pipeline.triage import Rooms
from tests.postgres import binaries, database, server

# Timings belong to the benchmarks; a busy machine must not fail a law. In CI the examples are fixed.
settings.register_profile("sitrep", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("sitrep")

NOW = datetime(2025, 2, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def now() -> Callable[[], datetime]:
    return lambda: NOW


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("sqlite:///test.db", base=tmp_path)
    upgrade(opened)
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
    with database(request.getfixturevalue("postgres")) as url:
        opened = open_store(url)
        upgrade(opened)
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
