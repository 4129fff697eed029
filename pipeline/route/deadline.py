"""An end to what another machine can draw out: a timeout bounds each read, not how many reads there are."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Connected(Protocol):
    """A client over one socket, such as those of `http.client` and `smtplib`; `sock` is None before it is connected."""

    @property
    def sock(self) -> socket.socket | None: ...


@contextmanager
def at_most(seconds: float, client: Connected) -> Iterator[None]:
    """Shut a client's socket after `seconds`; TimeoutError then, whatever the client made of it."""
    late = threading.Event()

    def end() -> None:
        late.set()
        if client.sock is not None:
            with suppress(OSError):
                # Not `SSLSocket.shutdown`, which would go on without encryption.
                socket.socket.shutdown(client.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if late.is_set():  # some clients take the end of the stream for the end of an answer
        raise TimeoutError
