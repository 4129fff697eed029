"""Homes for Prefect whose database is migrated already, which takes it seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Home = Callable[[Path], Path]


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Makes homes for Prefect in folders, each with a copy of a database that was migrated once."""
    made = tmp_path_factory.mktemp("prefect")
    subprocess.run(
        [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"],
        env={**os.environ, "PREFECT_HOME": str(made)}, check=True, capture_output=True, timeout=300,
    )  # fmt: skip

    def home(folder: Path) -> Path:
        shutil.copytree(made, folder / "prefect", dirs_exist_ok=True)
        return folder / "prefect"

    return home
