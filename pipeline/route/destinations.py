"""Where queues send their items. A destination takes messages and says what it did with each.

Delivery is at least once; a message carries an idempotency key so that its effect happens once.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """One item for one destination. `key` is the same on every try; rank 0 is the most urgent level."""

    key: str
    queue: str
    batch: str
    report: str
    urgency: str
    rank: int
    due: datetime
    payload: Mapping[str, Any]


SEND_SECONDS = 120.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""This machine itself: what goes there needs no TLS."""
MINIMAL = ("id", "report", "batch", "model", "policy", "taxonomy")


def item_body(message: Message, *, minimal: Collection[str]) -> bytes:
    """A message as one JSON object; of the queues in `minimal` ids, urgency and due time alone."""
    payload = message.payload
    if message.queue in minimal:
        urgency = payload["urgency"] and {"id": payload["urgency"]["id"]}
        due = [{key: item[key] for key in ("queue", "due")} for item in payload["queues"]]  # the reason names types
        payload = {**{key: payload[key] for key in MINIMAL}, "urgency": urgency, "queues": due}
    return json.dumps({"type": "item", "queue": message.queue, "data": payload}, ensure_ascii=False).encode()


class DeliveryFailed(Exception):
    """A destination did not take some messages; the words of this error are safe to store.

    `sent` are the keys of what it took all the same, `tried` of what it did not take; it was not asked about the rest.
    Where they were `refused` for what they are, it may take others; otherwise it is not asked again for a while,
    `retry_after` seconds where it says so.
    """

    def __init__(
        self,
        words: str,
        *,
        tried: Collection[str],
        sent: Collection[str] = (),
        refused: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(words)
        self.tried, self.sent, self.refused, self.retry_after = tried, sent, refused, retry_after


def one_by_one(
    messages: Sequence[Message], send: Callable[[Message], None], *, now: Callable[[], datetime]
) -> Mapping[str, datetime]:
    """Send messages in order up to the first that fails. A slow destination gets what fits into `SEND_SECONDS`; the
    rest is asked for again at once, under a new lease."""
    end, sent = monotonic() + SEND_SECONDS, list[str]()
    for message in messages:
        if sent and monotonic() > end:
            return {left.key: now() for left in messages[len(sent) :]}
        try:
            send(message)
        except DeliveryFailed as error:
            error.sent = sent
            raise
        sent.append(message.key)
    return {}


class Destination(Protocol):
    """Takes messages of one queue, and returns the keys of those that it leaves for later, with the time to ask again.

    Raises DeliveryFailed where it cannot take one.
    """

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]: ...


@dataclass
class Folder:
    """A folder with one JSON Lines file per queue and batch: `investigations/20250214-….jsonl`.

    A key that is in the file already is not written again, so a repeated delivery has no effect. A
    line that a crash left incomplete is cut off and written again.
    """

    root: Path
    _keys: dict[Path, tuple[int, set[str]]] = field(default_factory=dict)

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        by_file: dict[Path, list[Message]] = {}
        for message in messages:
            by_file.setdefault(self.root / message.queue / f"{message.batch}.jsonl", []).append(message)
        for path, group in by_file.items():
            try:
                self._append(path, group)
            except OSError as error:
                problem = f"folder: {error.strerror or type(error).__name__}"
                raise DeliveryFailed(problem, tried=[message.key for message in messages]) from error
            except (ValueError, KeyError, TypeError):
                problem = f"folder: {path.parent.name}/{path.name} holds a line that is no delivery: move the file away"
                raise DeliveryFailed(
                    problem, tried=[message.key for message in messages]
                ) from None  # it holds the line
        return {}

    def _append(self, path: Path, messages: Sequence[Message]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            size = os.fstat(stream.fileno()).st_size
            known_size, keys = self._keys.get(path, (-1, set()))
            if known_size != size:
                size, keys = _repair(stream)
            new = {message.key: message for message in messages if message.key not in keys}
            lines = (
                json.dumps({"key": key, "queue": message.queue, **message.payload}, ensure_ascii=False) + "\n"
                for key, message in new.items()
            )
            data = "".join(lines).encode()
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
            self._keys[path] = (size + len(data), keys | set(new))


def _repair(stream: Any) -> tuple[int, set[str]]:
    """Cut off an incomplete last line; the size and the keys of what is left."""
    stream.seek(0)
    keys, end = set(), 0
    for line in stream:
        if not line.endswith(b"\n"):
            break
        keys.add(json.loads(line)["key"])
        end += len(line)
    stream.truncate(end)
    stream.seek(0, os.SEEK_END)
    return end, keys
