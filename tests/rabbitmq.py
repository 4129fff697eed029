"""A RabbitMQ of the tests' own: the installed broker on ports of this machine, its data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
from pika.exceptions import AMQPError

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's; the one on the path changes users
USER = {"username": "guest", "password": "guest"}


def installed() -> bool:
    return PROGRAM.exists() and shutil.which("erl") is not None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Run a broker; its port. The port mapper that Erlang starts beside it is ended with it."""
    port, mapper = _free_port(), _free_port()
    names = {
        "HOME": folder, "RABBITMQ_NODENAME": f"sitrep{port}@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": port, "RABBITMQ_DIST_PORT": _free_port(), "RABBITMQ_MNESIA_BASE": folder / "data",
        "RABBITMQ_LOG_BASE": folder / "log", "RABBITMQ_PID_FILE": folder / "pid", "ERL_EPMD_PORT": mapper,
        "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        "RABBITMQ_CONF_ENV_FILE": folder / "none", "RABBITMQ_CONFIG_FILE": folder / "none",
    }  # fmt: skip
    environment = {**os.environ, **{name: str(value) for name, value in names.items()}}
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen([PROGRAM], env=environment, stdout=out, stderr=out, cwd=folder)
    try:
        while not _answers(port):
            assert process.poll() is None, (folder / "out").read_text()
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait()
        subprocess.run(["epmd", "-port", str(mapper), "-kill"], env=environment, capture_output=True, check=False)


def _answers(port: int) -> bool:
    try:
        connection(port).close()
    except (AMQPError, OSError):
        return False
    return True


def connection(port: int) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
