"""Where the chunks of a run are triaged: in this process, or by Dask's workers here or on other machines.

A worker loads the model once and keeps it. Dask runs a chunk anew whose worker died, on another; the chunk then goes
on in smaller parts (`pipeline.triage.triage_chunk`), so that a report that ends its process is alone before the last
of `ALLOWED_DEATHS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.triage import PARTS

ALLOWED_DEATHS = 3 * len(PARTS)
"""Workers that a chunk may lose, one after the other: three such reports in it are each found in `len(PARTS)`."""

Runner: TypeAlias = TaskRunner[Any]


@contextmanager
def chunk_runner(settings: Settings) -> Iterator[Runner]:
    """What runs the chunk tasks, as the settings say; ConfigurationError where it cannot."""
    if settings.dask is None:
        # The model uses every core by itself; a second chunk at a time would only compete with it.
        here: Runner = ThreadPoolTaskRunner(max_workers=1)
        with here:
            yield here
        return
    runner = _elsewhere(settings, settings.dask) if isinstance(settings.dask, str) else _here(settings, settings.dask)
    with get_client(sync_client=True) as client:
        # Where Prefect started a server for this run alone, workers have to be told where it is.
        api = str(client.api_url)
    with temporary_settings({PREFECT_API_URL: api}), runner:
        yield runner


def _here(settings: Settings, workers: int) -> Runner:
    """Workers that are started for the run on this machine and share its cores."""
    new_runner = _dask_task_runner()
    import dask

    dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_DEATHS})
    threads = settings.threads or max(1, len(os.sched_getaffinity(0)) // workers)
    return new_runner(
        cluster_kwargs={
            "n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None,
            "env": {"SITREP_THREADS": str(threads)},
        }
    )  # fmt: skip


def _elsewhere(settings: Settings, scheduler: str) -> Runner:
    """The workers of a scheduler that runs already; each opens the workspace's folder at the same path."""
    if settings.database.get_secret_value().startswith("sqlite"):
        raise ConfigurationError("workers on other machines need a store that they reach: PostgreSQL, not SQLite")
    if not PREFECT_API_URL.value():
        raise ConfigurationError("workers on other machines need a Prefect server that they reach: set PREFECT_API_URL")
    return _dask_task_runner()(address=scheduler)


def _dask_task_runner() -> Callable[..., Runner]:
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise ConfigurationError('`dask` is set, but Dask is not installed: pip install "sitrep[dask]"') from error
    runner: Callable[..., Runner] = DaskTaskRunner
    return runner
