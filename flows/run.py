"""Run the triage flow from the command line, with Prefect kept quiet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


async def run_quietly(workspace: Path) -> dict[str, Any]:
    """Triage what waits in the workspace through the flow; its counts.

    Without a Prefect server configured (PREFECT_API_URL), Prefect starts one for the run.
    """
    _quiet()
    from flows import telemetry
    from flows.triage import triage

    telemetry.start()

    counts: dict[str, Any] = await triage(str(workspace))
    return counts


async def night_quietly(workspace: Path) -> dict[str, Any]:
    """Run tonight's night through its flow; its counts."""
    _quiet()
    from flows import telemetry
    from flows.nightly import nightly

    telemetry.start()

    counts: dict[str, Any] = await nightly(str(workspace))
    return counts


def _quiet() -> None:
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
