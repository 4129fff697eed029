"""How fast one caller may go: so many requests a minute, after a pause so many at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock

MOST_CALLERS = 10_000


class Pace:
    """Counts in this process alone, by the generic cell rate algorithm (ITU-T I.371): one number a caller."""

    def __init__(self, per_minute: int, *, now: Callable[[], datetime]) -> None:
        self._step = 60 / per_minute if per_minute else 0.0
        self._now = now
        self._next: dict[str, float] = {}
        self._lock = Lock()

    def wait(self, caller: str) -> float:
        """Seconds that a caller has to wait; 0 where the request may pass, and is counted."""
        now = self._now().timestamp()
        with self._lock:
            if len(self._next) > MOST_CALLERS:
                self._next = {who: due for who, due in self._next.items() if due > now}
            due = max(self._next.get(caller, now), now)
            early = due + self._step - 60 - now
            if early > 1e-6:
                return early
            self._next[caller] = due + self._step
            return 0.0
