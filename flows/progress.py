"""A progress bar that watches the store, so that it tells the truth with Prefect and without."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flows.console import err
from pipeline.errors import StoreError

if TYPE_CHECKING:
    from pipeline.store import Store

SECONDS_BETWEEN_LOOKS = 0.5


class Bar:
    """Rows taken in, or reports triaged."""

    def __init__(self, store: Store, verb: str) -> None:
        self._store = store
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err,
            transient=True,
        )  # fmt: skip
        self._stop = threading.Event()
        self._total = self._waiting() if verb == "triaging" else None
        self._task = self._progress.add_task(verb, total=self._total)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._progress.start()
        if self._total is not None:
            self._watcher.start()

    def advance(self, rows: int) -> None:
        self._progress.advance(self._task, rows)

    def stop(self) -> None:
        self._stop.set()
        self._progress.stop()

    def _waiting(self) -> int:
        from pipeline.store import reports

        with self._store.read() as connection:
            return reports.pending_count(connection)

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            with suppress(StoreError):  # what works on the store tells it; a bar only looks
                self._progress.update(self._task, completed=(self._total or 0) - self._waiting())


@contextmanager
def progress(store: Store, verb: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while the block runs, if a person looks; yields what advances it by so many rows."""
    if quiet or not err.is_terminal:
        yield lambda rows: None
        return
    bar = Bar(store, verb)
    try:
        yield bar.advance
    finally:
        bar.stop()
